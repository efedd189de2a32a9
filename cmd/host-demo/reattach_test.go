package main

import (
	"bufio"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// debugged starts the plugin as a developer would under a debugger, and returns
// it with the line that takes a hub to it.
func debugged(t *testing.T) (cmd *exec.Cmd, line string) {
	t.Helper()
	cmd = exec.Command(filepath.Join(binaries, "hyundai-plugin"))
	cmd.Env = append(environ(t), sdk.DebugEnv+"=1")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })

	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if assignment, ok := strings.CutPrefix(lines.Text(), shared.ReattachEnv+"="); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
			return cmd, strings.Trim(assignment, "'")       // as a shell does
		}
	}
	t.Fatal("it did not say how to get at it")
	return nil, ""
}

// TestPluginUnderADebugger serves the whole demo from a process that the hub has
// not started, and leaves it alone at the end.
func TestPluginUnderADebugger(t *testing.T) {
	t.Parallel()
	plugin, line := debugged(t)
	p := runDemo(t, []string{shared.ReattachEnv + "=" + line}, "--plugin", "/there/is/no/such/program", "--json", "--log-level", "warn")
	ready, _ := p.find(`"event":"ready","pid":(\d+)`)
	assert.Equal(t, strconv.Itoa(plugin.Process.Pid), ready[1])

	p.end()
	assert.Contains(t, p.stderr.String(), "it runs under a debugger")
	require.NoError(t, plugin.Process.Signal(syscall.SIGINT), "it lives: it is the developer's to end")
	require.NoError(t, plugin.Wait())
}
