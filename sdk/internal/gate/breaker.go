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

// Breaker pauses the calls of an account whose vendor keeps failing. Safe for
// concurrent use.
type Breaker struct {
	cb       *gobreaker.TwoStepCircuitBreaker[struct{}]
	failures int
	timeout  time.Duration
	now      func() time.Time
	// cars is how many the account has.
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

// Call is what a call to the vendor is about.
type Call struct {
	Vehicle string // empty if it concerns the whole account
	Wake    bool
}

// NewBreaker opens after failures without a success in between and lets one
// trial through after timeout. cars is called with gobreaker's lock held: it must not
// call back.
func NewBreaker(failures int, timeout time.Duration, now func() time.Time, cars func() int, onChange func(ctx context.Context, from, to string)) *Breaker {
	b := &Breaker{failures: failures, timeout: timeout, now: now, cars: cars, streak: map[string]int{}, onChange: onChange}
	b.cb = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:  1,
		Timeout:      timeout,
		ReadyToTrip:  func(gobreaker.Counts) bool { return b.trips() },
		IsExcluded:   func(err error) bool { return err != nil && !vendorFailure(err) },
		IsSuccessful: b.count,
		OnStateChange: func(_ string, from, to gobreaker.State) {
			clear(b.streak)
			if to == gobreaker.StateOpen {
				b.openedAt.Store(now().UnixNano())
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

func (b *Breaker) count(err error) bool {
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
func (b *Breaker) trips() bool {
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

// Do runs call unless the breaker is open. ctx is the call's.
func (b *Breaker) Do(ctx context.Context, what Call, call func() error) error {
	// A wake may last for minutes, in which a trial would shut out all others:
	// only a short call is let through to try.
	if what.Wake && b.cb.State() != gobreaker.StateClosed {
		b.tell(ctx)
		return b.refusal()
	}
	done, err := b.cb.Allow()
	b.tell(ctx)
	if err != nil {
		return b.refusal()
	}
	err = errors.New("the call ended its goroutine")
	defer func() {
		defer b.tell(ctx)
		switch {
		case err == nil:
			done(nil)
		case errors.Is(ctx.Err(), context.Canceled):
			// Whatever the vendor made of it, it was the caller who left.
			done(ctx.Err())
		default:
			done(failure{err, what.Vehicle})
		}
	}()
	err = call()
	return err
}

// tell tells of changes without gobreaker's lock.
func (b *Breaker) tell(ctx context.Context) {
	b.mu.Lock()
	changes := b.changes
	b.changes = nil
	b.mu.Unlock()
	for _, c := range changes {
		b.onChange(ctx, c.from, c.to)
	}
}

func (b *Breaker) refusal() error {
	refused := shared.NewError(shared.ReasonCircuitOpen)
	left := time.Unix(0, b.openedAt.Load()).Add(b.timeout).Sub(b.now())
	refused.RetryAfter = max(left, time.Second)
	return refused
}
