package host

import (
	"context"
	"fmt"

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

	ids, unique := make(map[string]bool, len(vehicles)), make([]*vehiclev1.Vehicle, 0, len(vehicles))
	for _, v := range vehicles {
		if !ids[v.GetId()] {
			unique = append(unique, v)
		}
		ids[v.GetId()] = true
	}
	s.fleet = fleet{unique, ids, true}

	refusals := s.owners.list(s.place, ids)
	s.emitLocked(Event{Kind: EventVehicles})
	for _, r := range refusals {
		s.tellRefusal(r)
	}
	s.onVehicles()
}

// tellRefusal reports that a plugin lists another one's cars.
func (s *supervisor) tellRefusal(r refusal) {
	plugin, owner := s.opts.Plugins[r.plugin].Name, s.opts.Plugins[r.owner].Name
	message := fmt.Sprintf(
		"Plugin %s lists %d of the cars of plugin %s, which comes before it in the options and keeps them. Take the cars out of one of the accounts, or change the order.",
		plugin, r.vehicles, owner)
	s.opts.Logger.Warn("a plugin lists cars of another plugin; they stay where they are",
		"plugin", plugin, "owner", owner, "cars", r.vehicles, "first", r.first)
	s.events.emit(Event{Time: s.opts.Now(), Kind: EventClaim, Plugin: plugin, Message: message})
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
