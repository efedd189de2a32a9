package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/prompt/prompttest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// TestTheServiceManagerIsTold when the hub is ready, that it lives, that it reads its settings
// again, and that it ends.
func TestTheServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "notify")
	var config net.ListenConfig
	listener, err := config.ListenPacket(t.Context(), "unixgram", socket)
	require.NoError(t, err)
	heard := make(chan string, 1000)
	go func() { // ends with the listener
		b := make([]byte, 4096)
		for {
			n, _, err := listener.ReadFrom(b)
			if err != nil {
				return
			}
			heard <- string(b[:n])
		}
	}()
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	hears := func(prefix string) {
		t.Helper()
		for !strings.HasPrefix(await.Value(t, prefix, heard), prefix) {
			continue // something else came before it
		}
	}

	p := runDemo(t, []string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=200000"}, "--demo")
	hears("READY=1")
	hears("WATCHDOG=1")
	hears("WATCHDOG=1")
	p.find(`^Try `)
	p.hangUp()
	hears("RELOADING=1\nMONOTONIC_USEC=")
	hears("READY=1")
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	hears("STOPPING=1")
	p.ended()
}

// TestTheFirstProcessOfAContainer reaps what a plugin leaves behind, hands signals on, and ends
// as the hub does.
func TestTheFirstProcessOfAContainer(t *testing.T) {
	t.Parallel()
	inContainer := func(args ...string) *exec.Cmd {
		args = append([]string{"--pid", "--fork", "--kill-child", "--mount-proc", filepath.Join(binaries, "host-demo")}, args...)
		cmd := exec.CommandContext(await.Context(t, "the end"), "unshare", args...)
		cmd.Env = environ(t)
		return cmd
	}
	if out, err := inContainer("--version").CombinedOutput(); err != nil {
		t.Skipf("no process namespaces here: %v %s", err, out)
	}
	wrong := inContainer("--nonsense")
	require.Error(t, wrong.Run())
	assert.Equal(t, 2, wrong.ProcessState.ExitCode())

	// A plugin that leaves a process behind, which nobody waits for.
	dir := stateFor(t) // its plugin is another user
	body, err := os.ReadFile(filepath.Join(binaries, "hyundai-plugin"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hyundai-plugin"), body, 0o755))
	plugin := filepath.Join(dir, "plugin")
	script := "#!/bin/sh\n(setsid sleep 100000 >/dev/null 2>&1 &)\nexec " + filepath.Join(dir, "hyundai-plugin") + "\n"
	require.NoError(t, os.WriteFile(plugin, []byte(script), 0o755))
	p := &program{t: t, cmd: inContainer("--demo", "--plugin", plugin), lines: make(chan string, 10_000)}
	p.cmd.Stderr = &p.stderr
	p.start()
	p.find(`^Try `)
	first := childrenOf(t, p.cmd.Process.Pid)
	require.Len(t, first, 1)
	var left []int
	await.True(t, "what the plugin has left is the first process's", func() bool {
		left = childrenOf(t, first[0])
		return len(left) == 2
	})
	for _, pid := range left {
		if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil && strings.TrimSpace(string(name)) == "sleep" {
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		}
	}
	await.True(t, "it is reaped", func() bool { return len(childrenOf(t, first[0])) == 1 })

	require.NoError(t, syscall.Kill(first[0], syscall.SIGTERM))
	p.find(`stopping`)
	p.ended()
}

// childrenOf a process, dead ones that were not reaped, too.
func childrenOf(t *testing.T, pid int) (children []int) {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	require.NoError(t, err)
	for _, task := range tasks {
		body, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		if err != nil {
			continue // the thread has ended
		}
		for _, word := range strings.Fields(string(body)) {
			child, err := strconv.Atoi(word)
			require.NoError(t, err)
			children = append(children, child)
		}
	}
	return children
}

// TestLogsOfATerminal are for people, others for programs.
func TestLogsOfATerminal(t *testing.T) {
	t.Parallel()
	d := prompttest.NewDesk(t)
	p := &program{t: t, cmd: exec.Command(filepath.Join(binaries, "host-demo"), "--demo", "--log-level", "info", "--for", time.Minute.String()), lines: make(chan string, 10_000)}
	p.cmd.Env, p.cmd.Stderr = environ(t), d.Terminal
	p.start()
	p.find(`^Try `)
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	p.ended()
	await.True(t, "lines for people", func() bool { return strings.Contains(d.Screen(), "level=INFO") })
	assert.NotContains(t, d.Screen(), `{"time"`)

	other := runDemo(t, nil, "--demo", "--log-level", "info")
	other.find(`^Try `)
	require.NoError(t, other.cmd.Process.Signal(os.Interrupt))
	other.ended()
	assert.Contains(t, other.stderr.String(), `{"time"`)
}
