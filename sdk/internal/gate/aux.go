package gate

import "time"

// level of a 12 V battery on a day, in percent.
type level struct {
	Day string  `json:"day"`
	Min float64 `json:"min"`
}

// Facts of a car that a snapshot tells.
type Facts struct {
	// Aux is the charge of the 12 V battery in percent; nil: unknown.
	Aux *float64
	// PluggedIn, Charging, Running: so far as they are known.
	PluggedIn, Charging, Running bool
	// Odometer in km; 0: unknown.
	Odometer float64
	// ObservedAt is the car's own time of all that.
	ObservedAt time.Time
}

// used: it is driven or charged now.
func (f Facts) used() bool { return f.Running || f.Charging }

const (
	// maxLevels bounds how many days are looked back on.
	maxLevels = 10
	// trendDays is how many days make a trend, horizon how far it is drawn on.
	trendDays, horizon = 3, 1
	// trendHolds is how long one counts that ends on a day.
	trendHolds = 3 * 24 * time.Hour
)

// poweredFor is how long it counts that a car was plugged in or driving.
const poweredFor = 6 * time.Hour

func (c *carState) powered(now time.Time) bool {
	return c.Powered && now.Sub(time.UnixMilli(c.Heard)).Abs() < poweredFor
}

func (c *carState) auxLow(now time.Time) bool { return c.Low && !c.powered(now) }

// auxFalling says whether the levels of the last days lead below the threshold
// within a day, and until when that counts if there is no other.
func (c *carState) auxFalling(p *Policy, now time.Time) (until time.Time, falling bool) {
	n := len(c.Levels)
	if p.AuxStop <= 0 || c.powered(now) || n < trendDays {
		return until, false
	}
	first, last := c.Levels[0], c.Levels[n-1]
	days := daysBetween(first.Day, last.Day)
	until = dayOf(last.Day).Add(trendHolds)
	if days < trendDays-1 || !now.Before(until) {
		return until, false
	}
	slope := (last.Min - first.Min) / days
	return until, slope < 0 && last.Min+slope*horizon < p.AuxStop
}

func dayOf(day string) time.Time {
	t, _ := time.Parse(time.DateOnly, day) // written by us
	return t
}

func daysBetween(from, to string) float64 { return dayOf(to).Sub(dayOf(from)).Hours() / 24 }

// Observe takes what a snapshot of a car tells: of its 12 V battery, and whether it was
// used since it has refused wakes.
func (g *Gate) Observe(id string, f Facts) {
	g.closures.used(id, f)
	p := &g.o.Policy
	if p.AuxStop <= 0 {
		return
	}
	c := g.car(id)
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.carState
	c.Levels = append([]level(nil), c.Levels...)
	c.Powered, c.Heard = f.PluggedIn || f.Charging || f.Running, g.o.Now().UnixMilli()
	if c.Powered || f.Odometer > c.Odometer+1 {
		// It was, or is being, charged: a new time of standing begins.
		c.Levels = nil
	}
	c.Odometer = max(c.Odometer, f.Odometer)
	if plausible(f.Aux) {
		c.Low = *f.Aux < p.AuxStop || c.Low && *f.Aux < p.AuxResume
		if !c.Powered {
			c.note(p.today(g.o.Now()), *f.Aux)
		}
	}
	if c.worthTheDisk(before, p) {
		defer g.o.Docs.Lock()()
		c.catchUp(g)
		if err := g.o.Docs.Keep(c.doc, c.carState); err != nil {
			g.o.Logger.Warn("a car's 12 V battery cannot be remembered", "error", err)
		}
	}
}

// plausible: 0 and what is above 100 are how cars say that they do not know.
func plausible(aux *float64) bool { return aux != nil && *aux > 0 && *aux <= 100 }

// note keeps the lowest level of a day.
func (c *car) note(day string, aux float64) {
	n := len(c.Levels)
	switch {
	case n == 0 || c.Levels[n-1].Day < day:
		c.Levels = append(c.Levels, level{day, aux})
	case aux < c.Levels[n-1].Min:
		c.Levels[n-1].Min = aux
	}
	if len(c.Levels) > maxLevels {
		c.Levels = c.Levels[1:]
	}
}

// worthTheDisk says whether what has changed must outlive the process: a guard that
// was set or lifted, a level that is low or that follows another day's. The first
// level of a car that is well, and an odometer without levels, are not; a fleet that
// is read for the first time would cost a file each.
func (c *car) worthTheDisk(before carState, p *Policy) bool {
	n := len(c.Levels)
	switch {
	case c.Low != before.Low, c.Powered != before.Powered && (c.Low || len(before.Levels) > 0):
		return true
	case n == 0:
		return len(before.Levels) > 1
	case n == len(before.Levels) && c.Levels[n-1] == before.Levels[n-1]:
		return c.Odometer > before.Odometer+1
	}
	return n > 1 || c.Levels[0].Min < p.AuxResume
}
