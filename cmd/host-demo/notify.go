package main

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// manager is the service manager that has started the hub, if it wants to know how it is:
// systemd's protocol, see sd_notify(3). Without one nothing happens.
type manager struct {
	// send sends a message.
	send func(state string)
	// interval in which it wants a sign of life; 0: never.
	interval time.Duration
}

// serviceManager is the one of this process.
func serviceManager() manager {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		interval = 0 // it is not for this process
	}
	return manager{interval: interval, send: func(state string) { _, _ = daemon.SdNotify(false, state) }} // who does not listen does not hear it
}

// ready says that commands are taken.
func (m manager) ready() { m.send(daemon.SdNotifyReady) }

// stopping says that the end has begun.
func (m manager) stopping() { m.send(daemon.SdNotifyStopping) }

// reloading says that the settings are being read; ready says that it is over.
func (m manager) reloading() {
	state := daemon.SdNotifyReloading
	if now, ok := monotonic(); ok { // Type=notify-reload wants it
		state = fmt.Sprintf("%s\nMONOTONIC_USEC=%d", state, now.Microseconds())
	}
	m.send(state)
}

// watch gives signs of life until ctx ends, as long as alive returns: a hub that stands still
// gives none, and is started anew.
func (m manager) watch(ctx context.Context, alive func()) (wait func(context.Context) error) {
	done := make(chan struct{})
	if m.interval <= 0 {
		close(done)
		return endOf(done)
	}
	go func() { // ends with ctx, or with the process that stands still
		defer close(done)
		ticker := time.NewTicker(m.interval / 2)
		defer ticker.Stop()
		for {
			alive()
			m.send(daemon.SdNotifyWatchdog)
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
	return endOf(done)
}
