package cloudsim

import (
	"net/http"
	"sync"
	"time"
)

// clock is the cloud's one time: it judges by it and waits by it. It runs at a
// rate of the clock beneath it, or stands, and can be moved ahead. Safe for
// concurrent use.
type clock struct {
	beneath func() time.Time

	mu sync.Mutex
	// rate is how much faster it runs than the clock beneath; zero: it stands.
	rate float64
	// shown is what it showed when the clock beneath showed since.
	shown, since time.Time
	// changed is closed when the rate changes or the clock is moved.
	changed chan struct{}
}

func newClock(beneath func() time.Time, rate float64) *clock {
	began := beneath()
	return &clock{beneath: beneath, rate: rate, shown: began, since: began, changed: make(chan struct{})}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nowLocked()
}

func (c *clock) nowLocked() time.Time {
	passed := c.beneath().Sub(c.since)
	if c.rate != 1 { // a float is not exact
		passed = time.Duration(float64(passed) * c.rate)
	}
	return c.shown.Add(passed)
}

// change moves the clock ahead and sets its rate, unless that is nil.
func (c *clock) change(ahead time.Duration, rate *float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shown, c.since = c.nowLocked().Add(max(0, ahead)), c.beneath()
	if rate != nil {
		c.rate = max(0, *rate)
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *clock) pace() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rate
}

// wait waits until the clock has gone on by d. It reports false if the caller
// went, or the cloud was closed, before.
func (c *clock) wait(d time.Duration, gone, closing <-chan struct{}) bool {
	until := c.now().Add(d)
	for {
		due, changed := c.alarm(until)
		select {
		case <-due:
			return true
		case <-changed: // so that it is due at another time
		case <-gone:
			return false
		case <-closing:
			return false
		}
	}
}

// alarm is a channel that is ready at a time of this clock, as long as nothing
// changes it, and one that is closed when something does.
func (c *clock) alarm(at time.Time) (due <-chan time.Time, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := at.Sub(c.nowLocked())
	switch {
	case left <= 0:
		return time.After(0), c.changed
	case c.rate == 0:
		return nil, c.changed
	}
	return time.After(time.Duration(float64(left) / c.rate)), c.changed
}

// now is the cloud's clock.
func (c *Cloud) now() time.Time { return c.clock.now() }

// Advance moves the cloud's clock ahead, and with it the life of its cars. What
// waits until then goes on. A client that keeps its own clock sees what is new
// as of the future.
func (c *Cloud) Advance(d time.Duration) { c.clock.change(d, nil) }

// SetRate makes the cloud's clock run so much faster than the clock of Options;
// zero stops it.
func (c *Cloud) SetRate(rate float64) { c.clock.change(0, &rate) }

// wait waits for d by the cloud's clock. It breaks the call off when its caller
// has gone or the cloud is closed.
func (c *Cloud) wait(r *http.Request, d time.Duration) {
	if !c.clock.wait(d, r.Context().Done(), c.closing) {
		panic(http.ErrAbortHandler)
	}
}
