package run

import (
	"context"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
)

// Bounds of a shutdown, each step after the other.
const (
	drainTimeout    = 2 * time.Second
	gracefulTimeout = time.Second
)

// ShutDown ends the process within a bound whatever it does: drain, ask, kill. A
// developer's process is only let go of.
func (i *Instance) ShutDown(ctx context.Context) {
	if i.plan.Reattach != "" {
		i.Discard()
		return
	}

	drainCtx, cancel := context.WithTimeout(ctx, drainTimeout)
	i.Drain(drainCtx)
	cancel()

	ended := make(chan struct{})
	go func() {
		i.client.Kill()
		close(ended)
	}()
	timer := time.NewTimer(gracefulTimeout)
	defer timer.Stop()
	select {
	case <-i.body.Exited():
	case <-timer.C:
	case <-ctx.Done():
	}

	i.Discard()
	<-ended
}

// Drain lets the plugin finish what it is doing, and the answers arrive.
func (i *Instance) Drain(ctx context.Context) {
	if err := i.remote.Drain(ctx); err != nil {
		i.log.Debug("plugin was not drained", "error", err)
	}

	for {
		i.mu.Lock()
		busy, finished := len(i.calls) > 0, i.finished
		i.mu.Unlock()
		if !busy {
			return
		}
		select {
		case <-finished:
		case <-i.body.Exited():
			return
		case <-ctx.Done():
			return
		}
	}
}

// Kill ends the process for a cause; its end shows like any other. One that is ending
// already, which can take a while on a busy machine, ends for a reason of its own.
func (i *Instance) Kill(cause CrashCause) {
	if !launch.Exiting(i.PID()) {
		i.blame(cause)
	}
	_ = i.body.Kill(context.Background()) // nothing outlives it
}

// blame notes why the host is about to kill the process. The first cause stands.
func (i *Instance) blame(cause CrashCause) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.cause == "" {
		i.cause = cause
	}
}
