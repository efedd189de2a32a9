package sdk

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/lanes"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/snapshot"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Initialize implements [shared.VehicleRefresher]. The first one serves the cars of the
// last list if that is young, see [Recaller], without a call. The same settings again
// keep the session and list the cars anew. If the cars cannot be listed for now, those
// of the last list serve, see [Recaller]. Other settings replace the account once
// its cars are listed; until then the present one serves.
func (e *Engine) Initialize(ctx context.Context, cfg shared.Config) ([]*vehiclev1.Vehicle, error) {
	select {
	case <-e.initializing:
		defer func() { e.initializing <- struct{}{} }()
	case <-ctx.Done():
		return nil, shared.AsAPIError(ctx.Err())
	}
	ctx = e.withLogger(ctx, "mode", "initialize")
	a, err := e.accountFor(cfg)
	if err != nil {
		return nil, shared.AsAPIError(err)
	}
	// A start costs no call if that can be; who asks again wants to know.
	switch present := e.account.Load(); {
	case e.opts.Recall == RecallOnly && !a.recallAny():
		return nil, shared.Errorf(shared.ReasonUnknownVehicle, "The cars of this account have not been listed here yet, so nothing is known of them. Start the service once, or list the vehicles.")
	case e.opts.Recall == RecallOnly, e.opts.Recall == RecallYoung && present == nil && a.recallYoung():
		e.adopt(a)
		return a.fleet(), nil
	}
	_, err = e.run(ctx, a.key("", lanes.Read, "list"), func(ctx context.Context) (outcome, error) {
		return outcome{}, a.list(ctx)
	})
	if err != nil {
		// While another account serves, it goes on.
		if present := e.account.Load(); present != nil || ctx.Err() != nil || e.opts.Recall != RecallYoung || !a.recallAfter(err) {
			return nil, shared.AsAPIError(err)
		}
		Logger(ctx).Warn("the cars cannot be listed, those of the last list serve", "error", shared.ErrorChain(err))
	}
	if len(a.fleet()) == 0 && e.opts.Recall == RecallYoung && a.recallAny() {
		Logger(ctx).Warn("the vendor lists no cars any more, those of the last list go on")
	}
	e.adopt(a)
	return a.fleet(), nil
}

// accountFor returns the account of cfg: the present one or the candidate if
// cfg is the same, else a new candidate. A candidate that failed is kept, so
// that the next try knows which logins it made.
func (e *Engine) accountFor(cfg shared.Config) (*account, error) {
	store, err := OpenStore(cfg.StateDir)
	if err != nil {
		return nil, shared.Errorf(shared.ReasonConfigInvalid, "The plugin's state directory cannot be used. Check its permissions.").Wrap(err)
	}
	room, err := openEngineRoom(store)
	if err != nil {
		return nil, shared.Errorf(shared.ReasonConfigInvalid, "The plugin's state directory cannot be used. Check its permissions.").Wrap(err)
	}
	id, damaged, err := fingerprint(room, cfg.Settings)
	if err != nil {
		return nil, shared.Errorf(shared.ReasonConfigInvalid, "The plugin's state directory cannot be written. Check its permissions and free space.").Wrap(err)
	}
	present, candidate := e.account.Load(), e.candidate.Load()
	for _, a := range []*account{present, candidate} {
		if a != nil && cfg.StateDir != "" && a.id == id {
			return a, nil
		}
	}
	e.opts.Redactor.Learn(redact.Secrets(cfg.Settings)...)
	var made atomic.Pointer[account] // of what only the Vendor knows
	vendor, err := e.plugin.New(VendorConfig{
		Settings: cfg.Settings, Store: store, Logger: e.opts.Logger, Redactor: e.opts.Redactor, Now: e.opts.Now,
		Requested: func(ctx context.Context) error {
			if a := made.Load(); a != nil {
				return a.requested(ctx)
			}
			return shared.Errorf(shared.ReasonInternal, "The plugin asks the vendor for something before it is told to.")
		},
		Refused: func(vehicleID string, err error) {
			if a := made.Load(); a != nil {
				a.gate.Note(gate.Request{Class: gate.Read, Vehicle: vehicleID}, typed(err))
			}
		},
	})
	if err != nil {
		return nil, e.notMade(err)
	}
	if candidate != nil {
		candidate.retire()
	}
	credentials := id
	if named, ok := vendor.(Credentialed); ok {
		if credentials, _, err = fingerprint(room, []byte(named.Credentials())); err != nil {
			return nil, shared.Errorf(shared.ReasonConfigInvalid, "The plugin's state directory cannot be read. Check its permissions.").Wrap(err)
		}
	}
	a, err := e.newAccount(id, credentials, vendor, room, damaged, present == nil)
	if err != nil {
		return nil, err
	}
	made.Store(a)
	e.candidate.Store(a)
	return a, nil
}

// notMade is the error of an author's New. What it says is for the person who wrote the
// settings.
func (e *Engine) notMade(err error) error {
	if errors.As(err, new(*shared.APIError)) || errors.As(err, new(shared.Reason)) {
		return typed(err)
	}
	e.opts.Logger.Error("the settings do not make a client", "error", shared.ErrorChain(err))
	return shared.Errorf(shared.ReasonConfigInvalid, "The plugin's settings are not valid: %s", e.opts.Redactor.String(err.Error())).Wrap(err)
}

// newAccount makes the account of a vendor. store is the engine's room, credentials the
// fingerprint that a refused login belongs to; damaged says that the key of fingerprints
// was lost, and with it what is known of logins. alone says that there is no other whose
// health must not be touched.
func (e *Engine) newAccount(id, credentials string, vendor Vendor, store *Store, damaged, alone bool) (*account, error) {
	disk, err := store.journal(snapshot.Doc)
	if err != nil {
		return nil, shared.Errorf(shared.ReasonConfigInvalid, "The plugin's state directory cannot be written. Check its permissions and free space.").Wrap(err)
	}
	e.accounts++
	a := &account{
		id: id, serial: e.accounts, vendor: vendor, health: e.health, now: e.opts.Now,
		credentials: credentials, store: store, log: e.opts.Logger, strays: e.strays,
	}
	a.memory = snapshot.NewMemory(snapshot.Options{
		Disk: disk, Logger: e.opts.Logger, Now: e.opts.Now,
		HeldBack: func() { e.health.count(shared.CounterHeldBack) },
		Older:    func() { e.health.count(shared.CounterOlder) },
	})
	if limited, ok := vendor.(Limited); ok {
		a.limits = limited.Limits()
	}
	a.speaks.Store(alone)
	build := e.plugin.Version + " " + id
	if alone {
		e.health.reset()
	}
	ender, _ := vendor.(Ender)
	a.ending = &ending{ender: ender, now: e.opts.Now, notice: e.health.setNotice}
	a.gate = e.openGate(a, build)
	a.session = e.startSession(a, build, damaged)
	a.scheduler = newScheduler(e, a)
	return a, nil
}

// openGate gives an account its gate.
func (e *Engine) openGate(a *account, build string) *gate.Gate {
	return gate.New(gate.Options{
		Policy: a.limits.policy(), Docs: docs{a.store}, Account: a.credentials, Build: build, Logger: e.opts.Logger, Now: e.opts.Now,
		BreakerFailures: e.opts.BreakerFailures, BreakerTimeout: e.opts.BreakerTimeout, Cars: a.size, Odometer: a.odometer,
		Decided: a.decided,
		Closed:  a.whileServing(e.health.setClosed),
		Circuit: func(ctx context.Context, from, to string) {
			Logger(ctx).Warn("circuit breaker changed", "from", from, "to", to)
			e.health.count(shared.CounterBreaker, to)
			if a.speaks.Load() {
				e.health.setBreaker(to)
			}
		},
	})
}

// whileServing tells the health what concerns it.
func (a *account) whileServing(tell func(*shared.APIError)) func(*shared.APIError) {
	return func(refusal *shared.APIError) {
		if a.speaks.Load() {
			tell(refusal)
		}
	}
}

// adopt lets an account serve whose cars are listed, in the place of the one
// that did.
func (e *Engine) adopt(a *account) {
	if e.candidate.CompareAndSwap(a, nil) {
		if before := e.account.Swap(a); before != nil {
			before.retire()
			e.health.reset()
		}
		e.lanes.SetWorkers(orElse(max(0, a.limits.Workers), e.opts.Workers))
		a.speaks.Store(true)
		if !e.opts.NoSchedule {
			a.scheduler.start()
		}
	}
	e.health.ready()
}
