package gate

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheDaysCalls(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	g := open(policy(t), d, c)
	for i := range 40 {
		assert.Equal(t, Decision{Allowed: true, Price: 2, Left: 100 - 2*i}, g.take(read))
	}
	background := Request{Class: Read, Vehicle: "b", Background: true}
	reset := time.Date(2026, 7, 2, 0, 5, 0, 0, c.t.Location())
	assert.Equal(t, Decision{Rule: CallsPerDay, Until: reset, Price: 2}, g.take(background), "the rest is for people")
	assert.Equal(t, 20, g.ask(read).Left)
	for range 10 {
		assert.True(t, g.take(read).Allowed)
	}
	assert.Equal(t, Decision{Rule: CallsPerDay, Until: reset, Price: 2}, g.take(read))
	assert.Equal(t, CallsPerDay, g.take(Request{Class: List}).Rule)
	g.count(Renewal) // goes out in any case

	assert.Equal(t, CallsPerDay, open(policy(t), d, c).take(read).Rule, "a restart gives nothing back")
	c.t = reset.Add(-time.Second)
	assert.False(t, g.take(read).Allowed)
	c.t = reset
	assert.Equal(t, 100, g.take(read).Left)
	c.t = c.t.Add(-24 * time.Hour)
	assert.Equal(t, 98, g.ask(read).Left, "a clock that is set back does not bring a day back")
}

// Where every request is counted as it goes out, a price is only told.
func TestMetered(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	p := policy(t)
	p.Metered = true
	g := open(p, d, c)
	assert.Equal(t, Decision{Allowed: true, Price: 2, Left: 100}, g.take(read))
	assert.Equal(t, 98, g.ask(read).Left, "it may cost so much")
	g.done(Read)
	assert.Equal(t, 100, g.ask(read).Left, "nothing went out")
	for range 99 {
		g.Requested()
	}
	g.count(Renewal)
	assert.Equal(t, 1, open(p, d, c).ask(read).Left)
	assert.True(t, g.take(wake).Allowed, "the last one of a day may be dearer")
	g.Requested()
	assert.Equal(t, CallsPerDay, open(p, d, c).take(read).Rule)

	unmetered := open(policy(t), newDisk(), c)
	unmetered.Requested()
	assert.Equal(t, 100, unmetered.ask(read).Left)
}

func TestLogins(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	for range 3 {
		assert.True(t, open(policy(t), d, c).take(Request{Class: Login}).Allowed)
	}
	refused := open(policy(t), d, c).take(Request{Class: Login})
	assert.Equal(t, LoginsPerDay, refused.Rule)
	assert.Equal(t, time.Date(2026, 7, 2, 0, 5, 0, 0, c.t.Location()), refused.Until)
	c.t = refused.Until
	assert.True(t, open(policy(t), d, c).take(Request{Class: Login}).Allowed)
}

// A read that cannot be written down still counts in this process; a wake that cannot is
// not made, for no restart would know of it.
func TestDiskThatFails(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	d.fails = true
	g := open(policy(t), d, c)
	require.True(t, g.take(read).Allowed)
	assert.Equal(t, 98, g.ask(read).Left)
	got := g.take(wake)
	assert.False(t, got.Allowed)
	assert.Equal(t, NoRecord, got.Rule)
	assert.Zero(t, got.Until, "who knows when there is room again")
}

// What is lost counts as spent: wakes, calls and logins wait for the next day.
func TestDamagedRecordsCountAsSpent(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	g := open(policy(t), d, c)
	require.True(t, g.take(wake).Allowed)
	d.damage()
	c.t = c.t.Add(time.Hour)
	for range 2 { // also after one more restart
		g = open(policy(t), d, c)
		assert.Equal(t, CallsPerDay, g.take(read).Rule)
		assert.Equal(t, LoginsPerDay, g.take(Request{Class: Login}).Rule)
		assert.Equal(t, WakeInterval, g.take(wake).Rule)
	}
	c.t = c.t.Add(time.Hour)
	assert.Equal(t, WakesPerDay, g.take(wake).Rule)
	c.t = c.t.Add(24 * time.Hour)
	g = open(policy(t), d, c)
	assert.True(t, g.take(read).Allowed)
	assert.True(t, g.take(wake).Allowed)
}

// TestTheLastOfADayIsGivenOnce, whoever asks at the same time.
func TestTheLastOfADayIsGivenOnce(t *testing.T) {
	t.Parallel()
	p := policy(t)
	p.CallsPerDay, p.Reserve = 1, 0
	for n := range 2000 {
		p.Metered = n%2 == 0
		g := open(p, newDisk(), noon(t))
		var allowed atomic.Int32
		var all sync.WaitGroup
		begin := make(chan struct{})
		for _, car := range []string{"a", "b", "c", "d", "e", "f"} {
			all.Go(func() {
				<-begin
				if g.take(Request{Class: Read, Vehicle: car}).Allowed {
					allowed.Add(1)
				}
			})
		}
		close(begin)
		all.Wait()
		require.EqualValues(t, 1, allowed.Load())
	}
}

// What reads cost of the disk, and what a crash costs of the budget.
func TestReadsAreReservedInBlocks(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	p := Policy{CallsPerDay: 100}
	g := open(p, d, c)
	for range 45 {
		require.True(t, g.take(read).Allowed)
	}
	assert.LessOrEqual(t, d.writes, 8)
	assert.Equal(t, 55, g.ask(read).Left, "of what is reserved nothing is spent")

	crashed := open(p, d, c)
	assert.LessOrEqual(t, crashed.ask(read).Left, 55)
	assert.GreaterOrEqual(t, crashed.ask(read).Left, 55-55/share-1)
	g.Close()
	assert.Equal(t, 55, open(p, d, c).ask(read).Left, "who ends well gives back the rest")
}

// Two processes together never spend more than there is.
func TestTwoProcessesSpendOneBudget(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	p := Policy{CallsPerDay: 100}
	gates, sent := []*Gate{open(p, d, c), open(p, d, c)}, 0
	for i := range 400 {
		if gates[i/7%2].take(read).Allowed {
			sent++
		}
	}
	assert.LessOrEqual(t, sent, 100)
	assert.Greater(t, sent, 90)
}

// TestTwoProcessesAtOnce give no call twice, and no wake, whoever is first at the disk; and
// what one reads of the battery takes no wake of the other's back.
func TestTwoProcessesAtOnce(t *testing.T) {
	t.Parallel()
	low, well := 40.0, 90.0
	for range 300 {
		c, d := noon(t), newDisk()
		p := Policy{CallsPerDay: 40, WakesPerDay: 1, LoginsPerDay: 1, AuxStop: 60, AuxResume: 75}
		var calls, wakes, logins atomic.Int32
		var all sync.WaitGroup
		begin := make(chan struct{})
		for range 2 {
			g := open(p, d, c)
			one := func(r Request, n *atomic.Int32) {
				all.Go(func() {
					<-begin
					if g.take(r).Allowed {
						n.Add(1)
						calls.Add(1)
					}
				})
			}
			for range 25 {
				one(read, new(atomic.Int32))
			}
			one(wake, &wakes)
			one(Request{Class: Login}, &logins)
			all.Go(func() {
				<-begin
				g.Observe("a", Facts{Aux: &low, PluggedIn: true})
				g.Observe("a", Facts{Aux: &well})
			})
		}
		close(begin)
		all.Wait()
		require.LessOrEqual(t, calls.Load(), int32(40))
		require.LessOrEqual(t, wakes.Load(), int32(1))
		require.LessOrEqual(t, logins.Load(), int32(1))
		if wakes.Load() == 1 {
			require.Equal(t, WakesPerDay, open(p, d, c).ask(wake).Rule)
		}
	}
}

// TestTwoProcessesKeepFreeWhatIsUnderWay: what one has reserved is given to one call, also
// if the other one has spent the rest since.
func TestTwoProcessesKeepFreeWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	p := Policy{CallsPerDay: 100, Metered: true, Prices: map[Class]int{Read: 2}}
	one, two := open(p, d, c), open(p, d, c)
	for range 78 {
		one.Requested()
	}
	require.Equal(t, 2, one.ledger.spare, "of a block")
	for range 20 {
		two.Requested()
	}
	require.True(t, one.take(read).Allowed)
	assert.False(t, one.take(read).Allowed)
}
