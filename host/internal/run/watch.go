package run

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

const (
	// How often a plugin may report its health, in the long run and at once; a
	// faster one has to wait.
	reportsPerSecond, reportsAtOnce = 2, 20
	// The same of the snapshots that no call has asked for.
	updatesPerSecond, updatesAtOnce = 100, 1000
)

// WatchHealth calls report with each word that the plugin says of its health, as it
// said it, from one goroutine, until the stream or the process ends. A plugin that
// says nothing within patience is noted in the log.
func (i *Instance) WatchHealth(patience time.Duration, report func(*vehiclev1.Health)) {
	ctx, cancel := i.whileItRuns()
	defer cancel()
	silence := time.AfterFunc(patience, func() {
		i.log.Warn("the plugin does not say how it is, though it should at once; it counts as healthy while it answers")
	})
	defer silence.Stop()

	pace := rate.NewLimiter(reportsPerSecond, reportsAtOnce)
	err := i.remote.WatchHealth(ctx, func(h *vehiclev1.Health) error {
		silence.Stop()
		report(h)
		return pace.Wait(ctx)
	})
	switch {
	case ctx.Err() != nil || errors.Is(err, shared.ReasonUnsupported):
	case errors.Is(err, shared.ReasonPluginDown):
		i.Suspect()
	default:
		i.log.Warn("the plugin has ended its health stream; its last word stands", "error", err)
	}
}

// WatchUpdates calls report with each snapshot that the plugin brings without being
// asked, from one goroutine, until the stream or the process ends.
func (i *Instance) WatchUpdates(report func(*vehiclev1.VehicleData)) {
	ctx, cancel := i.whileItRuns()
	defer cancel()

	pace := rate.NewLimiter(updatesPerSecond, updatesAtOnce)
	err := i.remote.Watch(ctx, func(d *vehiclev1.VehicleData) error {
		report(d)
		return pace.Wait(ctx)
	})
	switch {
	case ctx.Err() != nil || err == nil || errors.Is(err, shared.ReasonUnsupported):
	case errors.Is(err, shared.ReasonPluginDown):
		i.Suspect()
	default:
		i.log.Warn("the plugin's updates are not taken any more", "error", err)
	}
}

// whileItRuns is a context that ends with the process.
func (i *Instance) whileItRuns() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // ends with the process or with ctx
		select {
		case <-i.body.Exited():
		case <-ctx.Done():
		}
		cancel()
	}()
	return ctx, cancel
}
