package gate

import (
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// year is what has truly happened, kept without the gate.
type year struct {
	calls, logins map[string]int // by the vendor's day
	wakes         map[string]int // by car and day
	last          map[string]time.Time
	low           map[string]bool // below the lower threshold, and not above the upper one since
	powered       map[string]bool
	// unsure: the process was killed while it took down what is told of the battery.
	unsure map[string]bool
	km     float64
}

// TestAYear: random commands, readings, restarts and kills, also before and after every
// write of the disk, never exceed a budget, never wake in quiet hours, and never below the
// 12 V threshold. A call that is refused until a time is allowed then,
// unless the 12 V battery is low.
func TestAYear(t *testing.T) {
	zone := berlin(t)
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{
			CallsPerDay: rapid.IntRange(20, 200).Draw(t, "calls"), LoginsPerDay: 3, WakesPerDay: rapid.IntRange(1, 10).Draw(t, "wakes"),
			WakeInterval: time.Duration(rapid.IntRange(1, 120).Draw(t, "interval")) * time.Minute, AuxStop: 60, AuxResume: 75,
			Prices: map[Class]int{Wake: 7, Read: 2}, Zone: zone, ResetAt: 5 * time.Minute,
			Quiet: []Quiet{{From: 22 * time.Hour, To: 6 * time.Hour}},
		}
		p.Reserve = p.CallsPerDay / 5
		c, d := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, zone)}, newDisk()
		g := open(p, d, c)
		y := year{
			calls: map[string]int{}, logins: map[string]int{}, wakes: map[string]int{},
			last: map[string]time.Time{}, low: map[string]bool{}, powered: map[string]bool{}, unsure: map[string]bool{},
		}
		// Days of many commands, and days of none.
		step := time.Duration(rapid.IntRange(150, 600).Draw(t, "step")) * time.Minute
		random := rapid.Uint64().Draw(t, "seed")
		next := func(n uint64) uint64 { // cheap, and the same for a seed
			random = random*6364136223846793005 + 1442695040888963407
			return (random >> 33) % n
		}
		end := c.t.AddDate(0, months(), 0)
		for i := 0; c.t.Before(end); i++ {
			c.t = c.t.Add(time.Duration(next(uint64(2*step/time.Second))+1) * time.Second)
			car := fmt.Sprint("car ", next(3))
			if !d.alive(func() { y.step(t, g, c, car, next) }) || next(10) == 0 {
				g = open(p, d, c) // killed: nothing was flushed
				d.killIn = int(next(4))
			}
		}
	})
}

// step is one thing that happens. The process may be killed in it.
func (y *year) step(t *rapid.T, g *Gate, c *clock, car string, next func(uint64) uint64) {
	switch next(9) {
	case 0, 1:
		aux := float64(next(140))
		y.km += float64(next(20)) / 20
		f := Facts{Aux: &aux, PluggedIn: next(5) == 0, Running: next(10) == 0, Odometer: y.km}
		unsure := y.unsure[car]
		y.unsure[car] = true // until it is remembered
		g.Observe(car, f)
		y.observed(car, f, unsure)
	case 2:
		if r := (Request{Class: Login}); g.take(r).Allowed {
			y.did(t, g.o.Policy, r, c.t)
		}
	default:
		r := Request{Class: Read, Vehicle: car, Background: next(2) == 0}
		if next(2) == 0 {
			r.Class = Wake
		}
		asked := g.ask(r)
		got := g.take(r)
		switch {
		case asked != got:
			t.Fatalf("asked it says %+v, taken %+v", asked, got)
		case got.Allowed:
			y.did(t, g.o.Policy, r, c.t)
		case got.Until.IsZero():
			if r.Class != Wake || !y.low[car] && !y.unsure[car] {
				t.Fatalf("%s refuses without an end", got.Rule)
			}
		case !got.Until.After(c.t):
			t.Fatalf("%s refuses until %s, which is past", got.Rule, got.Until)
		case next(4) == 0: // who waits
			c.t = got.Until.In(g.o.Policy.Zone)
			then := g.take(r)
			low := then.Rule == AuxBattery && (y.low[car] || y.unsure[car]) // that has no time
			if !then.Allowed && !low {
				t.Fatalf("%s refused until %s, when %s refuses until %s", got.Rule, got.Until, then.Rule, then.Until)
			}
			if then.Allowed {
				y.did(t, g.o.Policy, r, c.t)
			}
		}
	}
}

// observed is what has been taken down of a car; unsure: nobody knows what stood there
// before.
func (y *year) observed(car string, f Facts, unsure bool) {
	y.powered[car] = f.PluggedIn || f.Running
	switch aux := *f.Aux; {
	case aux > 0 && aux < 60:
		y.low[car], unsure = true, false
	case aux >= 75 && aux <= 100:
		y.low[car], unsure = false, false
	}
	y.unsure[car] = unsure
}

// months of a simulated year: make soak has all of them.
func months() int {
	if os.Getenv("SOAK") != "" {
		return 12
	}
	return 3
}

// did checks a call that was allowed.
func (y *year) did(t *rapid.T, p Policy, r Request, now time.Time) {
	day := now.Add(-p.ResetAt).Format(time.DateOnly)
	price := p.price(r.Class)
	if y.calls[day] >= p.CallsPerDay {
		t.Fatalf("call %d of %s", y.calls[day], day)
	}
	if r.Background && y.calls[day] >= p.CallsPerDay-p.Reserve {
		t.Fatalf("the reserve of %s is used up in the background", day)
	}
	y.calls[day] += price
	switch r.Class {
	case Login:
		if y.logins[day]++; y.logins[day] > p.LoginsPerDay {
			t.Fatalf("%d logins on %s", y.logins[day], day)
		}
	case Wake:
		if y.wakes[r.Vehicle+day]++; y.wakes[r.Vehicle+day] > p.WakesPerDay {
			t.Fatalf("%d wakes of %s on %s", y.wakes[r.Vehicle+day], r.Vehicle, day)
		}
		if last, ok := y.last[r.Vehicle]; ok && now.Sub(last) < p.WakeInterval-time.Millisecond {
			t.Fatalf("%s is woken after %s", r.Vehicle, now.Sub(last))
		}
		y.last[r.Vehicle] = now
		if h := now.Hour(); h >= 22 || h < 6 {
			t.Fatalf("%s is woken at %s", r.Vehicle, now)
		}
		if y.low[r.Vehicle] && !y.powered[r.Vehicle] && !y.unsure[r.Vehicle] {
			t.Fatalf("%s is woken although its 12 V battery is low", r.Vehicle)
		}
	}
}
