package gate

import (
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disk keeps documents as a file would: what is there survives a process.
type disk struct {
	mu     sync.Mutex
	docs   map[string][]byte
	writes int
	fails  bool
}

func newDisk() *disk { return &disk{docs: map[string][]byte{}} }

func (d *disk) Get(name string, v any) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	body, ok := d.docs[name]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(body, v)
}

func (d *disk) Put(name string, v any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails {
		return errors.New("no space left")
	}
	body, err := json.Marshal(v)
	d.docs[name] = body
	d.writes++
	return err
}

func (d *disk) Keep(name string, v any) error { return d.Put(name, v) }

// damage empties all files, as a loss of power may.
func (d *disk) damage() {
	for name := range d.docs {
		d.docs[name] = nil
	}
}

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func berlin(tb testing.TB) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(tb, err)
	return zone
}

// noon is a Wednesday in Berlin.
func noon(tb testing.TB) *clock {
	tb.Helper()
	return &clock{time.Date(2026, 7, 1, 12, 0, 0, 0, berlin(tb))}
}

func policy(tb testing.TB) Policy {
	tb.Helper()
	return Policy{
		CallsPerDay: 100, Reserve: 20, LoginsPerDay: 3, WakesPerDay: 4, WakeInterval: 10 * time.Minute, AuxStop: 60, AuxResume: 75,
		Prices: map[Class]int{Wake: 7, Read: 2}, Zone: berlin(tb), ResetAt: 5 * time.Minute,
	}
}

func open(p Policy, d *disk, c *clock) *Gate {
	return New(Options{Policy: p, Docs: d, Logger: slog.New(slog.DiscardHandler), Now: c.now})
}

var (
	wake = Request{Class: Wake, Vehicle: "a"}
	read = Request{Class: Read, Vehicle: "a"}
)

func TestWithoutAPolicyAllIsAllowed(t *testing.T) {
	t.Parallel()
	d := newDisk()
	g := open(Policy{}, d, noon(t))
	aux := 3.0
	g.Observe("a", Facts{Aux: &aux})
	for range 1000 {
		for _, r := range []Request{wake, read, {Class: Login}, {Class: List}} {
			assert.Equal(t, Decision{Allowed: true, Price: 1, Left: -1}, g.Take(r))
		}
	}
	assert.Less(t, d.writes, 2200, "reads are put on disk many at a time")
}

func TestTheDaysCalls(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	g := open(policy(t), d, c)
	for i := range 40 {
		assert.Equal(t, Decision{Allowed: true, Price: 2, Left: 100 - 2*i}, g.Take(read))
	}
	background := Request{Class: Read, Vehicle: "b", Background: true}
	reset := time.Date(2026, 7, 2, 0, 5, 0, 0, c.t.Location())
	assert.Equal(t, Decision{Rule: CallsPerDay, Until: reset, Price: 2}, g.Take(background), "the rest is for people")
	assert.Equal(t, 20, g.Ask(read).Left)
	for range 10 {
		assert.True(t, g.Take(read).Allowed)
	}
	assert.Equal(t, Decision{Rule: CallsPerDay, Until: reset, Price: 2}, g.Take(read))
	assert.Equal(t, CallsPerDay, g.Take(Request{Class: List}).Rule)
	g.Spend(Renewal) // goes out in any case

	assert.Equal(t, CallsPerDay, open(policy(t), d, c).Take(read).Rule, "a restart gives nothing back")
	c.t = reset.Add(-time.Second)
	assert.False(t, g.Take(read).Allowed)
	c.t = reset
	assert.Equal(t, 100, g.Take(read).Left)
	c.t = c.t.Add(-24 * time.Hour)
	assert.Equal(t, 98, g.Ask(read).Left, "a clock that is set back does not bring a day back")
}

// Where every request is counted as it goes out, a price is only told.
func TestMetered(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	p := policy(t)
	p.Metered = true
	g := open(p, d, c)
	assert.Equal(t, Decision{Allowed: true, Price: 2, Left: 100}, g.Take(read))
	assert.Equal(t, 98, g.Ask(read).Left, "it may cost so much")
	g.Done(Read)
	assert.Equal(t, 100, g.Ask(read).Left, "nothing went out")
	for range 99 {
		g.Requested()
	}
	g.Spend(Renewal)
	assert.Equal(t, 1, open(p, d, c).Ask(read).Left)
	assert.True(t, g.Take(wake).Allowed, "the last one of a day may be dearer")
	g.Requested()
	assert.Equal(t, CallsPerDay, open(p, d, c).Take(read).Rule)

	unmetered := open(policy(t), newDisk(), c)
	unmetered.Requested()
	assert.Equal(t, 100, unmetered.Ask(read).Left)
}

func TestLogins(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	for range 3 {
		assert.True(t, open(policy(t), d, c).Take(Request{Class: Login}).Allowed)
	}
	refused := open(policy(t), d, c).Take(Request{Class: Login})
	assert.Equal(t, LoginsPerDay, refused.Rule)
	assert.Equal(t, time.Date(2026, 7, 2, 0, 5, 0, 0, c.t.Location()), refused.Until)
	c.t = refused.Until
	assert.True(t, open(policy(t), d, c).Take(Request{Class: Login}).Allowed)
}

func TestWakesOfACar(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	for i := range 4 {
		g := open(policy(t), d, c) // each after a kill
		require.True(t, g.Take(wake).Allowed, i)
		soon := g.Take(wake)
		assert.Equal(t, WakeInterval, soon.Rule)
		assert.WithinDuration(t, c.t.Add(10*time.Minute), soon.Until, 0)
		assert.True(t, g.Ask(Request{Class: Wake, Vehicle: "b"}).Allowed, "each car has its own")
		c.t = c.t.Add(10 * time.Minute)
	}
	g := open(policy(t), d, c)
	spent := g.Ask(wake)
	assert.Equal(t, WakesPerDay, spent.Rule)
	assert.Equal(t, time.Date(2026, 7, 2, 0, 5, 0, 0, c.t.Location()), spent.Until)
	c.t = c.t.Add(-50 * time.Hour)
	assert.False(t, g.Ask(wake).Allowed, "a clock that is set back gives no wakes")
	assert.LessOrEqual(t, g.Ask(wake).Until.Sub(c.t), 10*time.Minute, "nor does it forbid them for longer than the interval")
	c.t = spent.Until
	assert.True(t, g.Take(wake).Allowed)
}

// Two processes of one account, as during an upgrade.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	one, two := open(policy(t), d, c), open(policy(t), d, c)
	require.True(t, one.Take(wake).Allowed)
	assert.Equal(t, WakeInterval, two.Take(wake).Rule)
	require.True(t, two.Take(read).Allowed)
	require.True(t, one.Take(read).Allowed)
	assert.LessOrEqual(t, open(policy(t), d, c).Ask(read).Left, 100-7-2-2)
}

func TestAuxBattery(t *testing.T) {
	t.Parallel()
	level := func(v float64) *float64 { return &v }
	for name, tc := range map[string]struct {
		facts []Facts
		rule  Rule
	}{
		"unknown":                       {nil, ""},
		"not told":                      {[]Facts{{}}, ""},
		"high":                          {[]Facts{{Aux: level(88)}}, ""},
		"at the threshold":              {[]Facts{{Aux: level(60)}}, ""},
		"low":                           {[]Facts{{Aux: level(59)}}, AuxBattery},
		"low, then between":             {[]Facts{{Aux: level(59)}, {Aux: level(74)}}, AuxBattery},
		"low, then high enough":         {[]Facts{{Aux: level(59)}, {Aux: level(75)}}, ""},
		"low, then not told":            {[]Facts{{Aux: level(59)}, {}}, AuxBattery},
		"low, then nonsense":            {[]Facts{{Aux: level(59)}, {Aux: level(0)}, {Aux: level(255)}, {Aux: level(-3)}}, AuxBattery},
		"nonsense":                      {[]Facts{{Aux: level(0)}}, ""},
		"low and plugged in":            {[]Facts{{Aux: level(50), PluggedIn: true}}, ""},
		"low and charging":              {[]Facts{{Aux: level(50), Charging: true}}, ""},
		"low and driving":               {[]Facts{{Aux: level(50), Running: true}}, ""},
		"low when it is unplugged":      {[]Facts{{Aux: level(50), PluggedIn: true}, {Aux: level(50)}}, AuxBattery},
		"low, plugged in, then between": {[]Facts{{Aux: level(50)}, {Aux: level(70), PluggedIn: true}, {Aux: level(70)}}, AuxBattery},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, d := noon(t), newDisk()
			g := open(policy(t), d, c)
			for _, f := range tc.facts {
				g.Observe("a", f)
			}
			assert.Equal(t, tc.rule, g.Ask(wake).Rule)
			assert.Equal(t, tc.rule, open(policy(t), d, c).Ask(wake).Rule, "after a restart")
			assert.True(t, g.Ask(read).Allowed, "reading costs the car nothing")
			assert.True(t, g.Ask(Request{Class: Wake, Vehicle: "b"}).Allowed)
		})
	}
}

// A car that stands and loses charge day by day is left alone before it is low.
func TestAuxTrend(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	g := open(policy(t), d, c)
	day := func(aux, odometer float64) Rule {
		c.t = c.t.Add(24 * time.Hour)
		g.Observe("a", Facts{Aux: &aux, Odometer: odometer})
		g = open(policy(t), d, c)
		return g.Ask(wake).Rule
	}
	assert.Empty(t, day(80, 1000))
	assert.Empty(t, day(74, 1000))
	assert.Empty(t, day(67, 1000), "60.5 tomorrow")
	assert.Equal(t, AuxTrend, day(61, 1000), "54 tomorrow")
	assert.Equal(t, AuxTrend, day(61, 1000.5))
	assert.Empty(t, day(61, 1012), "it was driven; a new beginning")
	assert.Empty(t, day(61, 1012))
	assert.Empty(t, day(61, 1012))
	for range 30 {
		assert.Empty(t, day(90, 1012))
	}
	assert.LessOrEqual(t, len(g.cars["a"].Levels), maxLevels)
}

func TestOverride(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	g := open(policy(t), d, c)
	low := 20.0
	g.Observe("a", Facts{Aux: &low})
	over := wake
	over.Override = true
	got := g.Take(over)
	assert.True(t, got.Allowed)
	assert.Equal(t, AuxBattery, got.Rule, "it says what was overridden")
	assert.Equal(t, 93, g.Ask(wake).Left, "and it costs what it costs")
	over.Vehicle = "b"
	assert.Empty(t, g.Ask(over).Rule)
}

// A read that cannot be written down still counts in this process; a wake that cannot is
// not made, for no restart would know of it.
func TestDiskThatFails(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	d.fails = true
	g := open(policy(t), d, c)
	require.True(t, g.Take(read).Allowed)
	assert.Equal(t, 98, g.Ask(read).Left)
	got := g.Take(wake)
	assert.False(t, got.Allowed)
	assert.Equal(t, NoRecord, got.Rule)
	assert.Zero(t, got.Until, "who knows when there is room again")
}

// What is lost counts as spent: wakes, calls and logins wait for the next day.
func TestDamagedRecordsCountAsSpent(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	g := open(policy(t), d, c)
	require.True(t, g.Take(wake).Allowed)
	d.damage()
	c.t = c.t.Add(time.Hour)
	for range 2 { // also after one more restart
		g = open(policy(t), d, c)
		assert.Equal(t, CallsPerDay, g.Take(read).Rule)
		assert.Equal(t, LoginsPerDay, g.Take(Request{Class: Login}).Rule)
		assert.Equal(t, WakeInterval, g.Take(wake).Rule)
	}
	c.t = c.t.Add(time.Hour)
	assert.Equal(t, WakesPerDay, g.Take(wake).Rule)
	c.t = c.t.Add(24 * time.Hour)
	g = open(policy(t), d, c)
	assert.True(t, g.Take(read).Allowed)
	assert.True(t, g.Take(wake).Allowed)
}

func TestQuietHours(t *testing.T) {
	t.Parallel()
	h := time.Hour
	at := func(text string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", text, berlin(t))
		require.NoError(t, err)
		return v
	}
	night := Quiet{From: 22 * h, To: 6*h + 30*time.Minute}
	weekend := Quiet{Days: []time.Weekday{time.Friday, time.Saturday}, From: 23 * h, To: 9 * h, Reads: true}
	for name, tc := range map[string]struct {
		quiet []Quiet
		class Class
		at    string
		until string // empty: not quiet
	}{
		"none":                         {nil, Wake, "2026-07-01 23:00", ""},
		"before":                       {[]Quiet{night}, Wake, "2026-07-01 21:59", ""},
		"begin":                        {[]Quiet{night}, Wake, "2026-07-01 22:00", "2026-07-02 06:30"},
		"after midnight":               {[]Quiet{night}, Wake, "2026-07-02 00:10", "2026-07-02 06:30"},
		"end":                          {[]Quiet{night}, Wake, "2026-07-02 06:30", ""},
		"reads go on":                  {[]Quiet{night}, Read, "2026-07-02 00:10", ""},
		"Friday night":                 {[]Quiet{weekend}, Read, "2026-07-03 23:30", "2026-07-04 09:00"},
		"Saturday morning is Friday's": {[]Quiet{weekend}, Read, "2026-07-04 08:00", "2026-07-04 09:00"},
		"Sunday morning":               {[]Quiet{weekend}, Wake, "2026-07-05 08:00", "2026-07-05 09:00"},
		"Sunday night":                 {[]Quiet{weekend}, Wake, "2026-07-05 23:30", ""},
		"one ends in the other":        {[]Quiet{night, weekend}, Wake, "2026-07-04 01:00", "2026-07-04 09:00"},
		"noon":                         {[]Quiet{{From: 12 * h, To: 13 * h}}, Wake, "2026-07-04 12:30", "2026-07-04 13:00"},
		"a whole day":                  {[]Quiet{{Days: []time.Weekday{time.Sunday}, From: 0, To: 0}}, Wake, "2026-07-05 15:00", "2026-07-06 00:00"},
		// Summer time begins on 2026-03-29 at 2:00 and ends on 2026-10-25 at 3:00.
		"spring, over the change":      {[]Quiet{{From: 1 * h, To: 4 * h}}, Wake, "2026-03-29 03:30", "2026-03-29 04:00"},
		"spring, ends in the gap":      {[]Quiet{{From: 1 * h, To: 2*h + 30*time.Minute}}, Wake, "2026-03-29 01:30", "2026-03-29 03:00"},
		"spring, after the gap":        {[]Quiet{{From: 1 * h, To: 2*h + 30*time.Minute}}, Wake, "2026-03-29 03:10", ""},
		"spring, the night before it":  {[]Quiet{{From: 22 * h, To: 2*h + 30*time.Minute}}, Wake, "2026-03-28 23:00", "2026-03-29 03:00"},
		"spring, begins in the gap":    {[]Quiet{{From: 2*h + 30*time.Minute, To: 6 * h}}, Wake, "2026-03-29 03:10", "2026-03-29 06:00"},
		"autumn, the hour comes twice": {[]Quiet{{From: 1 * h, To: 4 * h}}, Wake, "2026-10-25 02:30", "2026-10-25 04:00"},
	} {
		until, quiet := Policy{Quiet: tc.quiet}.quiet(at(tc.at), tc.class)
		assert.Equal(t, tc.until != "", quiet, name)
		if tc.until != "" {
			assert.Equal(t, at(tc.until), until, name)
		}
	}
	// The hour that comes twice is quiet twice.
	first := time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC).In(berlin(t)) // 2:00 in summer time
	twice := Policy{Quiet: []Quiet{{From: 2 * h, To: 2*h + 30*time.Minute}, {From: 2*h + 40*time.Minute, To: 6 * h}}}
	for after, want := range map[time.Duration]bool{
		0: true, 29 * time.Minute: true, 35 * time.Minute: false, 45 * time.Minute: true, 61 * time.Minute: true,
		90 * time.Minute: false, 100 * time.Minute: true, 4 * h: true, 5 * h: false,
	} {
		_, quiet := twice.quiet(first.Add(after), Wake)
		assert.Equal(t, want, quiet, after)
	}
	always := []Quiet{{From: 0, To: 0}}
	until, quiet := Policy{Quiet: always}.quiet(at("2026-07-01 12:00"), Wake)
	assert.True(t, quiet)
	assert.Greater(t, until.Sub(at("2026-07-01 12:00")), 7*24*time.Hour)
}

// The hours are those of the car's own clock.
func TestQuietHoursInTheCarsZone(t *testing.T) {
	t.Parallel()
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	require.NoError(t, err)
	c := noon(t)
	p := policy(t)
	p.Quiet = []Quiet{{From: 22 * time.Hour, To: 6 * time.Hour}}
	g := open(p, newDisk(), c)
	c.t = time.Date(2026, 7, 1, 22, 30, 0, 0, berlin(t))
	assert.Equal(t, QuietHours, g.Ask(wake).Rule)
	there := wake
	there.Zone = lisbon
	assert.Empty(t, g.Ask(there).Rule, "it is half past nine there")
}

// TestAgain: a wake whose session had ended goes out once more, and is one wake; but
// what has become of the time meanwhile holds.
func TestAgain(t *testing.T) {
	t.Parallel()
	c := noon(t)
	p := policy(t)
	p.Quiet = []Quiet{{From: 22 * time.Hour, To: 6 * time.Hour}}
	g := open(p, newDisk(), c)
	require.True(t, g.Take(wake).Allowed)
	again := wake
	again.Again = true
	for range p.WakesPerDay {
		require.True(t, g.Take(again).Allowed)
	}
	assert.Equal(t, 100-7*(1+p.WakesPerDay), g.Ask(read).Left, "each is a request")
	c.t = c.t.Add(p.WakeInterval)
	assert.True(t, g.Ask(wake).Allowed, "but not a wake of the day")
	c.t = c.t.Add(10 * time.Hour)
	assert.Equal(t, QuietHours, g.Take(again).Rule)
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
				if g.Take(Request{Class: Read, Vehicle: car}).Allowed {
					allowed.Add(1)
				}
			})
		}
		close(begin)
		all.Wait()
		require.EqualValues(t, 1, allowed.Load())
	}
}

// A clock that is set back gives nothing back and takes no more than the rules do, whatever
// the distance, and over restarts.
func TestClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	for _, back := range []time.Duration{time.Hour, 20 * time.Hour, 6 * 24 * time.Hour, 8 * 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
		c, d := noon(t), newDisk()
		g := open(policy(t), d, c)
		for range 4 {
			require.True(t, g.Take(wake).Allowed)
			g.Take(Request{Class: Login})
			c.t = c.t.Add(10 * time.Minute)
		}
		g.Close()
		c.t = c.t.Add(-back)
		var until time.Time
		for _, g := range []*Gate{g, open(policy(t), d, c)} {
			login := g.Ask(Request{Class: Login})
			assert.Equal(t, LoginsPerDay, login.Rule, back)
			until = login.Until
			assert.LessOrEqual(t, until.Sub(c.t), 48*time.Hour, back)
			assert.Equal(t, 69, g.Ask(read).Left, back)
			assert.Equal(t, WakeInterval, g.Take(wake).Rule, "the interval begins now")
		}
		c.t = c.t.Add(10 * time.Minute)
		assert.Equal(t, WakesPerDay, open(policy(t), d, c).Take(wake).Rule, back)
		c.t = until
		g = open(policy(t), d, c)
		assert.True(t, g.Take(wake).Allowed, back)
		assert.Equal(t, 93, g.Ask(read).Left, back)
		assert.True(t, g.Take(Request{Class: Login}).Allowed, back)
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
		require.True(t, g.Take(wake).Allowed)
		c.t = c.t.Add(10 * time.Minute)
	}
	g.Close()
	c.t = right.AddDate(-3, 0, 0)
	assert.Equal(t, 72, open(policy(t), d, c).Ask(read).Left)
	c.t = right.Add(time.Hour)
	g = open(policy(t), d, c)
	assert.Equal(t, 72, g.Ask(read).Left)
	assert.Equal(t, WakesPerDay, g.Take(wake).Rule)
}

// That a car was plugged in counts for some hours, not for ever.
func TestAPlugThatNobodyHasSeenSince(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	g := open(policy(t), d, c)
	low := 30.0
	g.Observe("a", Facts{Aux: &low, PluggedIn: true})
	require.True(t, g.Ask(wake).Allowed)
	c.t = c.t.Add(5 * time.Hour)
	require.True(t, g.Ask(wake).Allowed)
	c.t = c.t.Add(time.Hour)
	assert.Equal(t, AuxBattery, g.Ask(wake).Rule)
	assert.Equal(t, AuxBattery, open(policy(t), d, c).Ask(wake).Rule)
	g.Observe("a", Facts{Aux: &low, PluggedIn: true})
	assert.True(t, g.Ask(wake).Allowed)
}

// TestDiskThatIsFull: what a snapshot tells of the battery counts all the same.
func TestDiskThatIsFull(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	g := open(policy(t), d, c)
	require.True(t, g.Take(wake).Allowed)
	d.fails = true
	low := 40.0
	g.Observe("a", Facts{Aux: &low})
	c.t = c.t.Add(time.Hour)
	assert.Equal(t, AuxBattery, g.Ask(wake).Rule)
	assert.Equal(t, AuxBattery, g.Take(wake).Rule)
}

// TestWakesOfAnotherProcess are not given back by what this one reads.
func TestWakesOfAnotherProcess(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	one, two := open(policy(t), d, c), open(policy(t), d, c)
	require.True(t, one.Ask(wake).Allowed)
	for range 4 {
		require.True(t, two.Take(wake).Allowed)
		c.t = c.t.Add(10 * time.Minute)
	}
	low := 40.0
	one.Observe("a", Facts{Aux: &low, PluggedIn: true})
	one.Observe("a", Facts{Aux: &low})
	one.Observe("a", Facts{Aux: &low, PluggedIn: true})
	assert.Equal(t, WakesPerDay, open(policy(t), d, c).Take(wake).Rule)
}

// What reads cost of the disk, and what a crash costs of the budget.
func TestReadsAreReservedInBlocks(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	p := Policy{CallsPerDay: 100}
	g := open(p, d, c)
	for range 45 {
		require.True(t, g.Take(read).Allowed)
	}
	assert.LessOrEqual(t, d.writes, 8)
	assert.Equal(t, 55, g.Ask(read).Left, "of what is reserved nothing is spent")

	crashed := open(p, d, c)
	assert.LessOrEqual(t, crashed.Ask(read).Left, 55)
	assert.GreaterOrEqual(t, crashed.Ask(read).Left, 55-55/share-1)
	g.Close()
	assert.Equal(t, 55, open(p, d, c).Ask(read).Left, "who ends well gives back the rest")
}

// Two processes together never spend more than there is.
func TestTwoProcessesSpendOneBudget(t *testing.T) {
	t.Parallel()
	c, d := noon(t), newDisk()
	p := Policy{CallsPerDay: 100}
	gates, sent := []*Gate{open(p, d, c), open(p, d, c)}, 0
	for i := range 400 {
		if gates[i/7%2].Take(read).Allowed {
			sent++
		}
	}
	assert.LessOrEqual(t, sent, 100)
	assert.Greater(t, sent, 90)
}
