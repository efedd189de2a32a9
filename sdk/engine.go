package sdk

import (
	"context"
	"encoding/json"
	"errors"
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
	account      atomic.Pointer[account]
	closeOnce    sync.Once
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

// Initialize implements [shared.VehicleRefresher]. The same settings again keep
// the session and list the cars anew; other settings replace the account.
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
	_, err = e.run(ctx, a.key("", lanes.Read, "list"), func(ctx context.Context) (outcome, error) {
		return outcome{}, a.list(ctx)
	})
	if err != nil {
		return nil, shared.AsAPIError(err)
	}
	e.health.ready()
	return a.fleet(), nil
}

// accountFor returns the account of cfg: the present one if cfg is the same,
// else a new one in its place.
func (e *Engine) accountFor(cfg shared.Config) (*account, error) {
	store, err := OpenStore(cfg.StateDir)
	if err != nil {
		return nil, shared.Errorf(shared.ReasonConfigInvalid, "The plugin's state directory cannot be used. Check its permissions.").Wrap(err)
	}
	present := e.account.Load()
	id, err := fingerprint(store, cfg.Settings)
	if err != nil {
		return nil, shared.Errorf(shared.ReasonConfigInvalid, "The plugin's state directory cannot be written. Check its permissions and free space.").Wrap(err)
	}
	if present != nil && cfg.StateDir != "" && present.id == id {
		return present, nil
	}
	learnSecrets(e.opts.Redactor, cfg.Settings)
	vendor, err := e.plugin.New(VendorConfig{
		Settings: cfg.Settings, Store: store, Logger: e.opts.Logger, Redactor: e.opts.Redactor, Now: e.opts.Now,
	})
	if err != nil {
		if errors.As(err, new(*shared.APIError)) {
			return nil, err
		}
		return nil, shared.NewError(shared.ReasonConfigInvalid).Wrap(err)
	}
	e.health.reset()
	a := &account{id: id, vendor: vendor, health: e.health, now: e.opts.Now, snapshots: map[string]*vehiclev1.VehicleData{}}
	a.breaker = newBreaker(e.opts.BreakerFailures, e.opts.BreakerTimeout, e.opts.Now, func(from, to string) {
		e.opts.Logger.Warn("circuit breaker changed", "from", from, "to", to)
		e.health.setBreaker(to)
	})
	a.session = newSession(&session{
		vendor: vendor, guard: a.breaker.do, store: store, log: e.opts.Logger, now: e.opts.Now,
		events: sessionEvents{
			login:      func() { e.health.count(counterLogins) },
			renewal:    func() { e.health.count(counterRenewals) },
			needsHuman: e.health.needsHuman,
		},
	}, id)
	e.account.Store(a)
	if present != nil {
		present.session.close()
	}
	return a, nil
}

// secretKeys are the settings whose values must never be seen in a log.
var secretKeys = []string{"username", "password", "pin", "refresh_token", "token", "secret"}

func learnSecrets(r *redact.Redactor, settings json.RawMessage) {
	var fields map[string]any
	if json.Unmarshal(settings, &fields) != nil {
		return
	}
	for _, key := range secretKeys {
		if s, ok := fields[key].(string); ok {
			r.Learn(s)
		}
	}
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

// Close cancels what runs and waits until it has ended or ctx ends.
func (e *Engine) Close(ctx context.Context) error {
	e.closeOnce.Do(e.health.drain)
	e.lanes.CancelAll()
	if a := e.account.Load(); a != nil {
		a.session.close()
	}
	return e.lanes.Close(ctx)
}

func (e *Engine) ready() (*account, error) {
	a := e.account.Load()
	if a == nil {
		return nil, shared.Errorf(shared.ReasonConfigInvalid, "The plugin has no settings yet: Initialize comes first.")
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
