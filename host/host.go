package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Host runs plugins. Safe for concurrent use.
type Host struct {
	opts        Options
	events      *events
	supervisors []*supervisor
	runtime     string

	mu      sync.Mutex
	started bool
	stopped bool
	// vehicles is closed and replaced when a plugin has listed its cars.
	vehicles chan struct{}
}

// directories of one plugin.
type directories struct {
	state   string // kept between starts, and the plugin's HOME
	runtime string // sockets and temporary files, gone after Stop
}

// New checks the options. Nothing runs before Start.
func New(o Options) (*Host, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return &Host{opts: o, vehicles: make(chan struct{})}, nil
}

// Start begins to run the plugins and returns at once; it does not wait until
// they are ready. A plugin that cannot start keeps nobody else from it.
func (h *Host) Start(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.started {
		return errors.New("host: Start may be called once")
	}
	// Short, because the path of a socket may have about a hundred bytes.
	runtime, err := os.MkdirTemp("", "vh")
	if err != nil {
		return fmt.Errorf("host: runtime directory: %w", err)
	}
	base := h.opts.StateDir
	if base == "" {
		base = filepath.Join(runtime, "state")
	}
	ev := newEvents(h.opts.OnEvent)
	for n, spec := range h.opts.Plugins {
		var dirs directories
		if dirs.state, err = privateDir(base, spec.Name); err == nil {
			dirs.runtime, err = privateDir(runtime, fmt.Sprint(n))
		}
		if err != nil {
			ev.close(time.Second)
			return errors.Join(fmt.Errorf("host: directories of plugin %s: %w", spec.Name, err), os.RemoveAll(runtime))
		}
		h.supervisors = append(h.supervisors, newSupervisor(spec, dirs, &h.opts, ev, h.vehiclesChanged))
	}
	h.runtime, h.events, h.started = runtime, ev, true
	for _, s := range h.supervisors {
		s.start()
	}
	return nil
}

// Stop ends all plugins, at the same time, and waits for it. It takes some
// seconds at most, or less if ctx ends.
func (h *Host) Stop(ctx context.Context) error {
	h.mu.Lock()
	if !h.started || h.stopped {
		h.mu.Unlock()
		return nil
	}
	h.stopped = true
	h.mu.Unlock()
	var all sync.WaitGroup
	for _, s := range h.supervisors {
		all.Go(func() { s.stop(ctx) })
	}
	all.Wait()
	h.events.close(time.Second)
	return os.RemoveAll(h.runtime)
}

// Plugin returns a plugin by its name, or nil. It may be used before the plugin
// is ready and across its restarts.
func (h *Host) Plugin(name string) shared.VehicleRefresher {
	for _, s := range h.running() {
		if s.name() == name {
			return remote{s}
		}
	}
	return nil
}

// Vehicles returns the cars of all plugins, as far as they are known.
func (h *Host) Vehicles() []*vehiclev1.Vehicle {
	var all []*vehiclev1.Vehicle
	for _, s := range h.running() {
		all = append(all, s.fleet()...)
	}
	return all
}

// VehiclesChanged returns a channel that is closed when the cars of a plugin
// are there, or are there anew.
func (h *Host) VehiclesChanged() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.vehicles
}

func (h *Host) vehiclesChanged() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.vehicles)
	h.vehicles = make(chan struct{})
}

// Find returns the plugin that has a car. While a plugin that may have it is
// still coming up, Find waits within ctx. It fails with reason unknown_vehicle
// if no plugin has the car, or with the trouble of a plugin that could not say.
func (h *Host) Find(ctx context.Context, vehicleID string) (shared.VehicleRefresher, error) {
	ctx, cancel := context.WithTimeout(ctx, shared.ModeCached.DefaultTimeout())
	defer cancel()
	type answer struct {
		owner *supervisor
		err   error
	}
	all := h.running()
	answers := make(chan answer, len(all))
	for _, s := range all {
		go func() { // ends with ctx at the latest
			has, err := s.has(ctx, vehicleID)
			if !has {
				answers <- answer{err: err}
				return
			}
			answers <- answer{owner: s}
		}()
	}
	var trouble error
	for range all {
		a := <-answers
		if a.owner != nil {
			return remote{a.owner}, nil
		}
		if a.err != nil {
			trouble = a.err
		}
	}
	if trouble != nil {
		return nil, trouble
	}
	e := shared.NewError(shared.ReasonUnknownVehicle)
	e.Source, e.VehicleID = shared.SourceHost, vehicleID
	return nil, e
}

// has says whether the plugin has a car. Before the first list it waits.
func (s *supervisor) has(ctx context.Context, vehicleID string) (bool, error) {
	for {
		s.mu.Lock()
		vehicles, listed, trouble, changed := s.vehicles, s.listed, s.trouble, s.changed
		s.mu.Unlock()
		for _, v := range vehicles {
			if v.GetId() == vehicleID {
				return true, nil
			}
		}
		if listed || trouble != nil {
			return false, trouble
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false, shared.NewError(shared.ReasonPluginDown).Wrap(ctx.Err())
		}
	}
}

func (h *Host) running() []*supervisor {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.supervisors
}

func (s *supervisor) name() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spec.Name
}

// PluginStatus is what is known of a plugin now.
type PluginStatus struct {
	Name  string    `json:"name"`
	State State     `json:"state"`
	Since time.Time `json:"since"`
	PID   int       `json:"pid,omitempty"`
	// Starts and Crashes since the host started.
	Starts  int `json:"starts"`
	Crashes int `json:"crashes"`
	// Vehicles that the plugin has.
	Vehicles int `json:"vehicles"`
	// Reason and Message say what is wrong, if anything is.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Breaker and Counters as the plugin last reported them.
	Breaker  string           `json:"breaker,omitempty"`
	Counters map[string]int64 `json:"counters,omitempty"`
}

// Status returns what is known of each plugin now.
func (h *Host) Status() []PluginStatus {
	var all []PluginStatus
	for _, s := range h.running() {
		all = append(all, s.status())
	}
	return all
}

func (s *supervisor) status() PluginStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := PluginStatus{
		Name: s.spec.Name, State: s.machine.state, Since: s.since, Starts: s.starts, Crashes: s.crashes,
		Vehicles: len(s.vehicles), Reason: s.health.GetReason(), Message: s.health.GetSentence(),
		Breaker: s.health.GetBreaker(), Counters: s.health.GetCounters(),
	}
	if s.current != nil {
		st.PID = s.current.pid()
	}
	if s.trouble != nil {
		st.Reason, st.Message = string(shared.AsAPIError(s.trouble).Reason), s.trouble.Error()
	}
	return st
}
