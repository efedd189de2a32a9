package mqtt

import (
	"context"
	"errors"
)

// maxLetters that wait in a queue; the oldest go.
const maxLetters = 2 * maxWaiting

// letter is a message that is sent once.
type letter struct {
	message Message
	// queue of the writer's that it waits in.
	queue *[]*letter
	// done is closed when the broker has acknowledged it, or when that is not known
	// any more; then err says so.
	done chan struct{}
	err  error
}

// send sends a message once.
func (w *writer) send(m Message) *letter { return w.put(&w.letters, m) }

// sendFirst sends a message once, before those of send: somebody waits for it.
func (w *writer) sendFirst(m Message) *letter { return w.put(&w.first, m) }

// put adds a letter to a queue.
func (w *writer) put(queue *[]*letter, m Message) *letter {
	l := &letter{message: m, queue: queue, done: make(chan struct{})}
	w.mu.Lock()
	if len(*queue) >= maxLetters {
		(*queue)[0].end(ErrUnacknowledged)
		*queue = (*queue)[1:]
	}
	*queue = append(*queue, l)
	w.mu.Unlock()
	w.signal()
	return l
}

func (l *letter) end(err error) {
	l.err = err
	close(l.done)
}

// await waits until the broker has acknowledged the letter, or ctx ends.
func (l *letter) await(ctx context.Context) error {
	if !closed(ctx, l.done) {
		return ErrUnacknowledged
	}
	return l.err
}

func (w *writer) nextLetter() *letter {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, queue := range []*[]*letter{&w.first, &w.letters} {
		if len(*queue) > 0 {
			l := (*queue)[0]
			*queue = (*queue)[1:]
			return l
		}
	}
	return nil
}

// post hands a letter to the client, in its turn. One that is not acknowledged takes no
// room from others for longer than pages do.
func (w *writer) post(ctx context.Context, l *letter, lost <-chan struct{}) {
	at, ok := w.flow.enter(ctx, lost, 1, true)
	if !ok {
		w.mu.Lock()
		*l.queue = append([]*letter{l}, *l.queue...)
		w.mu.Unlock()
		return
	}
	receipt := w.client.Publish(l.message)
	w.batches.Go(func() {
		stalled, cancel := context.WithTimeout(ctx, stallTimeout)
		w.flow.leave(at, 1, settled(stalled, receipt, lost) == nil)
		cancel()
		w.posted(ctx, l, receipt, lost)
	})
}

// posted waits for a letter's receipt. What was lost with the connection the client
// sends again; what it did not take is sent on the next one.
func (w *writer) posted(ctx context.Context, l *letter, r Receipt, lost <-chan struct{}) {
	err := settled(ctx, r, lost)
	if err != nil && !errors.Is(err, ErrUnacknowledged) && ended(lost) {
		w.mu.Lock()
		*l.queue = append(*l.queue, l)
		w.mu.Unlock()
		w.signal()
		return
	}
	l.end(err)
}
