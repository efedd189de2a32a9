package host

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/run"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// maxAttempts of a call: the first, and one replay after a restart.
const maxAttempts = 2

// refresh makes one refresh, and is the one place where it is answered.
func (r remote) refresh(ctx context.Context, mode shared.Mode, vehicleID string, maxAge time.Duration) (*vehiclev1.VehicleData, error) {
	begun := r.s.opts.Now()
	ctx, cancel := withLimits(ctx, mode.Deadline())
	defer cancel()

	r.s.calls.inFlight.Add(1)
	data, attempts, err := r.dispatch(ctx, mode, vehicleID, maxAge)
	r.s.calls.inFlight.Add(-1)

	var refresh *shared.RefreshError
	if err != nil && !errors.As(err, &refresh) {
		err = &shared.RefreshError{Mode: mode, VehicleID: vehicleID, Err: shared.AsAPIError(err)}
	}
	r.s.opts.Metrics.CallDone(Call{
		Plugin: r.s.name(), Mode: mode, Reason: reasonOf(err), Duration: r.s.opts.Now().Sub(begun), Attempts: attempts,
	})
	return data, err
}

// dispatch waits for a plugin that is restarting, no longer than that may take to serve,
// and makes the call again if the plugin died under it, within the deadline and as often
// as allowed. A force is made again only if it cannot have reached the car.
func (r remote) dispatch(ctx context.Context, mode shared.Mode, vehicleID string, maxAge time.Duration) (
	data *vehiclev1.VehicleData, attempts int, err error,
) {
	id := shared.CallInfoFrom(ctx).RequestID
	ready, cancel := context.WithTimeout(ctx, mode.DefaultTimeout())
	defer cancel()
	for attempts < maxAttempts {
		i, waitErr := r.s.acquire(ready, id)
		if waitErr != nil {
			if err == nil {
				err = waitErr
			}
			break
		}
		if i.Exited() {
			i.EndCall(id, false)
			r.s.lost(i) // nothing was sent, so this was no attempt
			continue
		}

		attempts++
		if attempts > 1 {
			r.s.calls.replayed.Add(1)
		}
		data, err = shared.Refresh(withAttempt(ctx, attempts), i.Remote(), mode, vehicleID, maxAge)
		err = redactError(r.s.redactor, err)
		down := errors.Is(err, shared.ReasonPluginDown)
		i.EndCall(id, down)

		switch {
		case err == nil:
			return data, attempts, nil
		case errors.Is(err, shared.ReasonDraining) && r.s.replaced(i):
			attempts-- // refused by a process that is on its way out
			continue
		case errors.Is(err, shared.ReasonDeadlineExceeded):
			i.Suspect()
		}
		if !down {
			break
		}
		r.s.lost(i)
		if mode == shared.ModeForce {
			break
		}
		r.s.log.Info("the plugin died under a call", "mode", string(mode), "vehicle", vehicleID, "request_id", id, "attempt", attempts)
	}
	return nil, attempts, err
}

// replaced reports whether another process has taken this one's place.
func (s *supervisor) replaced(i *run.Instance) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs.current != nil && s.runs.current != i
}

// redactError takes secrets out of what a plugin says in its errors. They are the
// host's own copies.
func redactError(secrets *redact.Redactor, err error) error {
	shared.EachError(err, func(e error) {
		if api, ok := e.(*shared.APIError); ok { //nolint:errorlint // the tree is walked link by link
			api.Message = secrets.String(api.Message)
		}
	})
	return err
}

// acquire returns the process that serves calls, waiting for it within ctx, with
// the call noted in it. It fails at once if waiting cannot help.
func (s *supervisor) acquire(ctx context.Context, requestID string) (*run.Instance, error) {
	return s.await(ctx, func() *run.Instance {
		if !s.machine.Usable || s.runs.current == s.runs.broken {
			return nil
		}
		// Noted before it can be replaced, so that its end waits for the call.
		s.runs.current.BeginCall(requestID)
		return s.runs.current
	})
}

// process returns the process, initialized or not.
func (s *supervisor) process(ctx context.Context) (*run.Instance, error) {
	return s.await(ctx, func() *run.Instance { return s.runs.current })
}

// await waits until getLocked returns a process.
func (s *supervisor) await(ctx context.Context, getLocked func() *run.Instance) (*run.Instance, error) {
	for {
		s.mu.Lock()
		i, trouble, changed, state := getLocked(), s.trouble, s.changed, s.machine.State
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

// withLimits gives ctx a deadline if it has none or a later one, and a request id
// if it has none.
func withLimits(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if info := shared.CallInfoFrom(ctx); info.RequestID == "" {
		info.RequestID = newID()
		ctx = shared.WithCallInfo(ctx, info)
	}
	return context.WithTimeout(ctx, limit)
}

func withAttempt(ctx context.Context, attempt int) context.Context {
	info := shared.CallInfoFrom(ctx)
	info.Attempt = attempt
	return shared.WithCallInfo(ctx, info)
}

// newID is short and unique enough to find a command in the log.
func newID() string { return rand.Text()[:10] }
