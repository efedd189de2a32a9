package mqtt

import (
	"context"
	"errors"
)

// maxLetters that wait; the oldest go.
const maxLetters = 2 * maxWaiting

// letter is a message that is sent once.
type letter struct {
	message Message
	// done is closed when the broker has acknowledged it, or when that is not known
	// any more; then err says so.
	done chan struct{}
	err  error
}

// send sends a message once.
func (w *writer) send(m Message) *letter {
	l := &letter{message: m, done: make(chan struct{})}
	w.mu.Lock()
	if len(w.letters) >= maxLetters {
		w.letters[0].end(ErrUnacknowledged)
		w.letters = w.letters[1:]
	}
	w.letters = append(w.letters, l)
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
	if len(w.letters) == 0 {
		return nil
	}
	l := w.letters[0]
	w.letters = w.letters[1:]
	return l
}

// posted waits for a letter's receipt. What was lost with the connection the client
// sends again; what it did not take is sent on the next one.
func (w *writer) posted(ctx context.Context, l *letter, r Receipt, lost <-chan struct{}) {
	err := settled(ctx, r, lost)
	if err != nil && !errors.Is(err, ErrUnacknowledged) && ended(lost) {
		w.mu.Lock()
		w.letters = append(w.letters, l)
		w.mu.Unlock()
		w.signal()
		return
	}
	l.end(err)
}
