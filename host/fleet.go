package host

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// maxVehicles of a plugin. Each costs the hub memory, and a read when it is first
// seen.
const maxVehicles = 20_000

// fleet is the cars that a plugin has listed. It is replaced, never changed.
type fleet struct {
	vehicles []*vehiclev1.Vehicle
	ids      map[string]bool
	// listed: a list has been there once.
	listed bool
}

// listLocked keeps the cars that the plugin has, and tells the hub.
func (s *supervisor) listLocked(vehicles []*vehiclev1.Vehicle) {
	s.trouble = nil
	if n := len(vehicles); n > maxVehicles {
		s.log.Error("the plugin lists more cars than a hub can look after; those beyond are left out", "cars", n, "limit", maxVehicles)
		vehicles = vehicles[:maxVehicles]
	}

	ids := make(map[string]bool, len(vehicles))
	for _, v := range vehicles {
		ids[v.GetId()] = true
	}
	s.fleet = fleet{vehicles, ids, true}
	s.emitLocked(Event{Kind: EventVehicles})
	s.onVehicles()
}

// vehicles is a copy of the plugin's cars.
func (s *supervisor) vehicles() []*vehiclev1.Vehicle {
	s.mu.Lock()
	defer s.mu.Unlock()

	all := make([]*vehiclev1.Vehicle, len(s.fleet.vehicles))
	for n, v := range s.fleet.vehicles {
		all[n] = proto.CloneOf(v)
	}
	return all
}

// lists reports whether the plugin has listed a car.
func (s *supervisor) lists(vehicleID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fleet.ids[vehicleID]
}

// has reports whether the plugin has a car. Before the first list it waits within
// ctx. The error is why the plugin could not say.
func (s *supervisor) has(ctx context.Context, vehicleID string) (bool, error) {
	for {
		s.mu.Lock()
		known, trouble, changed := s.fleet, s.trouble, s.changed
		s.mu.Unlock()
		if known.ids[vehicleID] {
			return true, nil
		}
		if known.listed || trouble != nil {
			return false, trouble
		}

		select {
		case <-changed:
		case <-ctx.Done():
			return false, shared.NewError(shared.ReasonPluginDown).Wrap(ctx.Err())
		}
	}
}
