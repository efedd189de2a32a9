package host

import (
	"context"
	"sync"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

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

// update keeps a snapshot that the plugin brought without being asked, unless the car
// belongs to no plugin or to another one.
func (s *supervisor) update(d *vehiclev1.VehicleData) {
	if s.owners.of(d.GetVehicle().GetId()) == s.place {
		s.updates.put(d)
	}
}
