package sdk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// strays are calls of the Vendor that have not ended although their context has.
// Nothing ends a goroutine from outside, so such a call is left behind: its caller
// gets the context's error, its worker takes the next job, and it is counted. Safe
// for concurrent use.
type strays struct {
	// grace is how long after its context's end a call may take to notice.
	grace time.Duration
	// limit of them at a time; tooMany is called once when it is reached.
	limit   int
	tooMany func()
	health  *health

	mu    sync.Mutex
	count int
	told  bool
}

// stray is one call; the lock of its strays guards it.
type stray struct{ ended, left bool }

// bounded makes a call of the Vendor in a goroutine of its own and returns at
// most grace after ctx has ended. A panic of the call is contained.
func bounded[T any](ctx context.Context, s *strays, do func(context.Context) (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	call, done := &stray{}, make(chan outcome, 1)
	go func() {
		out := outcome{err: shared.NewError(shared.ReasonInternal).Wrap(errors.New("the call ended its goroutine"))}
		defer func() {
			if p := recover(); p != nil {
				out.err = panicked(ctx, p)
			}
			done <- out
			s.end(call)
		}()
		out.value, out.err = do(ctx)
	}()
	select {
	case out := <-done:
		return out.value, out.err
	case <-ctx.Done():
	}
	patience := time.NewTimer(s.grace)
	defer patience.Stop()
	select {
	case out := <-done:
		return out.value, out.err
	case <-patience.C:
		s.leave(ctx, call)
		var none T
		return none, ctx.Err()
	}
}

// leave counts a call that is left behind.
func (s *strays) leave(ctx context.Context, call *stray) {
	s.mu.Lock()
	if call.ended {
		s.mu.Unlock()
		return
	}
	call.left = true
	s.count++
	n, last := s.count, s.count >= s.limit && !s.told
	s.told = s.told || last
	s.health.setStrays(n, s.limit)
	s.mu.Unlock()
	s.health.count(shared.CounterAbandoned)
	Logger(ctx).Error("a call to the vendor does not end although its time is up, and is left behind", "left_behind", n, "limit", s.limit)
	if last {
		s.tooMany()
	}
}

// end is for a call that has ended, left behind or not.
func (s *strays) end(call *stray) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if call.ended = true; call.left {
		s.count--
		s.health.setStrays(s.count, s.limit)
	}
}

// now is how many calls are left behind.
func (s *strays) now() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// strayed is the sentence for people when n calls have been left behind; empty
// while there is nothing to worry about.
func strayed(n, limit int) string {
	if 2*n < limit {
		return ""
	}
	return fmt.Sprintf("%d calls to the vendor have not ended although their time was up; at %d the plugin starts anew. Look for an update of the plugin.", n, limit)
}
