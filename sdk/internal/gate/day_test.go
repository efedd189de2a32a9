package gate

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A clock that is set back gives nothing back and takes no more than the rules do, whatever
// the distance, and over restarts.
func TestClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	for _, back := range []time.Duration{time.Hour, 20 * time.Hour, 6 * 24 * time.Hour, 8 * 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
		c, d := noon(t), newDisk()
		g := open(policy(t), d, c)
		for range 4 {
			require.True(t, g.take(wake).Allowed)
			g.take(Request{Class: Login})
			c.t = c.t.Add(10 * time.Minute)
		}
		g.Close()
		c.t = c.t.Add(-back)
		var until time.Time
		for _, g := range []*Gate{g, open(policy(t), d, c)} {
			login := g.ask(Request{Class: Login})
			assert.Equal(t, LoginsPerDay, login.Rule, back)
			until = login.Until
			assert.LessOrEqual(t, until.Sub(c.t), 48*time.Hour, back)
			assert.Equal(t, 69, g.ask(read).Left, back)
			assert.Equal(t, WakeInterval, g.take(wake).Rule, "the interval begins now")
		}
		c.t = c.t.Add(10 * time.Minute)
		assert.Equal(t, WakesPerDay, open(policy(t), d, c).take(wake).Rule, back)
		c.t = until
		g = open(policy(t), d, c)
		assert.True(t, g.take(wake).Allowed, back)
		assert.Equal(t, 93, g.ask(read).Left, back)
		assert.True(t, g.take(Request{Class: Login}).Allowed, back)
	}
}

// TestTheDateOfAClock is the same whether or not the last one is remembered.
func TestTheDateOfAClock(t *testing.T) {
	t.Parallel()
	plain := policy(t)
	remembers := plain
	remembers.dates = new(atomic.Pointer[date])
	now := time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC)
	for range 5 * 24 * 60 { // over the change of the clocks
		now = now.Add(time.Minute)
		require.Equal(t, plain.today(now), remembers.today(now), now)
		back := now.AddDate(0, 0, -1)
		require.Equal(t, plain.today(back), remembers.today(back), "set back")
		require.Equal(t, plain.today(now), remembers.today(now), now)
	}
	for at := now; at.Before(now.AddDate(0, 0, 300)); at = at.Add(17 * time.Minute) {
		require.Equal(t, plain.today(at), remembers.today(at), at)
	}
}

// A clock that was wrong for a while, as at the start of a small computer, gives the day's
// budget back neither then nor when it is right again.
func TestClockThatIsWrongForAWhile(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	right := c.t
	g := open(policy(t), d, c)
	for range 4 {
		require.True(t, g.take(wake).Allowed)
		c.t = c.t.Add(10 * time.Minute)
	}
	g.Close()
	c.t = right.AddDate(-3, 0, 0)
	assert.Equal(t, 72, open(policy(t), d, c).ask(read).Left)
	c.t = right.Add(time.Hour)
	g = open(policy(t), d, c)
	assert.Equal(t, 72, g.ask(read).Left)
	assert.Equal(t, WakesPerDay, g.take(wake).Rule)
}
