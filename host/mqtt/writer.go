package mqtt

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// writer brings the broker to what pages hold: the latest of each, only what the
// broker does not hold, and everything again on a new connection, for nobody knows
// what a broker has kept. It alone publishes. Safe for concurrent use.
type writer struct {
	client Client
	log    *slog.Logger
	now    func() time.Time

	mu sync.Mutex
	// pages are all that there are, queue those that have news and are not being
	// written.
	pages, queue []*page
	// first and letters are messages that are sent once each, in this order and before
	// the pages.
	first, letters []*letter
	// connection is the number of the one that is written to.
	connection uint64
	// told is the number of the one on which it was said that the broker refuses values.
	told    uint64
	bound   bound
	flow    *flow
	wake    chan struct{}
	batches sync.WaitGroup
}

const (
	// atOnce is how many pages are brought at a time: while the last message of one waits
	// for the others, the next goes on.
	atOnce = 4
	// stallTimeout is when messages that are not acknowledged on a connection that
	// lives are sent again, and retryPause how long a client that refuses a message is
	// left alone.
	stallTimeout = 30 * time.Second
	retryPause   = time.Second
)

func newWriter(c Client, log *slog.Logger, now func() time.Time) *writer {
	return &writer{client: c, log: log, now: now, flow: newFlow(now), wake: make(chan struct{}, 1)}
}

// add makes a page one that is written.
func (w *writer) add(p *page) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages = append(w.pages, p)
}

// write says that a page has news.
func (w *writer) write(p *page) {
	w.mu.Lock()
	w.enqueue(p)
	w.mu.Unlock()
	w.signal()
}

// enqueue is called with the lock held. A page that is being written is queued when
// that has ended.
func (w *writer) enqueue(p *page) {
	if !p.queued && !p.writing {
		w.queue = append(w.queue, p)
	}
	p.queued = true
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run writes until ctx ends.
func (w *writer) run(ctx context.Context) {
	defer w.batches.Wait()
	room := make(chan struct{}, atOnce)
	for ctx.Err() == nil {
		connection, changed := w.client.Connection()
		if connection.Up {
			w.connected(connection.Number)
			for w.next(ctx, room, changed) {
			}
		}
		select {
		case <-changed:
		case <-w.wake:
		case <-ctx.Done():
		}
	}
}

// connected makes everything news on a new connection.
func (w *writer) connected(number uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.connection == number {
		return
	}
	w.connection = number
	w.flow.reset()
	for _, p := range w.pages {
		p.forget()
		w.enqueue(p)
	}
}

// next hands the next messages to the client: a letter, else a page if there is room
// for one. It says whether there may be more to do on this connection, which is lost
// when the channel is closed.
func (w *writer) next(ctx context.Context, room chan struct{}, lost <-chan struct{}) bool {
	if ended(lost) || ctx.Err() != nil {
		return false
	}
	if l := w.nextLetter(); l != nil {
		w.post(ctx, l, lost)
		return true
	}
	select {
	case room <- struct{}{}:
	default:
		return false // wake comes when there is room
	}
	p := w.nextPage()
	if p == nil {
		<-room
		return false
	}
	w.batches.Go(func() {
		err := w.bring(ctx, p, lost)
		if err != nil && !ended(lost) {
			w.log.Warn("the MQTT client does not take what is published; it is tried again", "error", err)
			wait(ctx, retryPause)
		}
		<-room
		w.written(p, err == nil)
	})
	return true
}

func (w *writer) nextPage() *page {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return nil
	}
	p := w.queue[0]
	w.queue = w.queue[1:]
	p.queued, p.writing = false, true
	return p
}

// written ends the writing of a page; one that has got news meanwhile, or was not
// brought, comes again.
func (w *writer) written(p *page, brought bool) {
	w.mu.Lock()
	again := p.queued || !brought
	p.queued, p.writing = false, false
	if again {
		w.enqueue(p)
	}
	w.mu.Unlock()
	w.signal()
}

// bring brings the broker to what a page holds.
func (w *writer) bring(ctx context.Context, p *page, lost <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, stallTimeout)
	defer cancel()
	news, at := p.news()
	var last []outgoing
	rest := slices.DeleteFunc(news, func(m outgoing) bool {
		if m.last {
			last = append(last, m)
		}
		return m.last
	})
	for _, batch := range [][]outgoing{rest, last} {
		if err := w.publish(ctx, p, batch, at, lost); err != nil {
			return err
		}
	}
	p.complete(at)
	return nil
}

// refused tells, once a connection, that the broker does not take what is published.
func (w *writer) refused(err error) {
	w.mu.Lock()
	told := w.told == w.connection
	w.told = w.connection
	w.mu.Unlock()
	if !told {
		w.log.Warn("the broker does not take a value; it is left out, the rest is published: look at the broker's access rules and limits", "error", err)
	}
}

// longest is the length of the longest message that the broker takes.
func (w *writer) longest() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bound.longest(w.now())
}

// judge learns from the longest messages that were acknowledged, and that were not.
func (w *writer) judge(acked, open int, lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bound.took(acked)
	if lost && w.bound.lost(open, w.now()) {
		w.log.Error("the broker hangs up on messages of that length; values as long are left out for an hour: raise its packet limit", "bytes", open)
	}
}
