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
	first, rest []*waiting
}

// waiting is somebody who waits for room for n messages.
type waiting struct {
	n     int
	ready chan struct{}
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

// enter waits until n more messages, a few, may be under way. It returns when that is;
// false: ctx has ended or the connection is lost.
func (f *flow) enter(ctx context.Context, lost <-chan struct{}, n int, first bool) (at time.Time, ok bool) {
	if ended(lost) || ctx.Err() != nil {
		return at, false
	}
	f.mu.Lock()
	if f.room(n) {
		f.under += n
		f.mu.Unlock()
		return f.now(), true
	}
	w, queue := &waiting{n: n, ready: make(chan struct{})}, &f.rest
	if first {
		queue = &f.first
	}
	*queue = append(*queue, w)
	f.mu.Unlock()

	select {
	case <-w.ready:
	case <-lost:
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !ended(w.ready) {
		*queue = slices.DeleteFunc(*queue, func(other *waiting) bool { return other == w })
		return at, false
	}
	return f.now(), true
}

// leave takes n messages off the way that entered at a time. It is called once for each
// enter.
func (f *flow) leave(at time.Time, n int, acknowledged bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.under -= n
	if acknowledged {
		f.learn(f.now().Sub(at), float64(n))
	}
	f.admit()
}

// room is called with the lock held.
func (f *flow) room(n int) bool { return f.under+n <= int(f.limit) }

// learn is called with the lock held. In the time of one acknowledgement the limit
// grows by an eighth, or shrinks by up to a quarter.
func (f *flow) learn(took time.Duration, n float64) {
	if f.shortest == 0 || took < f.shortest {
		f.shortest = took
	}
	if took > f.shortest+late {
		f.limit = max(leastUnder, f.limit-n/4)
	} else {
		f.limit = min(mostUnder, f.limit+n/8)
	}
}

// admit is called with the lock held.
func (f *flow) admit() {
	for {
		queue := &f.first
		if len(*queue) == 0 {
			queue = &f.rest
		}
		if len(*queue) == 0 || !f.room((*queue)[0].n) {
			return
		}
		f.under += (*queue)[0].n
		close((*queue)[0].ready)
		*queue = (*queue)[1:]
	}
}

// reset begins with a new connection, of which nothing is known.
func (f *flow) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit, f.shortest = leastUnder, 0
}
