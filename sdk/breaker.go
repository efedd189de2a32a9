package sdk

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// breaker pauses the calls of an account whose vendor keeps failing. Safe for
// concurrent use.
type breaker struct {
	cb      *gobreaker.CircuitBreaker[struct{}]
	timeout time.Duration
	now     func() time.Time
	// openedAt is when it opened last, in Unix nanoseconds.
	openedAt atomic.Int64
}

// newBreaker opens after failures without a success in between and lets one
// trial through after timeout. onChange is called with gobreaker's lock held: it
// must not call back.
func newBreaker(failures int, timeout time.Duration, now func() time.Time, onChange func(from, to string)) *breaker {
	b := &breaker{timeout: timeout, now: now}
	b.cb = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: 1,
		Timeout:     timeout,
		ReadyToTrip: func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= failures },
		IsExcluded:  func(err error) bool { return err != nil && !vendorFailure(err) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				b.openedAt.Store(now().UnixNano())
			}
			onChange(from.String(), to.String())
		},
	})
	return b
}

// vendorFailure says whether err is the vendor's doing. Everything else, an
// unknown car, a silent car, a caller who left, a call that was not even made,
// says nothing of the vendor.
func vendorFailure(err error) bool {
	var api *shared.APIError
	if !errors.As(err, &api) || api.Source == shared.SourcePlugin {
		return false
	}
	switch api.Reason {
	case shared.ReasonVendorUnavailable, shared.ReasonVendorTimeout,
		shared.ReasonInvalidResponse, shared.ReasonRateLimited:
		return true
	default:
		return false
	}
}

// do runs call unless the breaker is open.
func (b *breaker) do(call func() error) error {
	_, err := b.cb.Execute(func() (struct{}, error) { return struct{}{}, call() })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		refused := shared.NewError(shared.ReasonCircuitOpen)
		left := time.Unix(0, b.openedAt.Load()).Add(b.timeout).Sub(b.now())
		refused.RetryAfter = max(left, time.Second)
		return refused
	}
	return err
}
