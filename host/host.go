package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/workspace"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/atomicfile"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Host runs plugins. Safe for concurrent use.
type Host struct {
	opts   Options
	images launch.Images

	mu          sync.Mutex
	supervisors []*supervisor // empty before Start
	workspace   *workspace.Workspace
	events      *events
	stopped     chan struct{} // closed when all has ended; nil before Stop
	stopErr     error         // once stopped is closed
	// vehicles is closed and replaced when a plugin has listed its cars.
	vehicles chan struct{}
	updates  *updates
	owners   *owners
	news     *feed[Event]
	// savers write what is kept; ended is closed when the plugins have ended.
	savers sync.WaitGroup
	ended  chan struct{}
}

// New checks the options. Nothing runs before Start.
func New(o Options) (*Host, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return &Host{
		opts: o, vehicles: make(chan struct{}), updates: newUpdates(), owners: newOwners(len(o.Plugins)), news: newFeed[Event](maxEvents),
		ended: make(chan struct{}),
	}, nil
}

// Start begins to run the plugins and returns at once; it does not wait until
// they are ready. A plugin that cannot start keeps nobody else from it. It fails
// only if the host's own directories cannot be used, and may then be called again.
func (h *Host) Start(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.supervisors != nil {
		return errors.New("host: Start may be called once")
	}
	w, err := workspace.New(h.opts.StateDir, h.opts.RuntimeDir)
	if err != nil {
		return fmt.Errorf("host: directories: %w", err)
	}
	owners := &atomicfile.Kept{Path: w.Record("owners")}
	if err := h.loadOwners(owners); err != nil {
		return errors.Join(err, w.Close())
	}
	h.images.Dir, h.images.AnyoneMayWrite = w.Runtime(), h.opts.AllowUnsafeFiles

	for _, spec := range h.opts.Plugins {
		w.Reserve(spec.owner())
	}
	ev := newEvents(h.opts.OnEvent, h.news)
	var supervisors []*supervisor
	for n, spec := range h.opts.Plugins {
		dirs, err := w.Plugin(n, spec.owner())
		if err != nil {
			ev.close(time.Second)
			return errors.Join(fmt.Errorf("host: directories of plugin %s: %w", spec.Name, err), w.Close())
		}
		supervisors = append(supervisors, newSupervisor(spec, &h.images, supervisorDeps{
			opts: &h.opts, place: n, dirs: dirs, events: ev, updates: h.updates, owners: h.owners, onVehicles: h.vehiclesChanged,
		}))
	}

	h.workspace, h.events, h.supervisors = w, ev, supervisors
	h.savers.Go(func() { h.saveOwners(owners, h.ended) })
	for _, s := range supervisors {
		s.start()
	}
	return nil
}

// Stop ends all plugins, at the same time, and waits for it. It takes some
// seconds at most, or less if ctx ends, whatever the plugins do. It fails if
// something outside the plugins, such as a disk, holds it up for longer than ctx
// allows; then it goes on in the background.
func (h *Host) Stop(ctx context.Context) error {
	h.mu.Lock()
	if h.supervisors == nil {
		h.mu.Unlock()
		return nil
	}
	if h.stopped == nil { // else somebody else is at it
		h.stopped = make(chan struct{})
		go h.stop(ctx)
	}
	h.mu.Unlock()
	select {
	case <-h.stopped:
		return h.stopErr
	case <-ctx.Done():
	}
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-h.stopped:
		return h.stopErr
	case <-timer.C:
		return fmt.Errorf("host: not everything has ended: %w", ctx.Err())
	}
}

// stopGrace is what killing and tidying up may take after the time is over.
const stopGrace = 3 * time.Second

func (h *Host) stop(ctx context.Context) {
	defer close(h.stopped)
	var all sync.WaitGroup
	for _, s := range h.supervisors {
		all.Go(func() { s.stop(ctx) })
	}
	all.Wait()
	close(h.ended)
	h.savers.Wait()
	h.images.Close()
	h.events.close(time.Second)
	h.stopErr = h.workspace.Close()
}

// Plugin returns a plugin by its name, or nil. It may be used before the plugin
// is ready and across its restarts.
func (h *Host) Plugin(name string) shared.VehicleRefresher {
	s, err := h.supervisor(name)
	if err != nil {
		return nil
	}
	return remote{s}
}

func (h *Host) supervisor(name string) (*supervisor, error) {
	for _, s := range h.running() {
		if s.name() == name {
			return s, nil
		}
	}
	return nil, shared.Errorf(shared.ReasonInvalidCommand, "There is no plugin named %q.", name)
}

// Vehicles returns the cars of all plugins, as far as they are known, each once.
func (h *Host) Vehicles() []*vehiclev1.Vehicle {
	var all []*vehiclev1.Vehicle
	for place, s := range h.running() {
		for _, v := range s.vehicles() {
			if h.owners.of(v.GetId()) == place {
				all = append(all, v)
			}
		}
	}
	return all
}

// Owner returns the name of the plugin that a car belongs to, or "" if none lists it. A
// car that several plugins list belongs to the first of them in the order of
// [Options.Plugins]. After a start of the host, it belongs to the plugin that had it
// before until that one has listed its cars, if there is a [Options.StateDir]; else, while
// the first has not listed its cars yet, to the next.
func (h *Host) Owner(vehicleID string) string {
	if s := h.owner(vehicleID); s != nil {
		return s.name()
	}
	return ""
}

func (h *Host) owner(vehicleID string) *supervisor {
	place, all := h.owners.of(vehicleID), h.running()
	if place < 0 || place >= len(all) {
		return nil
	}
	return all[place]
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

// Find returns the plugin that a car belongs to, see [Host.Owner]. If no plugin lists
// it and one is still coming up, Find waits within ctx. It fails with reason unknown_vehicle
// if no plugin has the car, or with the trouble of a plugin that could not say.
func (h *Host) Find(ctx context.Context, vehicleID string) (shared.VehicleRefresher, error) {
	ctx, cancel := context.WithTimeout(ctx, shared.ModeCached.DefaultTimeout())
	defer cancel()
	if s := h.owner(vehicleID); s != nil {
		return remote{s}, nil
	}

	type answer struct {
		has bool
		err error
	}
	all := h.running()
	answers := make(chan answer, len(all))
	for _, s := range all {
		go func() { // ends with ctx at the latest
			has, err := s.has(ctx, vehicleID)
			answers <- answer{has, err}
		}()
	}
	var trouble error
	for range all {
		a := <-answers
		if s := h.owner(vehicleID); a.has && s != nil {
			return remote{s}, nil
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

func (h *Host) running() []*supervisor {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.supervisors
}
