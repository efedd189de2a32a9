package sdk

import (
	"context"
	"errors"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/session"
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
	case gate.Login, gate.Renewal:
		return session.Timeout
	case gate.Wake:
		return orElse(d.Wake, 150*time.Second)
	case gate.List:
		return orElse(d.List, 25*time.Second)
	default:
		return orElse(d.Read, 25*time.Second)
	}
}

// longestJob is what no job can last for: the calls of a wake that finds its session
// ended before each of them, and the time that each may take to notice its end.
func (d Deadlines) longestJob(grace time.Duration) time.Duration {
	return 2*(max(d.of(gate.Read), d.of(gate.List))+d.of(gate.Wake)+d.of(gate.Renewal)) + 6*grace
}

// errTooLong is why a call has failed whose time is up.
var errTooLong = errors.New("the call's own deadline has passed")

// timed makes a call of the Vendor within the time of its class. When that passes, it is
// the vendor's failure, or the car's, also if all callers have left.
func timed[T any](ctx context.Context, a *account, class gate.Class, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(withClass(ctx, class), a.limits.Deadlines.of(class))
	defer cancel()
	result, err := bounded(ctx, a.strays, do)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && isContext(err) {
		return result, tooLong(class)
	}
	return result, err
}

// tooLong is a car that does not answer, or else a vendor that does not; a password may
// be with it.
func tooLong(class gate.Class) error {
	if class == gate.Wake {
		return silent(true)
	}
	e := shared.NewError(shared.ReasonVendorTimeout).Wrap(errTooLong)
	e.MayHaveHappened = class == gate.Login
	return e
}

// A car that has not answered so many wakes is left alone for so long.
const (
	silentWakes  = 3
	silencePause = 10 * time.Minute
)

// silent is a car that has not answered a wake. A car that is out of coverage must not be
// woken for ever.
func silent(timedOut bool) error {
	e := shared.NewError(shared.ReasonVehicleUnreachable)
	e.RetryAfter = silencePause
	if timedOut {
		e.MayHaveHappened, e.Err = true, errTooLong
	}
	return Closes(e, Closure{Scope: ScopeWakes, Strikes: silentWakes})
}

// isContext says whether an error is a context's, and not yet of a known form.
func isContext(err error) bool {
	return !errors.As(err, new(*shared.APIError)) && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled))
}
