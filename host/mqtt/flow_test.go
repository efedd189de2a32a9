package mqtt

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// entered fills the way with n messages, and returns when that was.
func entered(t *testing.T, f *flow, n int) (at time.Time) {
	t.Helper()
	at, ok := f.enter(t.Context(), nil, n, false)
	require.True(t, ok)
	return at
}

// TestFlowLetsFirstOnesBefore: who waits goes in the order of coming, letters before pages,
// and who has left the queue takes nobody's place.
func TestFlowLetsFirstOnesBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlow(time.Now)
		at := entered(t, f, leastUnder)
		order := make(chan string, 5)
		left, leave := context.WithCancel(t.Context())
		lost := make(chan struct{})
		for _, w := range []struct {
			name  string
			ctx   context.Context
			lost  chan struct{}
			first bool
		}{{"page", t.Context(), nil, false}, {"gone", left, nil, false}, {"lost", t.Context(), lost, true}, {"page 2", t.Context(), nil, false}, {"letter", t.Context(), nil, true}} {
			go func() {
				if _, ok := f.enter(w.ctx, w.lost, 2, w.first); !ok {
					order <- "not " + w.name
					return
				}
				order <- w.name
			}()
			synctest.Wait()
		}
		assert.Empty(t, order, "there is no room")
		leave()
		synctest.Wait()
		close(lost)
		synctest.Wait()
		for range 6 {
			f.leave(at, 1, false)
			synctest.Wait()
		}
		for _, want := range []string{"not gone", "not lost", "letter", "page", "page 2"} {
			assert.Equal(t, want, <-order)
		}
	})
}

// TestFlowFollowsTheBroker: what waits for nothing makes room for more, what waits at the
// broker makes it less, and a new connection begins anew.
func TestFlowFollowsTheBroker(t *testing.T) {
	now := time.Now()
	f := newFlow(func() time.Time { return now })
	// rounds of messages as many as may be under way, each acknowledged after a time.
	rounds := func(n int, each, took time.Duration) int {
		for range n {
			under := int(f.limit)
			at := entered(t, f, under)
			now = now.Add(took)
			for range under {
				now = now.Add(each)
				f.leave(at, 1, true)
			}
		}
		return int(f.limit)
	}
	assert.Equal(t, mostUnder, rounds(40, 0, 30*time.Millisecond), "a long way, and a broker that takes all at once")
	f.reset()
	assert.Equal(t, leastUnder, int(f.limit))
	at := rounds(40, 20*time.Microsecond, time.Millisecond)
	assert.Greater(t, at, 150, "as many as it takes in 4 ms are 200")
	assert.Less(t, at, 400)
	assert.Equal(t, leastUnder, rounds(40, time.Millisecond, time.Millisecond), "a slow one")
	f.leave(entered(t, f, leastUnder), leastUnder, false)
	assert.Equal(t, leastUnder, int(f.limit), "what was not acknowledged says nothing")
}
