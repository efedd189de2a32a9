package main

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/prompt/prompttest"
)

// TestTheTerminalIsGone: whoever closes the window of a demo wants it to end,
// not its plugin to be upgraded.
func TestTheTerminalIsGone(t *testing.T) {
	t.Parallel()
	window, terminal := prompttest.Open(t)

	p := &program{t: t, cmd: exec.Command(filepath.Join(binaries, "host-demo")), lines: make(chan string, 10_000)}
	p.cmd.Stdin, p.cmd.Stderr = terminal, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	p.start()
	require.NoError(t, terminal.Close())
	p.find(`^Try `)
	p.hangUp()
	p.find(`plugin upgraded`)

	require.NoError(t, window.Close())
	p.find(`stopping`)
	p.ended()
}
