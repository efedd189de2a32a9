package sdk

import (
	"context"
	"errors"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Deadlines are how long calls of the Vendor may last, whoever waits for them. Zero
// values take the default.
type Deadlines struct {
	// List of the cars and Read of one: default 25 s each, less than a caller waits.
	List, Read time.Duration
	// Wake of a car: default 150 s.
	Wake time.Duration
}

func (d Deadlines) of(class gate.Class) time.Duration {
	switch class {
	case gate.Wake:
		return orElse(d.Wake, 150*time.Second)
	case gate.List:
		return orElse(d.List, 25*time.Second)
	default:
		return orElse(d.Read, 25*time.Second)
	}
}

// errTooLong marks what a call is told when its own time is up.
var errTooLong = errors.New("the call's own deadline has passed")

// timed makes a call of the Vendor within the time of its class. When that passes, it is
// the vendor's failure, or the car's, also if all callers have left.
func timed[T any](ctx context.Context, a *account, class gate.Class, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(withClass(ctx, class), a.limits.Deadlines.of(class), errTooLong)
	defer cancel()
	result, err := bounded(ctx, a.strays, do)
	if errors.Is(context.Cause(ctx), errTooLong) && isContext(err) {
		return result, tooLong(class)
	}
	return result, err
}

// tooLong is a car that does not answer: its wakes are left alone for a time after
// some of them. Anything else is a vendor that does not.
func tooLong(class gate.Class) error {
	if class != gate.Wake {
		return shared.NewError(shared.ReasonVendorTimeout).Wrap(errTooLong)
	}
	e := shared.NewError(shared.ReasonVehicleUnreachable).Wrap(errTooLong)
	e.MayHaveHappened, e.RetryAfter = true, silencePause
	return Closes(e, Closure{Scope: ScopeWakes, Strikes: silentWakes})
}

// isContext says whether an error is a context's, and not yet of a known form.
func isContext(err error) bool {
	return !errors.As(err, new(*shared.APIError)) && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled))
}
