package mqtt

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// entered fills the way with n messages that are under way for as long as leave is not
// called.
func entered(t *testing.T, f *flow, n int) (leave []func(bool)) {
	t.Helper()
	for range n {
		l := f.enter(t.Context(), nil, false)
		require.NotNil(t, l)
		leave = append(leave, l)
	}
	return leave
}

// TestFlowLetsFirstOnesBefore: who waits goes in the order of coming, letters before pages,
// and who has left the queue takes nobody's place.
func TestFlowLetsFirstOnesBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlow(time.Now)
		under := entered(t, f, leastUnder)
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
				if f.enter(w.ctx, w.lost, w.first) == nil {
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
		for _, l := range under[:3] {
			l(false)
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
			under := entered(t, f, int(f.limit))
			now = now.Add(took)
			for _, leave := range under {
				now = now.Add(each)
				leave(true)
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
	for _, leave := range entered(t, f, leastUnder) {
		leave(false)
	}
	assert.Equal(t, leastUnder, int(f.limit), "what was not acknowledged says nothing")
}
