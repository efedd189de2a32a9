package run

import (
	"context"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// child is a process of the test's.
type child struct{ *exec.Cmd }

func (c child) PID() int                   { return c.Process.Pid }
func (child) Exited() <-chan struct{}      { return nil }
func (child) Drained() <-chan struct{}     { return nil }
func (child) ExitError() error             { return nil }
func (c child) Kill(context.Context) error { return c.Process.Kill() }

func started(t *testing.T) child {
	t.Helper()
	c := child{exec.CommandContext(t.Context(), "/bin/sh", "-c", "read line")}
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = c.Wait() // killed
	})
	return c
}

func TestWhatIsEndingAlreadyIsNotCalledKilledByTheHost(t *testing.T) {
	alive := &Instance{body: started(t)}
	alive.Kill(CauseDisconnected)
	assert.Equal(t, CauseDisconnected, alive.cause)

	// Killed by somebody else, and not reaped yet.
	dead := started(t)
	require.NoError(t, dead.Process.Kill())
	require.NoError(t, unix.Waitid(unix.P_PID, dead.PID(), nil, unix.WEXITED|unix.WNOWAIT, nil))
	ending := &Instance{body: dead}
	ending.Kill(CauseDisconnected)
	assert.Empty(t, ending.cause)

	// And reaped.
	gone := started(t)
	require.NoError(t, gone.Process.Kill())
	require.Error(t, gone.Wait())
	ended := &Instance{body: gone}
	ended.Kill(CauseFrozen)
	assert.Empty(t, ended.cause)
}
