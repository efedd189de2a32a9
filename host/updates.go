package host

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"golang.org/x/time/rate"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// How many snapshots that nobody asked for a plugin may bring, in the long run and
// at once; a faster one has to wait.
const updatesPerSecond, updatesAtOnce = 100, 1000

// updates are the snapshots that plugins brought without being asked, the newest of
// each car. Safe for concurrent use.
type updates struct {
	mu sync.Mutex
	// wanted: somebody has asked for one. Before that nothing is kept.
	wanted  bool
	pending map[string]*vehiclev1.VehicleData
	order   []string
	wake    chan struct{}
}

func newUpdates() *updates {
	return &updates{pending: map[string]*vehiclev1.VehicleData{}, wake: make(chan struct{}, 1)}
}

func (u *updates) put(d *vehiclev1.VehicleData) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.wanted {
		return
	}
	id := d.GetVehicle().GetId()
	if u.pending[id] == nil {
		u.order = append(u.order, id)
	}
	u.pending[id] = d
	u.signal()
}

func (u *updates) signal() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

func (u *updates) take() *vehiclev1.VehicleData {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.wanted = true
	if len(u.order) == 0 {
		return nil
	}
	id := u.order[0]
	u.order = u.order[1:]
	d := u.pending[id]
	delete(u.pending, id)
	if len(u.order) > 0 {
		u.signal() // for whoever else waits
	}
	return d
}

// Update waits for the next snapshot that a plugin brings without being asked, for
// example by its schedule. Each goes to one caller; while nobody takes them only
// the newest of each car is kept, and before the first call none. It fails when ctx
// ends.
func (h *Host) Update(ctx context.Context) (*vehiclev1.VehicleData, error) {
	for {
		if d := h.updates.take(); d != nil {
			return d, nil
		}
		select {
		case <-h.updates.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// watchUpdates takes what a run brings without being asked, until it or the process
// ends. A car that the plugin has not listed is none of its.
func (s *supervisor) watchUpdates(i *instance) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-i.body.Exited()
		cancel()
	}()
	pace := rate.NewLimiter(updatesPerSecond, updatesAtOnce)
	err := i.remote.Watch(ctx, func(d *vehiclev1.VehicleData) error {
		if s.lists(d.GetVehicle().GetId()) {
			s.updates.put(d)
		}
		return pace.Wait(ctx)
	})
	switch {
	case ctx.Err() != nil || err == nil || errors.Is(err, shared.ReasonUnsupported):
	case errors.Is(err, shared.ReasonPluginDown):
		i.doubt()
	default:
		i.log.Warn("the plugin's updates are not taken any more", "error", s.clean(err))
	}
}

// lists says whether the plugin has listed a car.
func (s *supervisor) lists(vehicleID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cars[vehicleID]
}

var _ shared.Scheduler = remote{}

// SetSchedule implements [shared.Scheduler]. It waits for a plugin that is coming
// up, within ctx.
func (r remote) SetSchedule(ctx context.Context, vehicleID string, schedule json.RawMessage) (json.RawMessage, error) {
	ctx, cancel := bounded(ctx, shared.ModeCached.DefaultTimeout())
	defer cancel()
	id := shared.CallInfoFrom(ctx).RequestID
	i, err := r.s.acquire(ctx, id)
	if err != nil {
		return nil, err
	}
	now, err := i.remote.SetSchedule(named(ctx, 1), vehicleID, schedule)
	down := errors.Is(err, shared.ReasonPluginDown)
	i.finish(id, down)
	if down {
		r.s.lost(i)
	}
	return now, r.s.clean(err)
}
