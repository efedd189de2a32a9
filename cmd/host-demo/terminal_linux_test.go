package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestTheTerminalIsGone: whoever closes the window of a demo wants it to end,
// not its plugin to be upgraded.
func TestTheTerminalIsGone(t *testing.T) {
	t.Parallel()
	window, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(int(window.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(window.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)

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
