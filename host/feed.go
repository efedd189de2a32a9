package host

import (
	"context"
	"sync"
)

// eventFeed keeps events for whoever asks for the next one. Safe for concurrent use.
type eventFeed struct {
	mu sync.Mutex
	// wanted: an event was asked for once. Before that nothing is kept.
	wanted bool
	queue  []Event
	wake   chan struct{}
}

func newEventFeed() *eventFeed { return &eventFeed{wake: make(chan struct{}, 1)} }

func (f *eventFeed) put(ev Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.wanted {
		return
	}

	if len(f.queue) >= maxEvents {
		f.queue = f.queue[1:]
	}
	f.queue = append(f.queue, ev)
	f.signal()
}

func (f *eventFeed) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *eventFeed) take() (ev Event, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wanted = true
	if len(f.queue) == 0 {
		return Event{}, false
	}

	ev = f.queue[0]
	f.queue = f.queue[1:]
	if len(f.queue) > 0 {
		f.signal() // for another caller that waits
	}
	return ev, true
}

// NextEvent waits for the next event, beside [Options.OnEvent]. Each goes to one caller;
// before the first call none are kept, and of those that nobody takes the oldest go. It
// fails when ctx ends.
func (h *Host) NextEvent(ctx context.Context) (Event, error) {
	for {
		if ev, ok := h.news.take(); ok {
			return ev, nil
		}
		select {
		case <-h.news.wake:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}
