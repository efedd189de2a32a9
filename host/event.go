package host

import (
	"context"
	"sync"
	"time"
)

// EventKind says what an Event is about.
type EventKind string

// The kinds.
const (
	// EventState: a plugin changed its state.
	EventState EventKind = "state"
	// EventHealth: a plugin's health changed.
	EventHealth EventKind = "health"
	// EventCrash: a plugin's process ended by itself.
	EventCrash EventKind = "crash"
	// EventVehicles: the list of a plugin's cars is there or changed.
	EventVehicles EventKind = "vehicles"
	// EventClaim: the plugin lists cars that belong to another one; they stay there, see
	// [Host.Owner]. It is reported once for each car.
	EventClaim EventKind = "claim"
)

// Event is something that happened to a plugin.
type Event struct {
	Time   time.Time `json:"time"`
	Kind   EventKind `json:"kind"`
	Plugin string    `json:"plugin"`
	State  State     `json:"state,omitempty"`
	PID    int       `json:"pid,omitempty"`
	// Reason is a code, Message a sentence for people.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Crash is set for EventCrash.
	Crash *CrashReport `json:"crash,omitempty"`
}

// NextEvent waits for the next event, beside [Options.OnEvent]. Each goes to one caller;
// before the first call none are kept, and of those that nobody takes the oldest go. It
// fails when ctx ends.
func (h *Host) NextEvent(ctx context.Context) (Event, error) { return h.news.next(ctx) }

// maxEvents is how many events wait for a slow listener; then the oldest go.
const maxEvents = 1024

// events hands events to the listener from one goroutine, so that a listener
// that blocks holds up nobody.
type events struct {
	listener func(Event)
	feed     *feed[Event]

	mu     sync.Mutex
	queue  []Event
	wake   chan struct{}
	closed bool
	done   chan struct{}
}

func newEvents(listener func(Event), feed *feed[Event]) *events {
	e := &events{listener: listener, feed: feed, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go e.run()
	return e
}

func (e *events) emit(ev Event) {
	e.feed.put(ev)
	e.mu.Lock()
	if len(e.queue) >= maxEvents {
		e.queue = e.queue[1:]
	}
	e.queue = append(e.queue, ev)
	e.mu.Unlock()
	e.signal()
}

func (e *events) signal() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// run ends after close, when the queue is empty.
func (e *events) run() {
	defer close(e.done)
	for range e.wake {
		for {
			e.mu.Lock()
			if len(e.queue) == 0 {
				closed := e.closed
				e.mu.Unlock()
				if closed {
					return
				}
				break
			}
			ev := e.queue[0]
			e.queue = e.queue[1:]
			e.mu.Unlock()
			e.listener(ev)
		}
	}
}

// close waits until the listener has had the last event, at most for d.
func (e *events) close(d time.Duration) {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.signal()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-e.done:
	case <-timer.C:
	}
}
