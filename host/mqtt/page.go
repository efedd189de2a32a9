package mqtt

import (
	"context"
	"slices"
	"sync"
)

// page is what the topics of one thing, a car or the bridge itself, shall hold, and
// what the broker has acknowledged of it. What they shall hold follows from data; only
// a check sum is kept of what was sent, for a fleet has a hundred topics a car. Safe
// for concurrent use.
type page struct {
	// prefix of the topics, with a slash at its end.
	prefix  string
	content content

	mu sync.Mutex
	// now is what the content is, and held what the broker holds of it.
	now  version
	held uint64
	// progress is closed when held grows.
	progress chan struct{}
	// sums of what the broker holds, by the number of the topic and, for those that
	// have none, by name. Zero: nothing that is known.
	sums  []uint64
	named map[string]uint64

	// queued: it has news; writing: they are under way. Both are the writer's, under
	// its lock.
	queued, writing bool
}

// version tells contents apart.
type version struct {
	// change counts changes, and broker how often nobody knew what the broker holds.
	change, broker uint64
}

// content renders what the topics shall hold, in order, into a slice that is the page's
// from then on. It is called with the page locked, and must not wait.
type content interface {
	messages() []outgoing
}

// outgoing is the message of one topic.
type outgoing struct {
	topic string
	body  []byte
	// number in the catalogue; negative if it is not in there.
	number int
	// sum of what tells this content from another.
	sum      uint64
	retained bool
	// last: sent when the broker has acknowledged the rest.
	last bool
	// clears: of no use to a broker that holds nothing.
	clears bool
}

func newPage(prefix string, c content) *page {
	return &page{prefix: prefix, content: c, progress: make(chan struct{})}
}

// change changes the content, and returns the number of the change.
func (p *page) change(f func()) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.now.change++
	return p.now.change
}

// look lets f see the content.
func (p *page) look(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// changeIf changes the content if f has changed it.
func (p *page) changeIf(f func() bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !f() {
		return false
	}
	p.now.change++
	return true
}

// news are the messages that the broker does not hold, and the version that it holds
// once it has acknowledged them.
func (p *page) news() ([]outgoing, version) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(p.content.messages(), func(m outgoing) bool {
		held := p.sum(m)
		return held == m.sum || held == 0 && m.clears
	}), p.now
}

func (p *page) sum(m outgoing) uint64 {
	if m.number < 0 {
		return p.named[m.topic]
	}
	if m.number >= len(p.sums) {
		return 0
	}
	return p.sums[m.number]
}

// length of a message in bytes, its topic included.
func (p *page) length(m outgoing) int { return len(p.prefix) + len(m.topic) + len(m.body) }

// acknowledged notes what the broker holds of a version.
func (p *page) acknowledged(m outgoing, at version) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at.broker != p.now.broker {
		return
	}
	if m.number < 0 {
		if p.named == nil {
			p.named = map[string]uint64{}
		}
		p.named[m.topic] = m.sum
		return
	}
	for m.number >= len(p.sums) {
		p.sums = append(p.sums, 0)
	}
	p.sums[m.number] = m.sum
}

// complete notes that the broker holds all of a version.
func (p *page) complete(at version) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at.broker == p.now.broker && at.change > p.held {
		p.held = at.change
		close(p.progress)
		p.progress = make(chan struct{})
	}
}

// await waits until the broker holds a change, or ctx ends.
func (p *page) await(ctx context.Context, change uint64) error {
	for {
		p.mu.Lock()
		reached, progress := p.held >= change, p.progress
		p.mu.Unlock()
		if reached {
			return nil
		}
		if !closed(ctx, progress) {
			return ErrUnacknowledged
		}
	}
}

// forget says that nobody knows what the broker holds.
func (p *page) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.broker++
	clear(p.sums)
	clear(p.named)
}

// forgetOf says that nobody knows what the broker holds of some numbers.
func (p *page) forgetOf(numbers ...int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range numbers {
		if n < len(p.sums) {
			p.sums[n] = 0
		}
	}
	p.now.change++
}

// sumOf is never zero: it is FNV-1a.
func sumOf(body []byte, count uint64) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	sum := uint64(offset) ^ count*prime
	for _, b := range body {
		sum = (sum ^ uint64(b)) * prime
	}
	return max(1, sum)
}
