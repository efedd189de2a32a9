package run

import (
	"context"
	"errors"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

const (
	// A plugin that has missed its probe gets a second look: the hub itself may
	// have been asleep.
	secondLook = time.Second
	// A process that ends closes its connection a moment before.
	exitGrace = 500 * time.Millisecond
)

// KeepAlive asks the plugin each interval whether it still answers, and kills it if
// it does not within timeout or if it takes too much memory. It calls disconnected
// when the connection is broken. It returns when the process has ended. A process
// under a debugger may stand still.
func (i *Instance) KeepAlive(interval, timeout time.Duration, disconnected func()) {
	if i.plan.Reattach != "" {
		return
	}

	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-i.body.Exited():
			return
		case <-ticker.C:
		case <-i.suspect:
		}

		// The system's own limit counts what may be written to; this one also
		// what is mapped or shared.
		if limit := i.plan.Memory; limit > 0 && launch.Memory(i.PID()) > limit {
			i.Kill(CauseMemory)
			return
		}

		err := i.probe(timeout)
		switch {
		case errors.Is(err, shared.ReasonDeadlineExceeded):
			i.Kill(CauseFrozen)
			return
		case errors.Is(err, shared.ReasonPluginDown):
			disconnected()
		}
	}
}

// probe asks for what every plugin can tell at any time. Any answer will do.
func (i *Instance) probe(timeout time.Duration) (err error) {
	for _, bound := range []time.Duration{timeout, secondLook} {
		ctx, cancel := context.WithTimeout(context.Background(), bound)
		_, err = i.remote.Describe(ctx)
		cancel()
		if !errors.Is(err, shared.ReasonDeadlineExceeded) {
			return err
		}
	}
	return err
}

// Suspect makes KeepAlive ask now, for example after a deadline that passed.
func (i *Instance) Suspect() {
	select {
	case i.suspect <- struct{}{}:
	default:
	}
}

// Reconnected looks at a connection that seems to be broken. It returns false when
// the process has ended; one that neither ends nor answers is of no more use and is
// killed, too. True: it answers after all.
func (i *Instance) Reconnected() bool {
	timer := time.NewTimer(exitGrace)
	defer timer.Stop()
	select {
	case <-i.body.Exited():
		return false
	case <-timer.C:
	}

	err := i.probe(secondLook)
	if errors.Is(err, shared.ReasonPluginDown) || errors.Is(err, shared.ReasonDeadlineExceeded) {
		i.Kill(CauseDisconnected)
		return false
	}
	return true
}
