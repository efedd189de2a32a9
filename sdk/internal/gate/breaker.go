package gate

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// breaker pauses the calls of an account whose vendor keeps failing. Safe for
// concurrent use.
type breaker struct {
	cb *gobreaker.TwoStepCircuitBreaker[struct{}]
	// It opens after failures without a success in between, and lets one trial through
	// after timeout.
	failures int
	timeout  time.Duration
	now      func() time.Time
	// cars is called with gobreaker's lock held: it must not call back.
	cars func() int
	// streak counts the failures since the last success by car; "" stands for
	// the calls that concern the whole account. gobreaker's lock guards it.
	streak map[string]int
	// onChange is told of changes of the state, with the context of the call that
	// brought them.
	onChange func(ctx context.Context, from, to string)
	mu       sync.Mutex
	changes  []change // not told yet
	// openedAt is when it opened last, in Unix nanoseconds.
	openedAt atomic.Int64
}

// change of the breaker's state.
type change struct{ from, to string }

func newBreaker(o Options) *breaker {
	b := &breaker{
		failures: o.BreakerFailures, timeout: o.BreakerTimeout, now: o.Now, cars: o.Cars, streak: map[string]int{}, onChange: o.Circuit,
	}
	b.cb = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:  1,
		Timeout:      b.timeout,
		ReadyToTrip:  func(gobreaker.Counts) bool { return b.trips() },
		IsExcluded:   func(err error) bool { return err != nil && !vendorFailure(err) },
		IsSuccessful: b.count,
		OnStateChange: func(_ string, from, to gobreaker.State) {
			clear(b.streak)
			if to == gobreaker.StateOpen {
				b.openedAt.Store(b.now().UnixNano())
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			b.changes = append(b.changes, change{from.String(), to.String()})
		},
	})
	return b
}

// failure is a call's error on its way to the breaker's books.
type failure struct {
	error
	vehicle string
}

func (f failure) Unwrap() error { return f.error }

func (b *breaker) count(err error) bool {
	if err == nil {
		clear(b.streak)
		return true
	}
	var f failure
	errors.As(err, &f)
	b.streak[f.vehicle]++
	return false
}

// trips says whether the failures in a row are the cloud's. Where there are
// several cars, each may give at most half of them, rounded up: one car that the
// cloud cannot cope with shuts out nobody, and two are a cloud that is down.
func (b *breaker) trips() bool {
	several := b.cars() > 1
	sum := 0
	for vehicle, n := range b.streak {
		if several && vehicle != "" {
			n = min(n, (b.failures+1)/2)
		}
		sum += n
	}
	return sum >= b.failures
}

// vendorFailure says whether err is the vendor's doing. Everything else, an
// unknown car, a silent car, a caller who left, a call that was not even made,
// says nothing of the vendor. A rate limit and a block are closures: they need no
// second failure, and know their own end.
func vendorFailure(err error) bool {
	var api *shared.APIError
	if errors.Is(err, context.Canceled) || !errors.As(err, &api) || api.Source == shared.SourcePlugin {
		return false
	}
	switch api.Reason {
	case shared.ReasonVendorUnavailable, shared.ReasonVendorTimeout, shared.ReasonInvalidResponse:
		return true
	default:
		return false
	}
}

// openUntil is when it lets a call through again; zero: now.
func (b *breaker) openUntil(ctx context.Context) time.Time {
	open := b.cb.State() == gobreaker.StateOpen
	b.tell(ctx)
	if !open {
		return time.Time{}
	}
	return b.until()
}

func (b *breaker) until() time.Time { return time.Unix(0, b.openedAt.Load()).Add(b.timeout) }

// allow lets a call out, which tells with end how it came out, unless the breaker is open.
// ctx is the call's.
func (b *breaker) allow(ctx context.Context, r Request) (end func(error), refused *Decision) {
	// A wake may last for minutes, in which a trial would shut out all others:
	// only a short call is let through to try.
	if r.Class == Wake && b.cb.State() != gobreaker.StateClosed {
		b.tell(ctx)
		return nil, b.refusal()
	}
	done, err := b.cb.Allow()
	b.tell(ctx)
	if err != nil {
		return nil, b.refusal()
	}
	return func(err error) {
		defer b.tell(ctx)
		switch {
		case err == nil:
			done(nil)
		case errors.Is(ctx.Err(), context.Canceled):
			// Whatever the vendor made of it, it was the caller who left.
			done(ctx.Err())
		default:
			done(failure{err, r.Vehicle})
		}
	}, nil
}

// refusal of a call while it is open, or while another one tries.
func (b *breaker) refusal() *Decision {
	d := &Decision{Rule: CircuitOpen, Until: b.until()}
	if soon := b.now().Add(time.Second); d.Until.Before(soon) {
		d.Until = soon
	}
	return d
}

// tell tells of changes without gobreaker's lock.
func (b *breaker) tell(ctx context.Context) {
	b.mu.Lock()
	changes := b.changes
	b.changes = nil
	b.mu.Unlock()
	for _, c := range changes {
		b.onChange(ctx, c.from, c.to)
	}
}
