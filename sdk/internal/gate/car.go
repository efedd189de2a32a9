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
	c.day, c.Wakes, c.LastWake = day{Day: g.o.Policy.today(now)}, g.o.Policy.WakesPerDay, now.UnixMilli()
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
	begun, news := c.turn(&g.o.Policy, now)
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
