package gate

import (
	"errors"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Scope says which further calls a refusal of the vendor holds for.
type Scope string

// The scopes. Beyond them a refusal holds for its own call only.
const (
	// ScopeWakes: forced reads of the car.
	ScopeWakes Scope = "wakes"
	// ScopeVehicle: all calls about the car.
	ScopeVehicle Scope = "vehicle"
	// ScopeAccount: all calls, logins included.
	ScopeAccount Scope = "account"
)

// Closure says what the engine no longer sends after a refusal, until the
// refusal's RetryAfter has passed: such calls fail with the same error at once.
// It outlives the process.
type Closure struct {
	Scope Scope
	// Strikes is how many such refusals in a row it takes; each further one
	// doubles the time, up to a day. Default: the first one closes, for exactly
	// its RetryAfter.
	Strikes int
	// UntilUsed ends the closure early when the car reports that it drives, has
	// been driven, or charges.
	UntilUsed bool
}

// Closes marks a vendor's error with what it closes. Its chain stays as it is.
func Closes(err error, c Closure) error { return &closing{err, c} }

// HasClosure says whether err is marked so.
func HasClosure(err error) bool { return errors.As(err, new(*closing)) }

type closing struct {
	error
	closure Closure
}

func (c *closing) Unwrap() error { return c.error }

// LongestClosure is what strikes can come to.
const LongestClosure = 24 * time.Hour

// How long a refusal closes the account if the vendor says nothing.
const (
	defaultRateLimit = time.Hour
	defaultBlock     = 4 * time.Hour
)

// closureOf says what an error closes, and for how long. Some reasons close the
// account whether or not the author says so.
func closureOf(err error) (c Closure, forTime time.Duration, ok bool) {
	var marked *closing
	var api *shared.APIError
	if !errors.As(err, &api) {
		return c, 0, false
	}
	forTime = api.RetryAfter
	if errors.As(err, &marked) {
		return marked.closure, forTime, forTime > 0
	}
	switch api.Reason {
	case shared.ReasonRateLimited:
		return Closure{Scope: ScopeAccount}, or(forTime, defaultRateLimit), true
	case shared.ReasonVendorBlocked:
		return Closure{Scope: ScopeAccount}, or(forTime, defaultBlock), true
	}
	return c, 0, false
}

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}
