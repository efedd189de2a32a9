package host

import (
	"context"
	"sync"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// updates are the snapshots that plugins brought without being asked, the newest of
// each car. Safe for concurrent use.
type updates struct {
	// ids of the cars that have one.
	ids *feed[string]

	mu      sync.Mutex
	pending map[string]*vehiclev1.VehicleData
}

func newUpdates() *updates {
	return &updates{ids: newFeed[string](0), pending: map[string]*vehiclev1.VehicleData{}}
}

func (u *updates) put(d *vehiclev1.VehicleData) {
	u.mu.Lock()
	defer u.mu.Unlock()
	id := d.GetVehicle().GetId()
	if u.pending[id] != nil || u.ids.put(id) {
		u.pending[id] = d
	}
}

// Update waits for the next snapshot that a plugin brings without being asked, for
// example by its schedule. Each goes to one caller; while nobody takes them only
// the newest of each car is kept, and before the first call none. It fails when ctx
// ends.
func (h *Host) Update(ctx context.Context) (*vehiclev1.VehicleData, error) {
	u := h.updates
	id, err := u.ids.next(ctx)
	if err != nil {
		return nil, err
	}

	u.mu.Lock()
	defer u.mu.Unlock()
	d := u.pending[id]
	delete(u.pending, id)
	return d, nil
}

// update keeps a snapshot that the plugin brought without being asked, unless the car
// belongs to no plugin or to another one.
func (s *supervisor) update(d *vehiclev1.VehicleData) {
	if s.owners.of(d.GetVehicle().GetId()) == s.place {
		s.updates.put(d)
	}
}
