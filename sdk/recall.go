package sdk

import (
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
	"google.golang.org/protobuf/proto"
)

// Recaller is an optional part of a Vendor: it takes the cars of an earlier
// process's list as its own. With it a plugin that starts while the vendor is
// down, or wants to be left alone, serves all the same, and says of each command
// what stands in its way.
type Recaller interface {
	// Recall makes no call. The list is the Vendor's to keep.
	Recall(vehicles []*vehiclev1.Vehicle)
}

const fleetDoc = "fleet"

// storedFleet is the last list of an account's cars. It is no proof of anything
// but that they were there.
type storedFleet struct {
	// Account is the fingerprint of the credentials.
	Account  string   `json:"account"`
	Vehicles [][]byte `json:"vehicles"` // in the wire form of the schema
}

// keepFleet stores a list, unless it is stored already.
func (a *account) keepFleet(vehicles []*vehiclev1.Vehicle) {
	if _, ok := a.vendor.(Recaller); !ok {
		return
	}
	next := storedFleet{Account: a.credentials}
	for _, v := range vehicles {
		body, err := proto.MarshalOptions{Deterministic: true}.Marshal(v)
		if err != nil {
			return // a car with a broken name is no reason to store half of a list
		}
		next.Vehicles = append(next.Vehicles, body)
	}
	if err := a.store.keep(fleetDoc, next); err != nil {
		a.log.Warn("the list of cars cannot be stored", "error", err)
	}
}

// recall takes up the stored list after a list that failed in a way that passes,
// or that a person can mend while the plugin runs. It says whether it did.
func (a *account) recall(failure error) bool {
	recaller, ok := a.vendor.(Recaller)
	if !ok || !shared.AsAPIError(failure).Temporary && !refusedLogin(failure) {
		return false
	}
	var stored storedFleet
	found, err := a.store.Get(fleetDoc, &stored)
	if err != nil {
		a.log.Warn("the stored list of cars cannot be read", "error", err)
	}
	if err != nil || !found || stored.Account != a.credentials {
		return false
	}
	var vehicles, theirs []*vehiclev1.Vehicle
	for _, body := range stored.Vehicles {
		v := &vehiclev1.Vehicle{}
		if err := proto.Unmarshal(body, v); err != nil {
			a.log.Warn("the stored list of cars cannot be read", "error", err)
			return false
		}
		vehicles, theirs = append(vehicles, v), append(theirs, proto.CloneOf(v))
	}
	recaller.Recall(theirs)
	a.setFleet(vehicles)
	return true
}
