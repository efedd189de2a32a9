package host

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// maxAttempts of a call: the first, and one replay after a restart.
const maxAttempts = 2

// remote is a plugin as the hub sees it: a VehicleRefresher that outlives the
// plugin's processes.
type remote struct{ s *supervisor }

var (
	_ shared.VehicleRefresher = remote{}
	_ shared.VehicleLister    = remote{}
)

// Initialize implements [shared.VehicleRefresher]: it hands new settings to the
// running plugin and, if they are accepted, to every later process of it.
func (r remote) Initialize(ctx context.Context, cfg shared.Config) ([]*vehiclev1.Vehicle, error) {
	ctx, cancel := bounded(ctx, r.s.opts.InitializeTimeout)
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
	r.s.reconfigured(i, cfg.Settings, vehicles)
	return vehicles, nil
}

// ListVehicles implements [shared.VehicleLister] from what the plugin said last.
func (r remote) ListVehicles(context.Context) ([]*vehiclev1.Vehicle, error) {
	return r.s.fleet(), nil
}

// RefreshCached implements [shared.VehicleRefresher].
func (r remote) RefreshCached(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error) {
	return r.s.call(ctx, shared.ModeCached, vehicleID, func(ctx context.Context, c *shared.Client) (*vehiclev1.VehicleData, error) {
		return c.RefreshCached(ctx, vehicleID)
	})
}

// RefreshForce implements [shared.VehicleRefresher].
func (r remote) RefreshForce(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error) {
	return r.s.call(ctx, shared.ModeForce, vehicleID, func(ctx context.Context, c *shared.Client) (*vehiclev1.VehicleData, error) {
		return c.RefreshForce(ctx, vehicleID)
	})
}

// RefreshSmart implements [shared.VehicleRefresher].
func (r remote) RefreshSmart(ctx context.Context, vehicleID string, maxAge time.Duration) (*vehiclev1.VehicleData, error) {
	return r.s.call(ctx, shared.ModeSmart, vehicleID, func(ctx context.Context, c *shared.Client) (*vehiclev1.VehicleData, error) {
		return c.RefreshSmart(ctx, vehicleID, maxAge)
	})
}

// call makes one refresh, and is the one place where it is answered.
func (s *supervisor) call(ctx context.Context, mode shared.Mode, vehicleID string,
	do func(context.Context, *shared.Client) (*vehiclev1.VehicleData, error),
) (*vehiclev1.VehicleData, error) {
	begun := s.opts.Now()
	ctx, cancel := bounded(ctx, mode.DefaultTimeout())
	defer cancel()
	s.calls.inFlight.Add(1)
	data, attempts, err := s.dispatch(ctx, mode, vehicleID, do)
	s.calls.inFlight.Add(-1)
	var refresh *shared.RefreshError
	if err != nil && !errors.As(err, &refresh) {
		err = &shared.RefreshError{Mode: mode, VehicleID: vehicleID, Err: shared.AsAPIError(err)}
	}
	s.opts.Metrics.CallDone(Call{
		Plugin: s.name(), Mode: mode, Reason: reasonOf(err), Duration: s.opts.Now().Sub(begun), Attempts: attempts,
	})
	return data, err
}

// dispatch waits for a plugin that is restarting and makes the call again if the
// plugin died under it, within the deadline and as often as allowed. A force is
// made again only if it cannot have reached the car.
func (s *supervisor) dispatch(ctx context.Context, mode shared.Mode, vehicleID string,
	do func(context.Context, *shared.Client) (*vehiclev1.VehicleData, error),
) (data *vehiclev1.VehicleData, attempts int, err error) {
	id := shared.CallInfoFrom(ctx).RequestID
	for attempts < maxAttempts {
		i, waitErr := s.acquire(ctx, id)
		if waitErr != nil {
			if err == nil {
				err = waitErr
			}
			break
		}
		if i.exited() {
			i.finish(id, false)
			s.lost(i) // nothing was sent, so this was no attempt
			continue
		}
		attempts++
		if attempts > 1 {
			s.calls.replayed.Add(1)
		}
		data, err = do(named(ctx, attempts), i.remote)
		err = s.clean(err)
		down := errors.Is(err, shared.ReasonPluginDown)
		i.finish(id, down)
		switch {
		case err == nil:
			return data, attempts, nil
		case errors.Is(err, shared.ReasonDraining) && s.replaced(i):
			attempts-- // refused by a process that is on its way out
			continue
		case errors.Is(err, shared.ReasonDeadlineExceeded):
			i.doubt()
		}
		if !down {
			break
		}
		s.lost(i)
		if mode == shared.ModeForce {
			break
		}
		s.log.Info("the plugin died under a call", "mode", string(mode), "vehicle", vehicleID, "request_id", id, "attempt", attempts)
	}
	return nil, attempts, err
}

// replaced says whether another run has taken a run's place.
func (s *supervisor) replaced(i *instance) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current != nil && s.current != i
}

// clean takes secrets out of what a plugin says in its errors. They are the
// host's own copies.
func (s *supervisor) clean(err error) error {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if api, ok := e.(*shared.APIError); ok { //nolint:errorlint // the chain is walked link by link
			api.Message = s.redactor.String(api.Message)
		}
	}
	return err
}

// bounded gives ctx a deadline if it has none or a later one, and a request id
// if it has none.
func bounded(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if info := shared.CallInfoFrom(ctx); info.RequestID == "" {
		info.RequestID = newID()
		ctx = shared.WithCallInfo(ctx, info)
	}
	return context.WithTimeout(ctx, limit)
}

func named(ctx context.Context, attempt int) context.Context {
	info := shared.CallInfoFrom(ctx)
	info.Attempt = attempt
	return shared.WithCallInfo(ctx, info)
}

// newID is short and unique enough to find a command in the log.
func newID() string { return rand.Text()[:10] }

// acquire returns the run that serves calls, waiting for it within ctx, with the
// call noted in it. It fails at once if waiting cannot help.
func (s *supervisor) acquire(ctx context.Context, requestID string) (*instance, error) {
	return s.await(ctx, func() *instance {
		if !s.machine.usable || s.current == s.broken {
			return nil
		}
		// Noted before anybody can replace it, so that its end waits for the call.
		s.current.begin(requestID)
		return s.current
	})
}

// process returns the run, initialized or not.
func (s *supervisor) process(ctx context.Context) (*instance, error) {
	i, err := s.await(ctx, func() *instance { return s.current })
	if err != nil {
		return nil, err
	}
	return i, nil
}

// await waits until get returns a run. get is called with mu held.
func (s *supervisor) await(ctx context.Context, get func() *instance) (*instance, error) {
	for {
		s.mu.Lock()
		i, trouble, changed, state := get(), s.trouble, s.changed, s.machine.state
		s.mu.Unlock()
		switch {
		case i != nil:
			return i, nil
		case trouble != nil:
			return nil, trouble
		case state == Stopped:
			return nil, shared.Errorf(shared.ReasonPluginDown, "The plugin has not been started.")
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return nil, shared.AsAPIError(ctx.Err())
			}
			return nil, shared.NewError(shared.ReasonPluginDown).Wrap(ctx.Err())
		}
	}
}

// reconfigured keeps settings that the plugin has accepted.
func (s *supervisor) reconfigured(i *instance, settings []byte, vehicles []*vehiclev1.Vehicle) {
	s.mu.Lock()
	s.spec.Settings = settings
	s.mu.Unlock()
	s.send(message{in: inInitialized, instance: i, vehicles: vehicles})
}

// fleet is a copy of the plugin's cars.
func (s *supervisor) fleet() []*vehiclev1.Vehicle {
	s.mu.Lock()
	defer s.mu.Unlock()
	fleet := make([]*vehiclev1.Vehicle, len(s.vehicles))
	for n, v := range s.vehicles {
		fleet[n] = proto.CloneOf(v)
	}
	return fleet
}
