package mqtt

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestSomebodyWaitsForTheFirst: an answer to a request does not stand behind a fleet's
// progress, and neither queue grows without bounds.
func TestSomebodyWaitsForTheFirst(t *testing.T) {
	w := newWriter(nil, slog.New(slog.DiscardHandler), time.Now)
	oldest := w.send(Message{Topic: "1"})
	for range maxLetters {
		w.send(Message{Topic: "2"})
	}
	assert.True(t, ended(oldest.done))
	assert.ErrorIs(t, oldest.err, ErrUnacknowledged)
	w.sendFirst(Message{Topic: "3"})
	w.sendFirst(Message{Topic: "4"})
	for _, want := range []string{"3", "4", "2", "2"} {
		assert.Equal(t, want, w.nextLetter().message.Topic)
	}
	assert.Len(t, w.letters, maxLetters-2)
}
