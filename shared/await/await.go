// Package await is for tests: it waits for events. A test that measures time, or
// gives an event a second to happen, fails on a busy machine for no fault of the
// product. So each wait here has the same generous limit, which only ends a hang,
// and says what was waited for.
package await

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// Limit is how long any event may take. A test binary's own limit is longer.
const Limit = 3 * time.Minute

// poll is how often a condition is looked at, at first and later on.
const poll, slowPoll = time.Millisecond, 10 * time.Millisecond

// True waits until cond holds, and ends the test if it does not within [Limit].
// cond runs on the caller's goroutine, so it may use require.
func True(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	begun := time.Now()

	for pause := poll; !cond(); pause = min(2*pause, slowPoll) {
		if time.Since(begun) > Limit {
			tb.Fatalf("waited %s in vain: %s", Limit, what)
		}
		time.Sleep(pause)
	}
}

// Value waits for a value from ch, or for its close, which gives the zero value.
func Value[T any](tb testing.TB, what string, ch <-chan T) T {
	tb.Helper()
	timer := time.NewTimer(Limit)
	defer timer.Stop()

	select {
	case v := <-ch:
		return v
	case <-timer.C:
		tb.Fatalf("waited %s in vain: %s", Limit, what)
	}
	panic("unreachable")
}

// Context ends after [Limit], with a cause that says what took so long, or at the
// end of the test, after the clean-ups that were registered later. Unlike the
// test's own context it may be used in a clean-up.
func Context(tb testing.TB, what string) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeoutCause(context.Background(), Limit, fmt.Errorf("waited %s in vain: %s", Limit, what))
	tb.Cleanup(cancel)
	return ctx
}
