package sdk

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

const closuresDoc = "closures"

// closures are an account's refusals that hold for more than their own call.
// Safe for concurrent use.
type closures struct {
	store *Store
	log   *slog.Logger
	now   func() time.Time
	// changed is told the refusal that closes the account, or nil.
	changed func(*shared.APIError)

	// account is the fingerprint of the credentials that they belong to, build
	// the plugin's version and the settings.
	account, build string

	mu   sync.Mutex
	list []*closed
}

// closed is a refusal that is counted or in force.
type closed struct {
	Scope   Scope  `json:"scope"`
	Vehicle string `json:"vehicle,omitempty"`
	Strikes int    `json:"strikes"`
	// Since and Until in Unix milliseconds; Until 0: only counted so far.
	Since int64 `json:"since,omitempty"`
	Until int64 `json:"until,omitempty"`
	// UntilUsed, with the odometer as of then; 0 if it was unknown.
	UntilUsed bool          `json:"until_used,omitempty"`
	Odometer  float64       `json:"odometer,omitempty"`
	Reason    shared.Reason `json:"reason"`
	Message   string        `json:"message"`
	Code      string        `json:"code,omitempty"`
	Temporary bool          `json:"temporary,omitempty"`
}

type closuresState struct {
	Account string    `json:"account"`
	Build   string    `json:"build"`
	Closed  []*closed `json:"closed,omitempty"`
}

// newClosures takes up those that an earlier process has stored for the account.
// A protocol that was not understood gets another chance with another build.
func newClosures(c *closures) *closures {
	var stored closuresState
	if ok, err := c.store.Get(closuresDoc, &stored); err != nil {
		c.log.Warn("the vendor's refusals cannot be read and are forgotten", "error", err)
	} else if ok && stored.Account == c.account {
		c.list = slices.DeleteFunc(stored.Closed, func(x *closed) bool {
			return x.Reason == shared.ReasonVendorChanged && stored.Build != c.build
		})
	}
	if refusal := c.check(request{}); refusal != nil {
		c.changed(refusal)
	}
	return c
}

// check returns the refusal that a call would meet, or nil.
func (c *closures) check(what request) *shared.APIError {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for _, x := range c.list {
		if left := x.left(now); left > 0 && x.concerns(what) {
			return x.refusal(left)
		}
	}
	return nil
}

// closed says whether a call would be refused.
func (c *closures) closed(what request) bool { return c.check(what) != nil }

// left is how long it stays in force.
func (x *closed) left(now time.Time) time.Duration {
	left := time.UnixMilli(x.Until).Sub(now)
	// A clock that was set back must not close anything for years.
	if x.Until == 0 || left <= 0 || left > 2*longestClosure {
		return 0
	}
	return left
}

func (x *closed) concerns(what request) bool {
	switch x.Scope {
	case ScopeAccount:
		return true
	case ScopeVehicle:
		return x.Vehicle == what.vehicle
	case ScopeWakes:
		return what.wake && x.Vehicle == what.vehicle
	}
	return false
}

func (x *closed) refusal(left time.Duration) *shared.APIError {
	e := shared.Errorf(x.Reason, "%s", x.Message)
	e.VendorCode, e.VehicleID, e.Temporary, e.RetryAfter = x.Code, x.Vehicle, x.Temporary, left
	return e
}

// note takes the outcome of a call. odometer is the car's last one, 0 if
// unknown. A success ends what was counted for calls of its kind, but nothing
// that is in force: it may have been under way before.
func (c *closures) note(what request, odometer float64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.remove(func(x *closed) bool { return x.concerns(what) && x.left(c.now()) == 0 })
		return
	}
	closure, forTime, ok := closureOf(err)
	if !ok || closure.Scope != ScopeAccount && what.vehicle == "" {
		return
	}
	x := c.entry(closure.Scope, what.vehicle)
	if x.left(c.now()) > 0 {
		return // calls that were under way together are one strike
	}
	x.Strikes++
	api := shared.AsAPIError(err)
	x.Reason, x.Message, x.Code, x.Temporary = api.Reason, api.Error(), api.VendorCode, api.Temporary
	if x.Strikes >= closure.Strikes {
		if closure.Strikes > 1 {
			forTime = min(forTime<<min(x.Strikes-closure.Strikes, 10), longestClosure)
		}
		x.Since, x.Until = c.now().UnixMilli(), c.now().Add(min(forTime, 2*longestClosure)).UnixMilli()
		x.UntilUsed, x.Odometer = closure.UntilUsed, odometer
		c.log.Warn("the vendor wants to be left alone", "scope", string(x.Scope), "vehicle", x.Vehicle,
			"reason", string(x.Reason), "vendor_code", x.Code, "retry_after", forTime.String())
		if x.Scope == ScopeAccount {
			c.changed(x.refusal(forTime))
		}
	}
	c.save()
}

// used ends what lasts until the car has been used, if a snapshot of it shows
// that it was.
func (c *closures) used(vehicleID string, d *vehiclev1.VehicleData) {
	c.mu.Lock()
	defer c.mu.Unlock()
	odometer := d.GetDrive().GetOdometer()
	c.remove(func(x *closed) bool {
		if !x.UntilUsed || x.Vehicle != vehicleID || d.GetRefresh().GetObservedAt() <= x.Since {
			return false
		}
		return d.GetDrive().GetRunning() || d.GetCharging().GetCharging() || x.Odometer > 0 && odometer > x.Odometer+0.5
	})
}

// entry returns the entry of a scope, a new one if there is none. Called with mu
// held.
func (c *closures) entry(scope Scope, vehicleID string) *closed {
	if scope == ScopeAccount {
		vehicleID = ""
	}
	for _, x := range c.list {
		if x.Scope == scope && x.Vehicle == vehicleID {
			return x
		}
	}
	x := &closed{Scope: scope, Vehicle: vehicleID}
	c.list = append(c.list, x)
	return x
}

// remove removes entries. Called with mu held.
func (c *closures) remove(which func(*closed) bool) {
	var kept []*closed
	for _, x := range c.list {
		if !which(x) {
			kept = append(kept, x)
		} else if x.Scope == ScopeAccount {
			c.changed(nil)
		}
	}
	if len(kept) != len(c.list) {
		c.list = kept
		c.save()
	}
}

// save is called with mu held.
func (c *closures) save() {
	if err := c.store.Put(closuresDoc, closuresState{Account: c.account, Build: c.build, Closed: c.list}); err != nil {
		c.log.Warn("the vendor's refusals cannot be stored", "error", err)
	}
}
