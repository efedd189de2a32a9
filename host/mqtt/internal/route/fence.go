package route

import (
	"context"
	"strconv"
	"sync"
	"time"
)

// fenceTimeout is how long a fence may take. A broker that does not let the client read
// its own messages costs that once a connection.
const fenceTimeout = 5 * time.Second

// Fence is a topic for a message of the client's own: when it is back, everything has come
// that the broker had to say before. Safe for concurrent use.
type Fence struct {
	// Topic that the client subscribes to, with Returned.
	Topic string

	mu   sync.Mutex
	sent int
	back chan struct{}
}

// NewFence makes a fence for a client of the base topic.
func NewFence(base string) *Fence { return &Fence{Topic: Private(base, "fence")} }

// Wait publishes the message and waits until it is back; inTime is false if that takes too
// long. It fails if ctx ends.
func (f *Fence) Wait(ctx context.Context, publish func(payload []byte)) (inTime bool, err error) {
	f.mu.Lock()
	f.sent++
	f.back = make(chan struct{})
	back, number := f.back, f.sent
	f.mu.Unlock()
	publish(strconv.AppendInt(nil, int64(number), 10))

	limit := time.NewTimer(fenceTimeout)
	defer limit.Stop()
	select {
	case <-back:
		return true, nil
	case <-limit.C:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// Returned takes a message on the topic, and says whether it is the one that is waited for.
func (f *Fence) Returned(payload []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.back == nil || string(payload) != strconv.Itoa(f.sent) {
		return false
	}
	close(f.back)
	f.back = nil
	return true
}
