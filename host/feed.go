package host

import (
	"context"
	"sync"
)

// feed keeps things in order for whoever asks for the next one; before the first has asked
// nothing is kept. Safe for concurrent use.
type feed[T any] struct {
	// most is how many wait; then the oldest go. 0: no bound.
	most int

	mu sync.Mutex
	// wanted: one was asked for once.
	wanted bool
	queue  []T
	wake   chan struct{}
}

func newFeed[T any](most int) *feed[T] { return &feed[T]{most: most, wake: make(chan struct{}, 1)} }

// put keeps something, and reports whether it is kept.
func (f *feed[T]) put(thing T) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.wanted {
		return false
	}

	if f.most > 0 && len(f.queue) >= f.most {
		f.queue = f.queue[1:]
	}
	f.queue = append(f.queue, thing)
	f.signal()
	return true
}

func (f *feed[T]) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *feed[T]) take() (thing T, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wanted = true
	if len(f.queue) == 0 {
		return thing, false
	}

	thing = f.queue[0]
	f.queue = f.queue[1:]
	if len(f.queue) > 0 {
		f.signal() // for another caller that waits
	}
	return thing, true
}

// next waits for the next one. It fails when ctx ends.
func (f *feed[T]) next(ctx context.Context) (T, error) {
	for {
		if thing, ok := f.take(); ok {
			return thing, nil
		}
		select {
		case <-f.wake:
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
	}
}
