package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"
)

// car is what has to be known of a car to decide about its wakes.
type car struct {
	doc string
	mu  sync.Mutex
	carState
}

// carState is the stored form.
type carState struct {
	// Wakes of the day.
	day
	Wakes int `json:"wakes,omitempty"`
	// LastWake in Unix milliseconds.
	LastWake int64 `json:"last_wake,omitempty"`
	// Low: the 12 V battery was below the lower threshold, and not above the
	// upper one since.
	Low bool `json:"low,omitempty"`
	// Powered: when it was last heard of, the car was plugged in or driving, so
	// that a wake costs the 12 V battery nothing.
	Powered bool `json:"powered,omitempty"`
	// Heard is when that was, in Unix milliseconds: it may have been unplugged since.
	Heard int64 `json:"heard,omitempty"`
	// Levels of the 12 V battery while the car stood, the lowest of each day, the
	// newest last; Odometer as of then.
	Levels   []level `json:"levels,omitempty"`
	Odometer float64 `json:"odometer,omitempty"`
}

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
}

const (
	// maxLevels bounds how many days are looked back on.
	maxLevels = 10
	// trendDays is how many days make a trend, horizon how far it is drawn on.
	trendDays, horizon = 3, 1
)

// carDoc names a car's document without naming the car.
func carDoc(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "gate-" + hex.EncodeToString(sum[:8])
}

// stored is what this process or another one of the account has kept.
func (c *car) stored(g *Gate) (carState, error) {
	var stored carState
	_, err := g.o.Docs.Get(c.doc, &stored)
	return stored, err
}

// exhaust takes it that the car was woken now, and as often as it may be today.
func (c *car) exhaust(g *Gate) {
	now := g.o.Now()
	c.day, c.Wakes, c.LastWake = day{Day: g.today(now)}, g.o.Policy.WakesPerDay, now.UnixMilli()
	c.store(g, g.o.Docs.Put)
}

// store keeps the state with save, one of the documents' ways.
func (c *car) store(g *Gate, save func(name string, v any) error) {
	if err := save(c.doc, c.carState); err != nil {
		g.o.Logger.Warn("a car's wake cannot be stored", "error", err)
	}
}

// catchUp takes up the wakes that another process of the account has counted since.
// Of the battery each knows what it has read itself. Called with the car's lock held.
func (c *car) catchUp(g *Gate) {
	stored, err := c.stored(g)
	if err != nil {
		g.o.Logger.Warn("a car's wakes cannot be read", "error", err)
		return
	}
	if stored.LastWake > c.LastWake {
		c.day, c.Wakes, c.LastWake = stored.day, stored.Wakes, stored.LastWake
	}
}

// settle begins another day if there is one, and lets the interval of a wake that lies
// ahead begin now: the clock was set back. Called with the car's lock held.
func (c *car) settle(g *Gate, now time.Time) {
	begun, news := c.turn(g, now)
	if begun {
		c.Wakes = 0
	}
	if time.UnixMilli(c.LastWake).After(now) {
		c.LastWake, news = now.UnixMilli(), true
	}
	if news {
		c.store(g, g.o.Docs.Keep)
	}
}

// woken counts a wake, on disk before it goes out; again: the last one that was counted
// goes out now. Called with the car's lock held.
func (c *car) woken(g *Gate, now time.Time, again bool) error {
	if !again || c.Wakes == 0 { // the day may have turned since
		c.Wakes++
	}
	c.LastWake = now.UnixMilli()
	return g.o.Docs.Put(c.doc, c.carState)
}

// tooSoon says until when the last wake forbids another.
func (c *car) tooSoon(p Policy, now time.Time) (until time.Time, soon bool) {
	if c.LastWake == 0 || p.WakeInterval <= 0 {
		return until, false
	}
	until = time.UnixMilli(c.LastWake).Add(p.WakeInterval)
	return until, now.Before(until)
}

// poweredFor is how long it counts that a car was plugged in or driving.
const poweredFor = 6 * time.Hour

func (c *car) powered(now time.Time) bool {
	return c.Powered && now.Sub(time.UnixMilli(c.Heard)).Abs() < poweredFor
}

func (c *car) auxLow(now time.Time) bool { return c.Low && !c.powered(now) }

// auxFalling says whether the levels of the last days lead below the threshold
// within a day.
func (c *car) auxFalling(p Policy, now time.Time) bool {
	n := len(c.Levels)
	if p.AuxStop <= 0 || c.powered(now) || n < trendDays {
		return false
	}
	first, last := c.Levels[0], c.Levels[n-1]
	days := daysBetween(first.Day, last.Day)
	if days < trendDays-1 || now.Sub(dayOf(last.Day)) > 3*24*time.Hour {
		return false
	}
	slope := (last.Min - first.Min) / days
	return slope < 0 && last.Min+slope*horizon < p.AuxStop
}

func dayOf(day string) time.Time {
	t, _ := time.Parse(time.DateOnly, day) // written by us
	return t
}

func daysBetween(from, to string) float64 { return dayOf(to).Sub(dayOf(from)).Hours() / 24 }

// Observe takes what a snapshot of a car tells.
func (g *Gate) Observe(id string, f Facts) {
	p := g.o.Policy
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
			c.note(g.today(g.o.Now()), *f.Aux)
		}
	}
	if c.worthTheDisk(before, p) {
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
func (c *car) worthTheDisk(before carState, p Policy) bool {
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
