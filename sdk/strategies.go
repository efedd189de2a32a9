package sdk

import (
	"context"
	"errors"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/lanes"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/snapshot"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// RefreshCached implements [shared.VehicleRefresher]: one read of the cloud's
// copy, or the last snapshot if that is only seconds old.
func (e *Engine) RefreshCached(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error) {
	ctx = e.called(ctx, shared.ModeCached, vehicleID)
	a, err := e.accountOf(vehicleID)
	if err != nil {
		return nil, e.failed(ctx, a, shared.ModeCached, vehicleID, err)
	}
	data, err := e.read(ctx, a, vehicleID)
	if err != nil {
		return nil, e.failed(ctx, a, shared.ModeCached, vehicleID, err)
	}
	return a.answer(ctx, data, shared.ModeCached), nil
}

// RefreshForce implements [shared.VehicleRefresher]: one wake, shared by all
// who ask while it waits or runs. Who shares it shares its failure as well: the
// car is not woken again for them.
func (e *Engine) RefreshForce(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error) {
	ctx = e.called(ctx, shared.ModeForce, vehicleID)
	a, err := e.accountOf(vehicleID)
	if err != nil {
		return nil, e.failed(ctx, a, shared.ModeForce, vehicleID, err)
	}
	for joined := shared.CallInfoFrom(ctx).Override; ; {
		woken, err := e.wake(ctx, a, vehicleID, nil)
		if joined && errors.Is(err, gate.ErrRefused) {
			joined = false // the job was that of a caller who overrides nothing
			continue
		}
		if err != nil {
			return nil, e.failed(ctx, a, shared.ModeForce, vehicleID, err)
		}
		if woken.woke {
			return a.answer(ctx, woken.data, shared.ModeForce), nil
		}
		// The job was a smart caller's, who found that no wake was needed.
	}
}

// RefreshSmart implements [shared.VehicleRefresher]: the cloud's copy first, a
// wake only if the car's own time is older than maxAge. A wake that somebody
// else asked for serves as well. If the wake fails, whoever asked for it, the
// copy is the answer, with the verdict STALE and the reason.
func (e *Engine) RefreshSmart(ctx context.Context, vehicleID string, maxAge time.Duration) (*vehiclev1.VehicleData, error) {
	if maxAge <= 0 {
		maxAge = shared.DefaultMaxAge
	}
	ctx = e.called(ctx, shared.ModeSmart, vehicleID)
	a, err := e.accountOf(vehicleID)
	if err != nil {
		return nil, e.failed(ctx, a, shared.ModeSmart, vehicleID, err)
	}
	woken, wakeErr := e.join(ctx, a, vehicleID)
	if errors.Is(wakeErr, gate.ErrReserve) {
		wakeErr = nil // which says nothing of this caller's
	}
	switch {
	case wakeErr != nil && !servesStale(wakeErr):
		return nil, e.failed(ctx, a, shared.ModeSmart, vehicleID, wakeErr)
	case woken.woke:
		return a.answer(ctx, woken.data, shared.ModeSmart), nil
	}
	data, err := e.read(ctx, a, vehicleID)
	if err != nil {
		return nil, e.failed(ctx, a, shared.ModeSmart, vehicleID, err)
	}
	// Without the car's time, or with one that lies ahead, there is no age to
	// judge; a wake for each request might not prove anything either.
	if snapshot.ProvenAt(data, e.opts.Now()).IsZero() || e.young(data, maxAge) {
		return e.youngAnswer(ctx, a, data), nil
	}
	if wakeErr == nil {
		woken, wakeErr = e.wakeUnlessYoung(ctx, a, vehicleID, maxAge)
	}
	switch {
	case wakeErr == nil && woken.woke:
		return a.answer(ctx, woken.data, shared.ModeSmart), nil
	case wakeErr == nil:
		return e.youngAnswer(ctx, a, woken.data), nil
	case !servesStale(wakeErr):
		return nil, e.failed(ctx, a, shared.ModeSmart, vehicleID, wakeErr)
	}
	// The wake may have lasted for minutes, in which others have read the copy.
	if last := a.last(vehicleID); snapshot.ProvenAt(last, e.opts.Now()).After(snapshot.ProvenAt(data, e.opts.Now())) {
		if data = last; e.young(data, maxAge) {
			return e.youngAnswer(ctx, a, data), nil
		}
	}
	Logger(ctx).Info("car not woken, the cloud's copy answers", "error", shared.ErrorChain(wakeErr))
	stale := a.answer(ctx, data, shared.ModeSmart)
	snapshot.MarkStale(stale, wakeErr)
	return stale, nil
}

// wakeUnlessYoung wakes the car unless, when its turn comes, another wake has
// done the work.
func (e *Engine) wakeUnlessYoung(ctx context.Context, a *account, vehicleID string, maxAge time.Duration) (outcome, error) {
	for {
		woken, err := e.wake(ctx, a, vehicleID, func() *vehiclev1.VehicleData {
			if last := a.last(vehicleID); e.young(last, maxAge) {
				return last
			}
			return nil
		})
		if err != nil || woken.woke || e.young(woken.data, maxAge) {
			return woken, err
		}
		// The job was that of a caller who is content with older data.
	}
}

// wake shares the wake of the car that waits or runs, else it is a new one,
// unless enough returns data that needs none. All wakes of a car are the same
// job, whoever asked first.
func (e *Engine) wake(ctx context.Context, a *account, vehicleID string, enough func() *vehiclev1.VehicleData) (outcome, error) {
	return e.run(ctx, a.wakeKey(vehicleID), func(ctx context.Context) (outcome, error) {
		if enough != nil {
			if data := enough(); data != nil {
				return outcome{data: data}, nil
			}
		}
		return a.wake(ctx, vehicleID, e.opts.MinReadInterval)
	})
}

// young says whether the car's own time is within maxAge.
func (e *Engine) young(d *vehiclev1.VehicleData, maxAge time.Duration) bool {
	observed := snapshot.ProvenAt(d, e.opts.Now())
	return !observed.IsZero() && e.opts.Now().Sub(observed) <= maxAge
}

// youngAnswer is the answer that needed no wake.
func (e *Engine) youngAnswer(ctx context.Context, a *account, d *vehiclev1.VehicleData) *vehiclev1.VehicleData {
	d = a.answer(ctx, d, shared.ModeSmart)
	snapshot.MarkYoung(d, e.opts.Now())
	return d
}

// outcome of a job: what now stands, and whether a car was woken for it.
type outcome struct {
	data *vehiclev1.VehicleData
	woke bool
}

// join waits for a wake of the car that is under way. If there is none, the
// outcome is empty.
func (e *Engine) join(ctx context.Context, a *account, vehicleID string) (outcome, error) {
	v, joined, err := e.lanes.Join(ctx, a.wakeKey(vehicleID))
	if joined {
		logShared(ctx, err)
	}
	if errors.Is(err, errNobodyWaits) {
		return outcome{}, nil
	}
	if err != nil {
		return outcome{}, jobError(ctx, err)
	}
	woken, _ := v.(outcome)
	return woken, nil
}

// servesStale says whether old data is the better answer to a failed wake. It
// is not when the caller has gone, when nobody can read either, or when the
// fault is ours.
func servesStale(err error) bool {
	switch shared.AsAPIError(err).Reason {
	case shared.ReasonCanceled, shared.ReasonDeadlineExceeded, shared.ReasonDraining, shared.ReasonInternal,
		shared.ReasonAuthFailed, shared.ReasonOTPRequired, shared.ReasonConsentRequired, shared.ReasonCaptchaRequired:
		return false
	default:
		return true
	}
}

func (e *Engine) accountOf(vehicleID string) (*account, error) {
	a, err := e.ready()
	if err != nil {
		return nil, err
	}
	return a, a.find(vehicleID)
}

// read is the cloud's copy of a car, by way of a worker unless the last
// snapshot is young enough to answer.
func (e *Engine) read(ctx context.Context, a *account, vehicleID string) (*vehiclev1.VehicleData, error) {
	if last := e.remembered(a, vehicleID); last != nil {
		Logger(ctx).Debug("answered from memory")
		return last, nil
	}
	read, err := e.run(ctx, a.readKey(vehicleID), func(ctx context.Context) (outcome, error) {
		// While this job waited, another one may have read.
		if last := e.remembered(a, vehicleID); last != nil {
			return outcome{data: last}, nil
		}
		if err := a.failedReads.lately(vehicleID, e.opts.Now(), e.opts.MinReadInterval); err != nil {
			return outcome{}, err
		}
		data, err := a.read(ctx, vehicleID)
		a.failedReads.note(vehicleID, err, e.opts.Now())
		return outcome{data: data}, err
	})
	return read.data, err
}

// remembered is the last snapshot if it is young enough to stand for a read.
func (e *Engine) remembered(a *account, vehicleID string) *vehiclev1.VehicleData {
	last := a.recent(vehicleID, e.opts.MinReadInterval)
	if last == nil {
		return nil
	}
	e.health.count(shared.CounterMemory)
	d := snapshot.For(last, shared.ModeCached)
	snapshot.FromMemory(d)
	return d
}

// run hands a blocking job to a worker and waits for it. Where people join a job
// that nobody waits for, what the budget keeps for people is theirs all the same.
func (e *Engine) run(ctx context.Context, key lanes.Key, job func(context.Context) (outcome, error)) (outcome, error) {
	for {
		result, err := e.runOnce(ctx, key, job)
		reserved := errors.Is(err, gate.ErrReserve) && !shared.CallInfoFrom(ctx).Background
		if !reserved && !errors.Is(err, errNobodyWaits) {
			return result, err
		}
	}
}

func (e *Engine) runOnce(ctx context.Context, key lanes.Key, job func(context.Context) (outcome, error)) (outcome, error) {
	Logger(ctx).Debug("offloading to worker")
	v, joined, err := e.lanes.Do(ctx, key, func(ctx context.Context, info lanes.Info) (any, error) {
		started := e.opts.Now()
		result, err := job(ctx)
		duration := e.opts.Now().Sub(started)
		e.health.took(shared.TimingWait, modeOf(ctx), info.Waited)
		e.health.took(shared.TimingRun, modeOf(ctx), duration)
		fields := []any{"duration", duration.String(), "queue_wait", info.Waited.String()}
		if errors.Is(err, errNobodyWaits) {
			Logger(ctx).Debug("all who waited have left, so the car is not woken", fields...)
			return nil, err
		}
		if err != nil {
			Logger(ctx).Warn("worker failed", append(fields, "reason", string(shared.AsAPIError(err).Reason), "error", shared.ErrorChain(err))...)
			return nil, err
		}
		if result.data != nil {
			r := result.data.GetRefresh()
			fields = append(fields, "source", shared.Word(r.GetSource()))
			if r.Verdict != nil {
				fields = append(fields, "verdict", shared.Word(r.GetVerdict()))
			}
		}
		Logger(ctx).Info("worker completed", fields...)
		return result, nil
	})
	if joined {
		logShared(ctx, err)
	}
	if err != nil {
		if errors.Is(err, lanes.ErrFull) {
			e.health.count(shared.CounterQueueFull)
		}
		return outcome{}, jobError(ctx, err)
	}
	result, _ := v.(outcome)
	return result, nil
}

// logShared says of a command that another one's work has answered it.
func logShared(ctx context.Context, err error) {
	switch {
	case err == nil:
		Logger(ctx).Info("shared the work of another command")
	case !errors.Is(err, errNobodyWaits): // which is begun anew
		Logger(ctx).Info("shared the work of another command, in vain", "reason", string(shared.AsAPIError(err).Reason))
	}
}

// jobError is what the caller of a job gets of its error.
func jobError(ctx context.Context, err error) error {
	var (
		panicErr *lanes.PanicError
		fullErr  *lanes.FullError
	)
	switch {
	case errors.As(err, &panicErr):
		logPanic(Logger(ctx), panicErr.Value, panicErr.Stack)
		return shared.NewError(shared.ReasonInternal)
	case errors.As(err, &fullErr):
		full := shared.NewError(shared.ReasonQueueFull)
		full.RetryAfter = fullErr.RetryAfter
		return full
	case errors.Is(err, lanes.ErrClosed):
		return shared.NewError(shared.ReasonDraining)
	default:
		return err
	}
}

// failed wraps err with the mode, the car, and the newest data of it that a has; a
// may be nil. A context error becomes typed.
func (e *Engine) failed(ctx context.Context, a *account, mode shared.Mode, vehicleID string, err error) error {
	api := *shared.AsAPIError(err)
	if api.VehicleID == "" {
		api.VehicleID = vehicleID
	}
	if mode != shared.ModeCached && a != nil && isContext(err) {
		api.MayHaveHappened = a.wakes.underWay(vehicleID)
	}
	refresh := &shared.RefreshError{Mode: mode, VehicleID: vehicleID, Err: &api}
	if a == nil || api.Reason == shared.ReasonUnknownVehicle {
		return refresh
	}
	if last := a.last(vehicleID); last != nil {
		refresh.Last = a.answer(ctx, last, mode)
		snapshot.FromMemory(refresh.Last)
		snapshot.MarkStale(refresh.Last, &api)
	}
	return refresh
}
