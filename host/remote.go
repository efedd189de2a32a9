package host

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// remote is a plugin as the hub sees it: a VehicleRefresher that outlives the
// plugin's processes.
type remote struct{ s *supervisor }

var (
	_ shared.VehicleRefresher = remote{}
	_ shared.VehicleLister    = remote{}
	_ shared.Scheduler        = remote{}
	_ shared.Previewer        = remote{}
	_ shared.Unlocker         = remote{}
)

// Initialize implements [shared.VehicleRefresher]: it hands new settings to the
// running plugin and, if they are accepted, to every later process of it.
func (r remote) Initialize(ctx context.Context, cfg shared.Config) ([]*vehiclev1.Vehicle, error) {
	ctx, cancel := withLimits(ctx, r.s.opts.InitializeTimeout)
	defer cancel()
	i, err := r.s.process(ctx)
	if err != nil {
		return nil, err
	}

	r.s.redactor.Learn(redact.Secrets(cfg.Settings)...)
	vehicles, err := r.s.handOver(ctx, i, cfg.Settings)
	if err != nil {
		return nil, err
	}

	r.s.keepSettings(cfg.Settings)
	r.s.send(initialized{about{i}, vehicles})
	return vehicles, nil
}

// ListVehicles implements [shared.VehicleLister] from what the plugin said last.
func (r remote) ListVehicles(context.Context) ([]*vehiclev1.Vehicle, error) {
	return r.s.vehicles(), nil
}

// RefreshCached implements [shared.VehicleRefresher].
func (r remote) RefreshCached(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error) {
	return r.refresh(ctx, shared.ModeCached, vehicleID, 0)
}

// RefreshForce implements [shared.VehicleRefresher].
func (r remote) RefreshForce(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error) {
	return r.refresh(ctx, shared.ModeForce, vehicleID, 0)
}

// RefreshSmart implements [shared.VehicleRefresher].
func (r remote) RefreshSmart(ctx context.Context, vehicleID string, maxAge time.Duration) (*vehiclev1.VehicleData, error) {
	return r.refresh(ctx, shared.ModeSmart, vehicleID, maxAge)
}

// SetSchedule implements [shared.Scheduler]. It waits for a plugin that is coming
// up, within ctx.
func (r remote) SetSchedule(ctx context.Context, vehicleID string, schedule json.RawMessage) (json.RawMessage, error) {
	return ask(ctx, r.s, func(ctx context.Context, plugin *shared.Client) (json.RawMessage, error) {
		return plugin.SetSchedule(ctx, vehicleID, schedule)
	})
}

// Schedule implements [shared.Scheduler]. It waits for a plugin that is coming up, within
// ctx.
func (r remote) Schedule(ctx context.Context, vehicleID string) (shared.Schedule, error) {
	return ask(ctx, r.s, func(ctx context.Context, plugin *shared.Client) (shared.Schedule, error) {
		return plugin.Schedule(ctx, vehicleID)
	})
}

// Preview implements [shared.Previewer]. It waits for a plugin that is coming up,
// within ctx.
func (r remote) Preview(ctx context.Context, mode shared.Mode, vehicleID string, maxAge time.Duration) (*vehiclev1.Preview, error) {
	return ask(ctx, r.s, func(ctx context.Context, plugin *shared.Client) (*vehiclev1.Preview, error) {
		return plugin.Preview(ctx, mode, vehicleID, maxAge)
	})
}

// Unlock implements [shared.Unlocker], also for a plugin whose settings wait to serve.
func (r remote) Unlock(ctx context.Context) error {
	ctx, cancel := withLimits(ctx, r.s.opts.InitializeTimeout)
	defer cancel()
	i, err := r.s.process(ctx)
	if err != nil {
		return err
	}
	return redactError(r.s.redactor, i.Remote().Unlock(withAttempt(ctx, 1)))
}

// ask makes a short call of the plugin that is no refresh.
func ask[T any](ctx context.Context, s *supervisor, call func(context.Context, *shared.Client) (T, error)) (answer T, err error) {
	ctx, cancel := withLimits(ctx, shared.ModeCached.DefaultTimeout())
	defer cancel()
	id := shared.CallInfoFrom(ctx).RequestID
	i, err := s.acquire(ctx, id)
	if err != nil {
		return answer, err
	}

	answer, err = call(withAttempt(ctx, 1), i.Remote())
	down := errors.Is(err, shared.ReasonPluginDown)
	i.EndCall(id, down)
	if down {
		s.lost(i)
	}
	return answer, redactError(s.redactor, err)
}

// keepSettings that the plugin has accepted, for its later processes.
func (s *supervisor) keepSettings(settings json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spec.Settings = settings
}
