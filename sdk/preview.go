package sdk

import (
	"context"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Preview implements [shared.Previewer].
func (e *Engine) Preview(ctx context.Context, mode shared.Mode, vehicleID string, maxAge time.Duration) (*vehiclev1.Preview, error) {
	a, err := e.accountOf(vehicleID)
	if err != nil {
		return nil, e.failed(ctx, a, mode, vehicleID, err)
	}
	if maxAge <= 0 {
		maxAge = shared.DefaultMaxAge
	}
	if err := mode.Check(); err != nil {
		return nil, err
	}
	wakes := mode == shared.ModeForce || mode == shared.ModeSmart && !e.young(a.last(vehicleID), maxAge)

	p := &vehiclev1.Preview{Wakes: wakes}
	if left, _ := a.gate.Left(shared.CallInfoFrom(ctx).Background); left >= 0 {
		p.Left = new(int64(left))
	}
	calls, err := e.calls(ctx, a, mode, vehicleID, wakes)
	switch {
	case err != nil:
		p.Refusal = refusalOf(shared.AsAPIError(err), e.opts.Now())
	case len(calls) > 0:
		d := a.gate.Ask(ctx, calls...)
		p.Price = int64(d.Price)
		if refusal := a.stands(calls, d); refusal != nil {
			p.Refusal = refusalOf(refusal, e.opts.Now())
		}
	}
	return p, nil
}

// calls are those that a refresh would make, or why it would not even wait for them.
func (e *Engine) calls(ctx context.Context, a *account, mode shared.Mode, vehicleID string, wakes bool) (calls []gate.Request, err error) {
	read, key := a.recent(vehicleID, e.opts.MinReadInterval) == nil, a.readKey(vehicleID)
	switch {
	case wakes:
		key = a.wakeKey(vehicleID)
	case !read:
		return nil, nil
	}
	if joins, err := e.lanes.Would(key); err != nil || joins {
		return nil, jobError(ctx, err)
	}
	if mode != shared.ModeForce && read { // whose reading has just failed is told the same
		if err := a.failedReads.lately(vehicleID, e.opts.Now(), e.opts.MinReadInterval); err != nil {
			return nil, err
		}
	}
	if read {
		calls = append(calls, a.request(ctx, gate.Read, vehicleID))
	}
	if wakes {
		calls = append(calls, a.request(ctx, gate.Wake, vehicleID))
	}
	return calls, nil
}

// stands is what stands in the way of some calls: the session, or the gate's decision.
func (a *account) stands(calls []gate.Request, d gate.Decision) *shared.APIError {
	if refusal := a.session.Stands(); refusal != nil {
		return refusal
	}
	if !d.Allowed {
		return a.gate.Refusal(calls[0], d)
	}
	return nil
}

// refusalOf is an error's, in the form of the contract.
func refusalOf(e *shared.APIError, now time.Time) *vehiclev1.PreviewRefusal {
	refusal := &vehiclev1.PreviewRefusal{Reason: string(e.Reason), Rule: e.Rule, Sentence: e.Error()}
	if e.RetryAfter > 0 {
		refusal.AllowedAt = new(now.Add(e.RetryAfter).UnixMilli())
	}
	return refusal
}
