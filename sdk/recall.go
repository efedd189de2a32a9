package sdk

import (
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Recaller is an optional part of a Vendor: it takes the cars of an earlier
// process's list as its own. With it a plugin that starts within a day of the last
// list costs no call; and one that starts while the vendor is down, or wants to be
// left alone, serves all the same, and says of each command what stands in its way.
type Recaller interface {
	// Recall makes no call. The list is the Vendor's to keep.
	Recall(vehicles []*vehiclev1.Vehicle)
}

// Recall says what a first Initialize makes of the list of an earlier process. Without a
// [Recaller] there is none.
type Recall int

const (
	// RecallYoung takes up a list of the last day, and an older one if the cars cannot be
	// listed.
	RecallYoung Recall = iota
	// RecallNever lists the cars.
	RecallNever
	// RecallOnly takes up the list whatever its age, and makes no call: without a list
	// Initialize fails.
	RecallOnly
)

const (
	fleetDoc = "fleet"
	// fleetYoung is how long a stored list serves a start without a call.
	fleetYoung = 24 * time.Hour
)

// storedFleet is the last list of an account's cars. It is no proof of anything
// but that they were there.
type storedFleet struct {
	// Account is the fingerprint of the credentials.
	Account  string   `json:"account"`
	Vehicles [][]byte `json:"vehicles"` // in the wire form of the schema
	// Listed is when, Unix milliseconds.
	Listed int64 `json:"listed,omitempty"`
}

// keepFleet stores a list. An empty one removes nothing: a vendor that has forgotten
// all cars at once may remember them.
func (a *account) keepFleet(vehicles []*vehiclev1.Vehicle) {
	if _, ok := a.vendor.(Recaller); !ok || len(vehicles) == 0 {
		return
	}
	next := storedFleet{Account: a.credentials, Listed: a.now().UnixMilli()}
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

// recallYoung takes up a stored list that is good enough to begin with.
func (a *account) recallYoung() bool {
	stored, ok := a.storedFleet()
	age := a.now().Sub(time.UnixMilli(stored.Listed))
	return ok && len(stored.Vehicles) > 0 && age >= 0 && age < fleetYoung && a.takeUp(stored)
}

// recallAfter takes up the stored list after a list that failed: it may pass, or a
// person mends it while the plugin runs, and each command says what stands in its way.
// Settings that are wrong are the exception, since a start with others follows. It says
// whether it did.
func (a *account) recallAfter(failure error) bool {
	return !errors.Is(failure, shared.ReasonConfigInvalid) && a.recallAny()
}

// recallAny takes up the stored list, whatever its age.
func (a *account) recallAny() bool {
	stored, ok := a.storedFleet()
	return ok && a.takeUp(stored)
}

// storedFleet is that of these credentials, if there is one and the vendor can use it.
func (a *account) storedFleet() (stored storedFleet, ok bool) {
	if _, can := a.vendor.(Recaller); !can {
		return stored, false
	}
	found, err := a.store.Get(fleetDoc, &stored)
	if err != nil {
		a.log.Warn("the stored list of cars cannot be read", "error", err)
		return storedFleet{}, false
	}
	return stored, found && stored.Account == a.credentials
}

// takeUp makes a stored list the account's and the vendor's.
func (a *account) takeUp(stored storedFleet) bool {
	var vehicles, theirs []*vehiclev1.Vehicle
	for _, body := range stored.Vehicles {
		v := &vehiclev1.Vehicle{}
		if err := proto.Unmarshal(body, v); err != nil {
			a.log.Warn("the stored list of cars cannot be read", "error", err)
			return false
		}
		vehicles, theirs = append(vehicles, v), append(theirs, proto.CloneOf(v))
	}
	if recaller, ok := a.vendor.(Recaller); ok {
		recaller.Recall(theirs)
	}
	a.setFleet(vehicles)
	return true
}
