package gate

import (
	"slices"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

const closuresDoc = "closures"

// closures are an account's refusals that hold for more than their own call.
// Safe for concurrent use.
type closures struct {
	o Options

	mu   sync.Mutex
	list []*closed
	// told: the account was said to be closed.
	told bool
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
func newClosures(o Options) *closures {
	c := &closures{o: o}
	var stored closuresState
	if ok, err := o.Docs.Get(closuresDoc, &stored); err != nil {
		o.Logger.Error("the vendor's refusals cannot be read, so calls wait", "error", err)
		c.list = []*closed{forgotten(o.Now())}
		c.saveLocked()
	} else if ok && stored.Account == o.Account {
		c.list = slices.DeleteFunc(stored.Closed, func(x *closed) bool {
			return x.Reason == shared.ReasonVendorChanged && stored.Build != o.Build
		})
	}
	now := o.Now()
	c.settleLocked(now)
	c.tellLocked(c.ofAccountLocked(now))
	return c
}

// lookAgain tells when the account's closure has ended, also if nobody calls.
func (c *closures) lookAgain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.o.Now()
	c.settleLocked(now)
	if c.ofAccountLocked(now) == nil {
		c.tellLocked(nil)
	}
}

// ofAccountLocked is the refusal that closes the whole account, or nil.
func (c *closures) ofAccountLocked(now time.Time) *shared.APIError {
	for _, x := range c.list {
		if left := x.left(now); left > 0 && x.Scope == ScopeAccount {
			e := x.refusal()
			e.RetryAfter = left
			return e
		}
	}
	return nil
}

// tellLocked tells what closes the account, or that nothing does any more.
func (c *closures) tellLocked(refusal *shared.APIError) {
	if refusal != nil || c.told {
		c.told = refusal != nil
		c.o.Closed(refusal)
	}
}

// forgotten stands for refusals that were lost.
func forgotten(now time.Time) *closed {
	const wait = time.Hour
	return &closed{
		Scope: ScopeAccount, Strikes: 1, Since: now.UnixMilli(), Until: now.Add(wait).UnixMilli(), Reason: shared.ReasonRateLimited, Temporary: true,
		Message: "The record of what the vendor has refused is damaged. Calls wait for an hour, in case it wanted to be left alone.",
	}
}

// inForce are copies of those that refuse calls now.
func (c *closures) inForce(now time.Time) []closed {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settleLocked(now)
	var list []closed
	for _, x := range c.list {
		if x.left(now) > 0 {
			list = append(list, *x)
		}
	}
	return list
}

// left is how long it stays in force.
func (x *closed) left(now time.Time) time.Duration {
	if x.Until == 0 {
		return 0
	}
	return max(0, time.UnixMilli(x.Until).Sub(now))
}

// settleLocked lets what the clock lies before, as it was set back, begin anew: that
// neither ends it nor keeps anything closed for years.
func (c *closures) settleLocked(now time.Time) {
	news := false
	for _, x := range c.list {
		if x.Until > 0 && x.Since > now.UnixMilli() {
			x.Since, x.Until = now.UnixMilli(), now.UnixMilli()+x.Until-x.Since
			news = true
		}
	}
	if news {
		c.saveLocked()
	}
}

func (x *closed) concerns(r Request) bool {
	switch x.Scope {
	case ScopeAccount:
		return true
	case ScopeVehicle:
		return x.Vehicle == r.Vehicle
	case ScopeWakes:
		return r.Class == Wake && x.Vehicle == r.Vehicle
	}
	return false
}

// refusal is what the vendor has said, without the time.
func (x *closed) refusal() *shared.APIError {
	e := shared.Errorf(x.Reason, "%s", x.Message)
	e.VendorCode, e.VehicleID, e.Temporary = x.Code, x.Vehicle, x.Temporary
	return e
}

// note takes the outcome of a call. A success ends what was counted for calls of its
// kind, but nothing that is in force: it may have been under way before.
func (c *closures) note(r Request, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.removeLocked(func(x *closed) bool { return x.concerns(r) && x.left(c.o.Now()) == 0 })
		return
	}
	closure, forTime, ok := closureOf(err)
	if !ok || closure.Scope != ScopeAccount && r.Vehicle == "" {
		return
	}
	x := c.entryLocked(closure.Scope, r.Vehicle)
	if x.left(c.o.Now()) > 0 {
		return // calls that were under way together are one strike
	}
	x.Strikes++
	api := shared.AsAPIError(err)
	x.Reason, x.Message, x.Code, x.Temporary = api.Reason, api.Error(), api.VendorCode, api.Temporary
	if x.Strikes >= closure.Strikes {
		if closure.Strikes > 1 {
			forTime = min(forTime<<min(x.Strikes-closure.Strikes, 10), LongestClosure)
		}
		now := c.o.Now()
		x.Since, x.Until = now.UnixMilli(), now.Add(min(forTime, 2*LongestClosure)).UnixMilli()
		x.UntilUsed, x.Odometer = closure.UntilUsed, c.o.Odometer(r.Vehicle)
		c.o.Logger.Warn("the vendor wants to be left alone", "scope", string(x.Scope), "vehicle", x.Vehicle,
			"reason", string(x.Reason), "vendor_code", x.Code, "retry_after", forTime.String())
		if x.Scope == ScopeAccount {
			c.tellLocked(c.ofAccountLocked(now))
		}
	}
	c.saveLocked()
}

// used ends what lasts until the car has been used, if a snapshot of it shows
// that it was.
func (c *closures) used(vehicleID string, f Facts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removeLocked(func(x *closed) bool {
		if !x.UntilUsed || x.Vehicle != vehicleID || f.ObservedAt.UnixMilli() <= x.Since {
			return false
		}
		return f.used() || x.Odometer > 0 && f.Odometer > x.Odometer+0.5
	})
}

// entryLocked returns the entry of a scope, a new one if there is none.
func (c *closures) entryLocked(scope Scope, vehicleID string) *closed {
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

// removeLocked removes entries.
func (c *closures) removeLocked(which func(*closed) bool) {
	var kept []*closed
	for _, x := range c.list {
		if !which(x) {
			kept = append(kept, x)
		} else if x.Scope == ScopeAccount {
			c.tellLocked(nil)
		}
	}
	if len(kept) != len(c.list) {
		c.list = kept
		c.saveLocked()
	}
}

func (c *closures) saveLocked() {
	if err := c.o.Docs.Put(closuresDoc, closuresState{Account: c.o.Account, Build: c.o.Build, Closed: c.list}); err != nil {
		c.o.Logger.Warn("the vendor's refusals cannot be stored", "error", err)
	}
}
