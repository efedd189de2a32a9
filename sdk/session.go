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
	return session.Start(session.Options{
		Vendor: a.sessionCalls(), Docs: docs{a.store}, Account: a.credentials, Build: build, Damaged: damaged, Person: e.opts.Person,
		Exclusive: a.store.aloneInLogin,
		Guard:     a.gate.Guard,
		Admit:     a.admitOwn,
		Locked:    a.whileServing(e.health.needsHuman), Waits: a.whileServing(e.health.setWaits),
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
			_, err := timed(ctx, a, gate.Login, nothing(a.vendor.Login))
			return made(err)
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
			_, err := timed(ctx, a, gate.Renewal, nothing(renewer.Renew))
			return made(err)
		}
	}
	if restorer, ok := a.vendor.(Restorer); ok {
		calls.Restore = func(ctx context.Context) (bool, error) { return bounded(ctx, a.strays, restorer.Restore) }
	}
	return calls
}

// nothing is a call that returns nothing.
func nothing(do func(context.Context) error) func(context.Context) (struct{}, error) {
	return func(ctx context.Context) (struct{}, error) { return struct{}{}, do(ctx) }
}
