package sdk

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/session"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// startSession gives an account its session.
func (e *Engine) startSession(a *account, build string, damaged bool) *session.Session {
	// whileServing tells the health what concerns it.
	whileServing := func(tell func(*shared.APIError)) func(*shared.APIError) {
		return func(refusal *shared.APIError) {
			if a.speaks.Load() {
				tell(refusal)
			}
		}
	}
	return session.Start(session.Options{
		Vendor: a.sessionCalls(), Docs: a.store, Account: a.credentials, Build: build, Damaged: damaged, Person: e.opts.Person,
		Exclusive: func(ctx context.Context) (func(), error) { return a.store.exclusive(ctx, "login") },
		Guard: func(ctx context.Context, call func() error) error {
			err := a.breaker.Do(ctx, gate.Call{}, call)
			if err != nil {
				// Its callers may all have left.
				a.closures.Note(gate.Call{}, 0, err)
			}
			return err
		},
		Admit:  a.admitOwn,
		Locked: whileServing(e.health.needsHuman), Waits: whileServing(e.health.setWaits),
		Logger: Logger, Log: e.opts.Logger, Now: e.opts.Now, Random: rand.Float64,
	})
}

// sessionCalls are the Vendor's calls as a session makes them: bounded, counted, and
// with errors of a known form.
func (a *account) sessionCalls() session.Vendor {
	made := func(err error) error {
		if err != nil {
			a.health.count(shared.CounterFailures)
		}
		return typed(err)
	}
	calls := session.Vendor{
		Login: func(ctx context.Context) error {
			a.health.count(shared.CounterCalls, string(gate.Login))
			return made(unanswered(ctx, a.bounded(withClass(ctx, gate.Login), a.vendor.Login), true))
		},
		List: func(ctx context.Context) error {
			_, err := timed(ctx, a, gate.List, a.vendor.Vehicles)
			if errors.Is(err, ErrSessionExpired) { // which is routine
				return err
			}
			return made(err)
		},
	}
	if renewer, ok := a.vendor.(Renewer); ok {
		calls.Renew = func(ctx context.Context) error {
			return made(unanswered(ctx, a.bounded(withClass(ctx, gate.Renewal), renewer.Renew), false))
		}
	}
	if restorer, ok := a.vendor.(Restorer); ok {
		calls.Restore = func(ctx context.Context) (bool, error) { return bounded(ctx, a.strays, restorer.Restore) }
	}
	return calls
}

// unanswered is the vendor's failure if a call has not ended in its time. sent: the
// password may be with the vendor.
func unanswered(ctx context.Context, err error, sent bool) error {
	if !isContext(err) || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	e := shared.NewError(shared.ReasonVendorTimeout).Wrap(errTooLong)
	e.MayHaveHappened = sent
	return e
}

// bounded makes a call of the Vendor that returns nothing.
func (a *account) bounded(ctx context.Context, do func(context.Context) error) error {
	_, err := bounded(ctx, a.strays, func(ctx context.Context) (struct{}, error) { return struct{}{}, do(ctx) })
	return err
}
