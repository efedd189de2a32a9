package mqtt

import (
	"sync"
	"time"
)

// Bounds of the inbox. A message that finds the first full is answered with
// queue_full; one that finds the second full, too, is counted and dropped,
// because even its answer would need room.
const (
	maxCommands = 4096
	maxWaiting  = 2 * maxCommands
	// keptPayload is longer than any command may be.
	keptPayload = maxSchedule + 1
)

// beginning is a copy of a payload, for the client may use its memory again. Of one that
// is too long anyway the beginning is enough.
func beginning(payload []byte) []byte {
	return append([]byte(nil), payload[:min(len(payload), keptPayload)]...)
}

// message is a command as it came.
type message struct {
	topic    string
	payload  []byte
	retained bool
	// at is when it came to the broker, as far as that is known; waited is how long it
	// may have been there while the hub was away, negative if nobody knows.
	at     time.Time
	waited time.Duration
	// expiry is how long it is good for by its sender's word; zero: not said.
	expiry time.Duration
	// reply is where its sender wants the answers, too, with correlation; empty: nowhere.
	reply       string
	correlation []byte
	// overflow: too many commands were being served when it came.
	overflow bool
}

// inbox is the queue between the client's callback and the goroutines that
// serve. Putting never blocks. Safe for concurrent use.
type inbox struct {
	mu      sync.Mutex
	queue   []message
	active  int // taken and not done
	dropped int // since lost was asked last
	// droppedAll since the start.
	droppedAll int
	closed     bool
	wake       chan struct{}
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// put queues m, unless the inbox is closed. It takes some hundred nanoseconds, whatever
// goes on elsewhere.
func (i *inbox) put(m message) (open bool) {
	i.mu.Lock()
	open = !i.closed
	switch waiting := len(i.queue) + i.active; {
	case i.closed:
	case waiting >= maxWaiting:
		i.dropped++
		i.droppedAll++
	default:
		m.overflow = waiting >= maxCommands
		m.payload = beginning(m.payload)
		i.queue = append(i.queue, m)
	}
	i.mu.Unlock()
	i.signal()
	return open
}

// take waits for the next message; false when the inbox is closed and empty.
func (i *inbox) take() (message, bool) {
	for {
		i.mu.Lock()
		if len(i.queue) > 0 {
			m := i.queue[0]
			i.queue = i.queue[1:]
			i.active++
			i.mu.Unlock()
			return m, true
		}
		closed := i.closed
		i.mu.Unlock()
		if closed {
			return message{}, false
		}
		<-i.wake
	}
}

// lost returns how many messages were dropped since the last time.
func (i *inbox) lost() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := i.dropped
	i.dropped = 0
	return n
}

func (i *inbox) stats() Stats {
	i.mu.Lock()
	defer i.mu.Unlock()
	return Stats{Serving: i.active, Waiting: len(i.queue), Dropped: i.droppedAll}
}

// done says that a message that was taken has been answered.
func (i *inbox) done() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.active--
}

func (i *inbox) close() {
	i.mu.Lock()
	i.closed = true
	i.mu.Unlock()
	i.signal()
}

func (i *inbox) signal() {
	select {
	case i.wake <- struct{}{}:
	default:
	}
}
