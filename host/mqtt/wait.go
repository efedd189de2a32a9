package mqtt

import (
	"context"
	"time"
)

// ended says whether the channel is closed.
func ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// closed waits until the channel is closed, or ctx ends.
func closed(ctx context.Context, c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-ctx.Done():
		return false
	}
}

// closedWithin waits for some time until the channel is closed, or ctx ends.
func closedWithin(ctx context.Context, c <-chan struct{}, d time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return closed(ctx, c)
}

// wait waits for some time, or until ctx ends.
func wait(ctx context.Context, d time.Duration) { closedWithin(ctx, nil, d) }

// untilClosed is a context that also ends when the channel is closed, or after some time.
func untilClosed(ctx context.Context, c <-chan struct{}, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	go func() { // ends with ctx
		if closed(ctx, c) {
			cancel()
		}
	}()
	return ctx, cancel
}
