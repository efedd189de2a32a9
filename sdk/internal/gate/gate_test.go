package gate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWithoutAPolicyAllIsAllowed(t *testing.T) {
	t.Parallel()
	d := newDisk()
	g := open(Policy{}, d, noon(t))
	aux := 3.0
	g.Observe("a", Facts{Aux: &aux})
	for range 1000 {
		for _, r := range []Request{wake, read, {Class: Login}, {Class: List}} {
			assert.Equal(t, Decision{Allowed: true, Price: 1, Left: -1}, g.take(r))
		}
	}
	assert.Less(t, d.writes, 2200, "reads are put on disk many at a time")
}

func TestWakesOfACar(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	tomorrow := time.Date(2026, 7, 2, 0, 5, 0, 0, c.t.Location())
	for i := range 4 {
		g := open(policy(t), d, c) // each after a kill
		require.True(t, g.take(wake).Allowed, i)
		soon := g.take(wake)
		assert.Equal(t, WakeInterval, soon.Rule)
		if i < 3 {
			assert.WithinDuration(t, c.t.Add(10*time.Minute), soon.Until, 0)
		} else {
			assert.Equal(t, tomorrow, soon.Until, "by then the wakes of the day are spent")
		}
		assert.True(t, g.ask(Request{Class: Wake, Vehicle: "b"}).Allowed, "each car has its own")
		c.t = c.t.Add(10 * time.Minute)
	}
	g := open(policy(t), d, c)
	spent := g.ask(wake)
	assert.Equal(t, WakesPerDay, spent.Rule)
	assert.Equal(t, tomorrow, spent.Until)
	c.t = c.t.Add(-50 * time.Hour)
	assert.False(t, g.ask(wake).Allowed, "a clock that is set back gives no wakes")
	assert.Equal(t, WakeInterval, g.ask(wake).Rule)
	assert.LessOrEqual(t, g.ask(wake).Until.Sub(c.t), 24*time.Hour, "nor does it forbid them for longer than a day")
	c.t = spent.Until
	assert.True(t, g.take(wake).Allowed)
}

// Two processes of one account, as during an upgrade.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	one, two := open(policy(t), d, c), open(policy(t), d, c)
	require.True(t, one.take(wake).Allowed)
	assert.Equal(t, WakeInterval, two.take(wake).Rule)
	require.True(t, two.take(read).Allowed)
	require.True(t, one.take(read).Allowed)
	assert.LessOrEqual(t, open(policy(t), d, c).ask(read).Left, 100-7-2-2)
}

func TestOverride(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	g := open(policy(t), d, c)
	low := 20.0
	g.Observe("a", Facts{Aux: &low})
	over := wake
	over.Override = true
	got := g.take(over)
	assert.True(t, got.Allowed)
	assert.Equal(t, AuxBattery, got.Rule, "it says what was overridden")
	assert.Equal(t, 93, g.ask(wake).Left, "and it costs what it costs")
	over.Vehicle = "b"
	assert.Empty(t, g.ask(over).Rule)
}

// TestAgain: a wake whose session had ended goes out once more, and is one wake; but
// what has become of the time meanwhile holds.
func TestAgain(t *testing.T) {
	t.Parallel()
	c := noon(t)
	p := policy(t)
	p.Quiet = []Quiet{{From: 22 * time.Hour, To: 6 * time.Hour}}
	g := open(p, newDisk(), c)
	require.True(t, g.take(wake).Allowed)
	again := wake
	again.Again = true
	for range p.WakesPerDay {
		require.True(t, g.take(again).Allowed)
	}
	assert.Equal(t, 100-7*(1+p.WakesPerDay), g.ask(read).Left, "each is a request")
	c.t = c.t.Add(p.WakeInterval)
	assert.True(t, g.ask(wake).Allowed, "but not a wake of the day")
	c.t = c.t.Add(10 * time.Hour)
	assert.Equal(t, QuietHours, g.take(again).Rule)
}

// TestWakesOfAnotherProcess are not given back by what this one reads.
func TestWakesOfAnotherProcess(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	one, two := open(policy(t), d, c), open(policy(t), d, c)
	require.True(t, one.ask(wake).Allowed)
	for range 4 {
		require.True(t, two.take(wake).Allowed)
		c.t = c.t.Add(10 * time.Minute)
	}
	low := 40.0
	one.Observe("a", Facts{Aux: &low, PluggedIn: true})
	one.Observe("a", Facts{Aux: &low})
	one.Observe("a", Facts{Aux: &low, PluggedIn: true})
	assert.Equal(t, WakesPerDay, open(policy(t), d, c).take(wake).Rule)
}
