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
}

// TestAYear: random commands, readings, restarts and kills never exceed a budget,
// never wake in quiet hours, and never below the 12 V threshold.
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
			last: map[string]time.Time{}, low: map[string]bool{}, powered: map[string]bool{},
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
			switch next(10) {
			case 0:
				g = open(p, d, c) // killed: nothing was flushed
			case 1, 2:
				aux := float64(next(140))
				f := Facts{Aux: &aux, PluggedIn: next(5) == 0, Running: next(10) == 0, Odometer: float64(i / 50)}
				g.Observe(car, f)
				y.powered[car] = f.PluggedIn || f.Running
				if aux > 0 && aux <= 100 {
					y.low[car] = aux < 60 || y.low[car] && aux < 75
				}
			case 3:
				if r := (Request{Class: Login}); g.Take(r).Allowed {
					y.did(t, g, p, r, c.t)
				}
			default:
				r := Request{Class: Read, Vehicle: car, Background: next(2) == 0}
				if next(2) == 0 {
					r.Class = Wake
				}
				asked := g.Ask(r)
				got := g.Take(r)
				if asked != got {
					t.Fatalf("asked it says %+v, taken %+v", asked, got)
				}
				if got.Allowed {
					y.did(t, g, p, r, c.t)
				} else if !got.Until.IsZero() && !got.Until.After(c.t) {
					t.Fatalf("%s refuses until %s, which is past", got.Rule, got.Until)
				}
			}
		}
	})
}

// months of a simulated year: make soak has all of them.
func months() int {
	if os.Getenv("SOAK") != "" {
		return 12
	}
	return 3
}

// did checks a call that was allowed.
func (y *year) did(t *rapid.T, g *Gate, p Policy, r Request, now time.Time) {
	day := now.Add(-p.ResetAt).Format(time.DateOnly)
	price := g.price(r.Class)
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
		if y.low[r.Vehicle] && !y.powered[r.Vehicle] {
			t.Fatalf("%s is woken although its 12 V battery is low", r.Vehicle)
		}
	}
}
