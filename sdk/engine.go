package sdk

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/lanes"
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
	// ReservedForReads is how many workers stay free of waking cars. Default 4.
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
	// Person says that somebody has just asked for a login, so a refusal of an
	// earlier one is not the answer.
	Person bool
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
	if o.BreakerFailures <= 0 {
		o.BreakerFailures = 5
	}
	if o.BreakerTimeout <= 0 {
		o.BreakerTimeout = 60 * time.Second
	}
	if o.MinReadInterval == 0 {
		o.MinReadInterval = 5 * time.Second
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
)

// NewEngine returns an engine that waits for Initialize. Call Close when done.
func NewEngine(p Plugin, o Options) *Engine {
	o.defaults()
	e := &Engine{
		plugin: p, opts: o, health: newHealth(), initializing: make(chan struct{}, 1),
		lanes: lanes.New(lanes.Options{
			Workers: o.Workers, Reserved: o.ReservedForReads,
			PerLane: o.MaxWaitingPerVehicle, Total: o.MaxWaiting, Now: o.Now,
		}),
	}
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
		Capabilities:   []string{shared.CapabilityListVehicles, shared.CapabilityWatchHealth, shared.CapabilityDrain},
		SettingsSchema: e.plugin.SettingsSchema,
	}, nil
}

// WatchHealth implements [shared.HealthWatcher].
func (e *Engine) WatchHealth(ctx context.Context, report func(*vehiclev1.Health) error) error {
	return e.health.watch(ctx, func(h *vehiclev1.Health) error {
		h.Counters[counterCoalesced] = e.lanes.Stats().Coalesced
		return report(h)
	})
}

// Drain implements [shared.Drainer].
func (e *Engine) Drain(ctx context.Context) error {
	e.health.drain()
	if err := e.lanes.Close(ctx); err != nil {
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
	for _, a := range []*account{e.account.Load(), e.candidate.Load()} {
		if a != nil {
			err = cmp.Or(err, a.session.close(ctx))
		}
	}
	return cmp.Or(err, e.lanes.Close(ctx))
}

func (e *Engine) ready() (*account, error) {
	a := e.account.Load()
	if a == nil {
		return nil, shared.Errorf(shared.ReasonConfigInvalid, "The plugin has no account yet: Initialize comes first, and has to succeed.")
	}
	return a, nil
}

// withLogger puts the call's fields into the logger that ctx carries.
func (e *Engine) withLogger(ctx context.Context, fields ...any) context.Context {
	if info := shared.CallInfoFrom(ctx); info.RequestID != "" {
		fields = append([]any{"request_id", info.RequestID, "attempt", info.Attempt}, fields...)
	}
	return WithLogger(ctx, e.opts.Logger.With(fields...))
}
