package host_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// debugged starts a plugin as a developer would, and returns it with the line
// that it prints.
func debugged(t *testing.T, s stage) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	long := filepath.Join(string(s), strings.Repeat("long", 25)) // too long for a socket in it
	require.NoError(t, os.Mkdir(long, 0o700))
	cmd.Env = append(os.Environ(), roleEnv+"=plugin", stageEnv+"="+string(s), mark(), sdk.DebugEnv+"=1", "TMPDIR="+long)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if assignment, ok := strings.CutPrefix(lines.Text(), shared.ReattachEnv+"="); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return cmd, strings.Trim(assignment, "'") // as a shell does
		}
	}
	t.Fatal("it did not say how to get at it")
	return nil, ""
}

// TestReattach: a hub uses the process under the debugger, and lets it live.
func TestReattach(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	cmd, line := debugged(t, s)
	p := spec("p", "plugin", s)
	p.Path, p.Reattach = "", line
	h := start(t, s, quickProbes, p)
	_, err := h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.NoError(t, err)
	assert.Equal(t, cmd.Process.Pid, h.status("p").PID)
	h.logs("without limits")

	// It stands at a breakpoint for longer than any probe lasts.
	require.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
	held := make(chan error, 1)
	go func() {
		_, err := h.Plugin("p").RefreshCached(t.Context(), "fast")
		held <- err
	}()
	h.eventually("it stands", func() bool { return stopped(cmd.Process.Pid) })
	require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
	require.NoError(t, <-held)

	require.NoError(t, h.Stop(t.Context()))
	require.False(t, gone(cmd.Process.Pid), "it is the developer's to end")
	again := start(t, s, nil, p)
	_, err = again.Plugin("p").RefreshCached(t.Context(), "fast")
	require.NoError(t, err, "another hub may come")

	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait(), "Ctrl-C ends it")
	again.eventually("its end is seen", func() bool { return again.status("p").Crashes > 0 })
}

// A developer may start the plugin anew as often as that takes.
func TestReattachLineThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"no JSON": "pid=1", "no network": `{"pid":1,"address":"x","version":1}`, "another version": `{"pid":1,"network":"unix","address":"x","version":7}`, "nobody there": `{"pid":1,"network":"unix","address":"/nonexistent","version":1}`,
	} {
		s := newStage(t)
		h := start(t, s, func(o *host.Options) {
			o.Random = func() float64 { return .01 }
		}, host.PluginSpec{Name: "p", Reattach: line, Settings: goodSettings})
		h.happens(name+": the trouble is told", func(e host.Event) bool {
			return e.Reason == string(shared.ReasonPluginDown) && strings.Contains(e.Message, "under its debugger")
		})
		h.eventually("it is tried for ever", func() bool { return h.status("p").Crashes > 5 })
		assert.NotEqual(t, host.Quarantined, h.status("p").State, name)
	}
}

// stopped: the process stands still.
func stopped(pid int) bool { return stateOf(pid) == "T" || stateOf(pid) == "t" }
