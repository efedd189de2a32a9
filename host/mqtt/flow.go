package mqtt

import (
	"context"
	"slices"
	"sync"
	"time"
)

// flow bounds how many messages are on their way to the broker. What is published
// behind them, the answer to a request and the client's own ping too, waits for as long
// as the broker takes for them; so there are as many as the broker takes in a short
// time, and more only where the way is long. Messages wait in the order in which they
// came, those of [flow.enter]'s first before the others. Safe for concurrent use.
type flow struct {
	now func() time.Time

	mu sync.Mutex
	// under are under way, limit is how many may be.
	under int
	limit float64
	// shortest is the least time that an acknowledgement took on this connection; zero:
	// there was none.
	shortest time.Duration
	// first and rest wait.
	first, rest []chan struct{}
}

const (
	// leastUnder and mostUnder messages may always, and at most, be under way.
	leastUnder, mostUnder = 32, 1024
	// late is how much longer than the shortest an acknowledgement takes when messages
	// wait for each other.
	late = 4 * time.Millisecond
)

func newFlow(now func() time.Time) *flow {
	return &flow{now: now, limit: leastUnder}
}

// enter waits until one more message may be under way. It returns what takes the
// message off the way again, which is to be called once; nil if ctx has ended or the
// connection is lost.
func (f *flow) enter(ctx context.Context, lost <-chan struct{}, first bool) func(acknowledged bool) {
	f.mu.Lock()
	if f.under >= int(f.limit) {
		ready, queue := make(chan struct{}), &f.rest
		if first {
			queue = &f.first
		}
		*queue = append(*queue, ready)
		f.mu.Unlock()
		select {
		case <-ready:
		case <-lost:
		case <-ctx.Done():
		}
		f.mu.Lock()
		if !ended(ready) {
			*queue = slices.DeleteFunc(*queue, func(r chan struct{}) bool { return r == ready })
			f.mu.Unlock()
			return nil
		}
	} else {
		f.under++
	}
	f.mu.Unlock()

	begun := f.now()
	return func(acknowledged bool) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.under--
		if acknowledged {
			f.learn(f.now().Sub(begun))
		}
		f.admit()
	}
}

// learn is called with the lock held. In the time of one acknowledgement the limit
// grows by an eighth, or shrinks by up to a quarter.
func (f *flow) learn(took time.Duration) {
	if f.shortest == 0 || took < f.shortest {
		f.shortest = took
	}
	if took > f.shortest+late {
		f.limit = max(leastUnder, f.limit-0.25)
	} else {
		f.limit = min(mostUnder, f.limit+0.125)
	}
}

// admit is called with the lock held.
func (f *flow) admit() {
	for f.under < int(f.limit) {
		queue := &f.first
		if len(*queue) == 0 {
			queue = &f.rest
		}
		if len(*queue) == 0 {
			return
		}
		close((*queue)[0])
		*queue = (*queue)[1:]
		f.under++
	}
}

// reset begins with a new connection, of which nothing is known.
func (f *flow) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit, f.shortest = leastUnder, 0
}
