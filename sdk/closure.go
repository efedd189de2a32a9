package sdk

import "github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"

// Scope says which further calls a refusal of the vendor holds for.
type Scope = gate.Scope

// The scopes. Beyond them a refusal holds for its own call only.
const (
	// ScopeWakes: forced reads of the car.
	ScopeWakes = gate.ScopeWakes
	// ScopeVehicle: all calls about the car.
	ScopeVehicle = gate.ScopeVehicle
	// ScopeAccount: all calls, logins included.
	ScopeAccount = gate.ScopeAccount
)

// Closure says what the engine no longer sends after a refusal, until the
// refusal's RetryAfter has passed: such calls fail with the same error at once.
// It outlives the process.
type Closure = gate.Closure

// Closes marks a vendor's error with what it closes. Its chain stays as it is.
func Closes(err error, c Closure) error { return gate.Closes(err, c) }

// HasClosure reports whether err is marked so.
func HasClosure(err error) bool { return gate.HasClosure(err) }
