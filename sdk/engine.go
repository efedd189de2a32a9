package sdk

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/lanes"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/session"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Options of an Engine. Zero values take the defaults.
type Options struct {
	// Logger gets the engine's lines. Default: none.
	Logger *slog.Logger
	// Redactor is told the secrets that turn up. Default: a new one.
	Redactor *redact.Redactor
	// Workers is how many vendor calls run at the same time. Default 32.
	Workers int
	// ReservedForReads is how many more run that read, while cars that are being woken
	// have taken the workers. Default 4.
	ReservedForReads int
	// MaxWaitingPerVehicle and MaxWaiting bound what waits: different jobs of
	// one car, and callers in all. Defaults 8 and 4096.
	MaxWaitingPerVehicle, MaxWaiting int
	// BreakerFailures in a row open the breaker for BreakerTimeout. Defaults 5
	// and 60 s.
	BreakerFailures int
	BreakerTimeout  time.Duration
	// MinReadInterval is the time within which a car's last snapshot answers
	// instead of another read of the cloud. Default 5 s; negative: none.
	MinReadInterval time.Duration
	// Grace is how long after its end a call to the vendor may take to notice. One
	// that does not is left behind, and when there are MaxStrays of them GiveUp is
	// called, once: the process should end then and be started anew. Defaults 5 s,
	// 8, and nothing.
	Grace     time.Duration
	MaxStrays int
	GiveUp    func()
	// Person says that somebody has just asked for a login, so a refusal of an
	// earlier one is not the answer.
	Person bool
	// Recall says what Initialize makes of an earlier process's list of the cars.
	Recall Recall
	// NoSchedule: no car is refreshed without a command.
	NoSchedule bool
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

func (o *Options) defaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Redactor == nil {
		o.Redactor = &redact.Redactor{}
	}
	if o.Workers <= 0 {
		o.Workers = 32
	}
	if o.BreakerFailures <= 0 {
		o.BreakerFailures = 5
	}
	if o.BreakerTimeout <= 0 {
		o.BreakerTimeout = 60 * time.Second
	}
	if o.MinReadInterval == 0 {
		o.MinReadInterval = 5 * time.Second
	}
	if o.Grace <= 0 {
		o.Grace = 5 * time.Second
	}
	if o.MaxStrays <= 0 {
		o.MaxStrays = 8
	}
	if o.GiveUp == nil {
		o.GiveUp = func() {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Engine makes a VehicleRefresher of a Vendor. Its methods only queue and wait;
// vendor calls run in workers. Safe for concurrent use.
type Engine struct {
	plugin Plugin
	opts   Options
	lanes  *lanes.Lanes
	health *health
	strays *strays
	feed   *feed

	initializing chan struct{} // holds one token: Initialize runs alone
	// account serves the callers. candidate is the account of new settings whose
	// cars could not be listed yet.
	account, candidate atomic.Pointer[account]
	accounts           int // how many were made; for the holder of the token
	closeOnce          sync.Once
}

var (
	_ shared.VehicleRefresher = (*Engine)(nil)
	_ shared.VehicleLister    = (*Engine)(nil)
	_ shared.Describer        = (*Engine)(nil)
	_ shared.HealthWatcher    = (*Engine)(nil)
	_ shared.Drainer          = (*Engine)(nil)
	_ shared.Watcher          = (*Engine)(nil)
	_ shared.Scheduler        = (*Engine)(nil)
	_ shared.Previewer        = (*Engine)(nil)
	_ shared.Unlocker         = (*Engine)(nil)
)

// NewEngine returns an engine that waits for Initialize. Call Close when done.
func NewEngine(p Plugin, o Options) *Engine {
	o.defaults()
	health := newHealth()
	e := &Engine{
		plugin: p, opts: o, health: health, feed: newFeed(), initializing: make(chan struct{}, 1),
		lanes: lanes.New(lanes.Options{
			Workers: o.Workers, Reserved: o.ReservedForReads,
			PerLane: o.MaxWaitingPerVehicle, Total: o.MaxWaiting, Now: o.Now, Changed: health.touch,
		}),
	}
	health.gauges = e.gauges
	e.strays = &strays{grace: o.Grace, limit: o.MaxStrays, tooMany: o.GiveUp, health: e.health}
	e.initializing <- struct{}{}
	return e
}

// ListVehicles implements [shared.VehicleLister].
func (e *Engine) ListVehicles(context.Context) ([]*vehiclev1.Vehicle, error) {
	a, err := e.ready()
	if err != nil {
		return nil, err
	}
	return a.fleet(), nil
}

// Describe implements [shared.Describer].
func (e *Engine) Describe(context.Context) (*vehiclev1.DescribeResponse, error) {
	return &vehiclev1.DescribeResponse{
		Name: e.plugin.Name, Version: e.plugin.Version, Vendor: e.plugin.Vendor,
		Capabilities: []string{
			shared.CapabilityListVehicles, shared.CapabilityWatchHealth, shared.CapabilityDrain,
			shared.CapabilityWatch, shared.CapabilitySetSchedule, shared.CapabilityPreview, shared.CapabilityUnlock,
		},
		SettingsSchema: e.plugin.SettingsSchema,
	}, nil
}

// WatchHealth implements [shared.HealthWatcher].
func (e *Engine) WatchHealth(ctx context.Context, report func(*vehiclev1.Health) error) error {
	ctx, cancel := context.WithCancel(ctx)
	e.lookAgain()
	var pulse sync.WaitGroup
	defer pulse.Wait()
	defer cancel()
	pulse.Go(func() { e.pulse(ctx) })
	return e.health.watch(ctx, func(h *vehiclev1.Health) error {
		h.Counters[shared.CounterCoalesced] = e.lanes.Stats().Coalesced
		return report(h)
	})
}

// pulse looks for what changes although nobody calls: somebody has logged in by
// hand, or a new day's budget has begun.
func (e *Engine) pulse(ctx context.Context) {
	ticker := time.NewTicker(session.LookInterval)
	defer ticker.Stop()
	for beat := 1; ; beat++ {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		e.lookAgain()
		if beat%beatsPerReport == 0 {
			e.health.touch()
		}
	}
}

func (e *Engine) lookAgain() {
	for _, a := range e.known() {
		a.session.LookAgain()
		a.gate.LookAgain()
	}
}

// known are the accounts that there are: that of settings that wait to serve, and the one
// that serves.
func (e *Engine) known() (accounts []*account) {
	for _, a := range []*account{e.candidate.Load(), e.account.Load()} {
		if a != nil && !slices.Contains(accounts, a) { // it may begin to serve just now
			accounts = append(accounts, a)
		}
	}
	return accounts
}

// beatsPerReport: once a minute the figures are told also if nothing has happened.
const beatsPerReport = int(time.Minute / session.LookInterval)

// Unlock implements [shared.Unlocker]. Settings that wait to serve come first.
func (e *Engine) Unlock(ctx context.Context) error {
	ctx = e.withLogger(ctx, "mode", "unlock")
	accounts := e.known()
	if len(accounts) == 0 {
		_, err := e.ready()
		return err
	}
	Logger(ctx).Info("a person asks for a login in spite of an earlier refusal")
	for _, a := range accounts {
		if err := a.session.Unlock(ctx); err != nil {
			return shared.AsAPIError(err)
		}
	}
	return nil
}

// Drain implements [shared.Drainer]. What is known of the cars is on the disk then.
func (e *Engine) Drain(ctx context.Context) error {
	e.health.drain()
	a := e.account.Load()
	if a != nil {
		a.scheduler.stop()
	}
	err := e.lanes.Close(ctx)
	if a != nil {
		err = cmp.Or(err, a.memory.Flush(ctx))
	}
	if err != nil {
		return shared.AsAPIError(err)
	}
	return nil
}

// Close refuses new calls, cancels what runs and waits until it has ended. It
// returns ctx's error as soon as ctx ends: a vendor that does not honour its
// context is left behind.
func (e *Engine) Close(ctx context.Context) error {
	e.closeOnce.Do(e.health.drain)
	e.lanes.Refuse()
	e.lanes.CancelAll()
	var err error
	for _, a := range e.known() {
		a.scheduler.stop()
		err = cmp.Or(err, a.session.Close(ctx), a.scheduler.wait(ctx))
	}
	err = cmp.Or(err, e.lanes.Close(ctx))
	for _, a := range e.known() {
		a.gate.Close()
		err = cmp.Or(err, a.memory.Close(ctx), a.closeVendor(ctx))
	}
	return err
}

func (e *Engine) ready() (*account, error) {
	a := e.account.Load()
	if a == nil {
		return nil, shared.Errorf(shared.ReasonConfigInvalid, "The plugin has no account yet: Initialize comes first, and has to succeed.")
	}
	return a, nil
}

type modeKey struct{}

// called is the context of a refresh: with its fields in the logger, and its mode.
func (e *Engine) called(ctx context.Context, mode shared.Mode, vehicleID string) context.Context {
	ctx = e.withLogger(ctx, "vehicle", vehicleID, "mode", string(mode))
	return context.WithValue(ctx, modeKey{}, mode)
}

// modeOf is the mode of the refresh that a job was begun for.
func modeOf(ctx context.Context) string {
	if mode, ok := ctx.Value(modeKey{}).(shared.Mode); ok {
		return string(mode)
	}
	return shared.ModeOther
}

// withLogger puts the call's fields into the logger that ctx carries.
func (e *Engine) withLogger(ctx context.Context, fields ...any) context.Context {
	if info := shared.CallInfoFrom(ctx); info.RequestID != "" {
		fields = append([]any{"request_id", info.RequestID, "attempt", info.Attempt}, fields...)
	}
	return WithLogger(ctx, e.opts.Logger.With(fields...))
}
