package mqtt

import (
	"encoding/json"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Announcer makes retained messages outside the bridge's topics that tell a home
// automation which cars there are, and what of them is on which topic. Its methods are safe
// for concurrent use, and do not wait. Package homeassistant has one.
type Announcer interface {
	// Saw takes in what there is now. It says whether the message that is about it is
	// another one now.
	Saw(s Sight) (news bool)
	// Message returns that of a car that it saw, or of the hub, which has no id. The topic
	// is always the same. An empty message there announces nothing any more.
	Message(car string) (topic string, payload []byte)
	// Birth is where and in which words the home automation says that it has started.
	Birth() (topic, payload string)
}

// Sight is one thing of what an [Announcer] sees: a car as its plugin lists it, a snapshot
// of a car, how the plugins are, that the car of an id has a schedule that can be set, or
// that it is gone for good.
type Sight struct {
	Listed  *vehiclev1.Vehicle
	Data    *vehiclev1.VehicleData
	Plugins []host.PluginStatus
	// Ids of cars.
	Scheduled, Gone string
}

// Keeper is an optional part of an [Announcer]: it has something to remember over a restart.
type Keeper interface {
	// Keep returns what that is, as JSON.
	Keep() json.RawMessage
	// Restore takes what a former run has kept, before anything is seen.
	Restore(kept json.RawMessage)
}
