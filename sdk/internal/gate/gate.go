package gate

import (
	"log/slog"
	"sync"
	"time"
)

// Class of a call.
type Class string

// The classes.
const (
	// Login with a password.
	Login Class = "login"
	// Renewal of a session. It is counted, never refused.
	Renewal Class = "renewal"
	// List of the account's cars.
	List Class = "list"
	// Read of the cloud's copy of a car.
	Read Class = "read"
	// Wake of a car.
	Wake Class = "wake"
)

// Rule is why a call is refused.
type Rule string

// The rules, in the order in which they are looked at.
const (
	QuietHours   Rule = "quiet_hours"
	AuxBattery   Rule = "aux_battery"
	AuxTrend     Rule = "aux_trend"
	WakeInterval Rule = "wake_interval"
	WakesPerDay  Rule = "wakes_per_day"
	NoRecord     Rule = "no_record"
	LoginsPerDay Rule = "logins_per_day"
	CallsPerDay  Rule = "calls_per_day"
)

// Policy is what is allowed. Zero values: no such rule.
type Policy struct {
	// CallsPerDay of the account, weighed by Prices; of these Reserve are kept
	// for calls that people ask for.
	CallsPerDay, Reserve int
	// Prices are how many of the vendor's requests a call stands for. Default 1.
	Prices map[Class]int
	// Metered: Requested counts what truly goes out; a price is only kept free while
	// its call is under way.
	Metered bool
	// LoginsPerDay of the account.
	LoginsPerDay int
	// WakesPerDay of a car, WakeInterval apart.
	WakesPerDay  int
	WakeInterval time.Duration
	// AuxStop is the charge in percent below which the 12 V battery forbids wakes,
	// AuxResume the one that allows them again.
	AuxStop, AuxResume float64
	// Quiet hours.
	Quiet []Quiet
	// Zone and ResetAt say when the vendor's day begins: so long after midnight.
	Zone    *time.Location
	ResetAt time.Duration
}

// Docs keep documents.
type Docs interface {
	Get(name string, v any) (bool, error)
	// Put survives a loss of power, Keep the end of the process.
	Put(name string, v any) error
	Keep(name string, v any) error
}

// Options of New.
type Options struct {
	Policy Policy
	Docs   Docs
	// Logger hears of documents that cannot be read or written. What they hold
	// still counts in this process.
	Logger *slog.Logger
	Now    func() time.Time
}

// Request is a call that wants to go out.
type Request struct {
	Class Class
	// Vehicle is the car's id; empty for calls about the account.
	Vehicle string
	// Zone of the car; nil: the policy's.
	Zone *time.Location
	// Background: nobody waits for it, so the reserve is not for it.
	Background bool
	// Override: somebody wants it in spite of every rule.
	Override bool
	// Again: it was taken, but the vendor refused the session that it came with, so
	// it goes out once more. What depends on the time is looked at again; it is the
	// same wake.
	Again bool
}

// Decision about a request.
type Decision struct {
	Allowed bool
	// Rule that refuses it, or that was overridden; empty: none.
	Rule Rule
	// Until is when that rule may allow it; zero: nobody knows.
	Until time.Time
	// Price in requests, and how many are left for it today before it; -1: there
	// is no limit.
	Price, Left int
}

// Gate of one account. Safe for concurrent use.
type Gate struct {
	o Options

	mu     sync.Mutex
	ledger ledger
	// held is what the calls under way may cost, if the policy is metered.
	held int
	cars map[string]*car
}

// New returns a gate that takes up what is on disk.
func New(o Options) *Gate {
	if o.Policy.Zone == nil {
		o.Policy.Zone = time.UTC
	}
	g := &Gate{o: o, cars: map[string]*car{}}
	if err := g.ledger.read(g); err != nil {
		o.Logger.Error("the day's calls cannot be read, and count as spent", "error", err)
		g.ledger.exhaust(g)
	}
	return g
}

// Ask decides without acting.
func (g *Gate) Ask(r Request) Decision {
	c := g.car(r.Vehicle)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := g.o.Now()
	c.settle(g, now)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.decide(c, r, now)
}

// Take decides, and counts the call if it may go. It is on disk before Take
// returns.
func (g *Gate) Take(r Request) Decision {
	c := g.car(r.Vehicle)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := g.o.Now()
	if r.Class == Wake {
		c.catchUp(g)
	}
	c.settle(g, now)
	d := g.decideAndSpend(c, r, now)
	if d.Allowed && r.Class == Wake {
		if err := c.woken(g, now, r.Again); err != nil {
			// A restart would know nothing of it, and wake the car again.
			g.o.Logger.Error("a car's wake cannot be stored, so it is not woken", "error", err)
			d.Allowed, d.Rule, d.Until = false, NoRecord, time.Time{}
			g.Done(r.Class)
		}
	}
	return d
}

// decideAndSpend is one step, so that what is left is given to one call only.
// Called with the car's lock held.
func (g *Gate) decideAndSpend(c *car, r Request, now time.Time) Decision {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ledger.ready(g, g.price(r.Class), r.Class == Login, now)
	d := g.decide(c, r, now)
	if d.Allowed {
		g.spend(r.Class)
		g.hold(r.Class, 1)
	}
	return d
}

// Done ends a call that was taken. Logins need no end: there is one at a time.
func (g *Gate) Done(class Class) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hold(class, -1)
}

// hold keeps what a call may cost while it is under way, where its requests are
// counted only as they go out: else many calls would find the same rest of the day.
// Called with the gate's lock held.
func (g *Gate) hold(class Class, calls int) {
	if g.o.Policy.Metered && class != Login {
		g.held += calls * g.price(class)
	}
}

// Spend counts a call that goes out in any case.
func (g *Gate) Spend(class Class) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ledger.ready(g, g.price(class), class == Login, g.o.Now())
	g.spend(class)
}

// Requested counts one request, if the policy is metered.
func (g *Gate) Requested() {
	if g.o.Policy.Metered {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.ledger.ready(g, 1, false, g.o.Now())
		g.ledger.spend(g, 1, false)
	}
}

// spend is called with the gate's lock held.
func (g *Gate) spend(class Class) {
	price := g.price(class)
	if g.o.Policy.Metered {
		price = 0
	}
	g.ledger.spend(g, price, class == Login)
}

// decide is called with the car's lock and the gate's held.
func (g *Gate) decide(c *car, r Request, now time.Time) Decision {
	d := Decision{Allowed: true, Price: g.price(r.Class), Left: -1}
	refuse := func(rule Rule, until time.Time) {
		if d.Rule == "" {
			d.Rule, d.Until, d.Allowed = rule, until, r.Override
		}
	}
	zone := r.Zone
	if zone == nil {
		zone = g.o.Policy.Zone
	}
	if r.Class == Wake || r.Class == Read {
		if until, quiet := g.o.Policy.quiet(now.In(zone), r.Class); quiet {
			refuse(QuietHours, until)
		}
	}
	if r.Class == Wake {
		g.decideWake(c, r, now, refuse)
	}
	g.ledger.turn(g, now)
	p := g.o.Policy
	if r.Again {
		return d
	}
	if r.Class == Login && p.LoginsPerDay > 0 && g.ledger.Logins >= p.LoginsPerDay {
		refuse(LoginsPerDay, g.ledger.end(g))
	}
	if p.CallsPerDay > 0 {
		d.Left = max(0, p.CallsPerDay-g.ledger.used()-g.held)
		if r.Background {
			d.Left = max(0, d.Left-p.Reserve)
		}
		// A call may be dearer than what is left: the price is an estimate, and the
		// last ones of a day are not lost.
		if d.Left == 0 {
			refuse(CallsPerDay, g.ledger.end(g))
		}
	}
	return d
}

func (g *Gate) decideWake(c *car, r Request, now time.Time, refuse func(Rule, time.Time)) {
	p := g.o.Policy
	switch low, falling := c.auxLow(now), c.auxFalling(p, now); {
	case low:
		refuse(AuxBattery, time.Time{})
	case falling:
		refuse(AuxTrend, time.Time{})
	}
	if r.Again {
		return
	}
	if until, soon := c.tooSoon(p, now); soon {
		refuse(WakeInterval, until)
	}
	if c.Wakes >= p.WakesPerDay && p.WakesPerDay > 0 {
		refuse(WakesPerDay, c.end(g))
	}
}

// Close gives back to the disk what was reserved there and not spent.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ledger.flush(g)
}

// Reset is when the vendor's next day begins.
func (g *Gate) Reset() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ledger.turn(g, g.o.Now())
	return g.ledger.end(g)
}

func (g *Gate) price(class Class) int {
	if price := g.o.Policy.Prices[class]; price > 0 {
		return price
	}
	return 1
}

// today names the vendor's day.
func (g *Gate) today(now time.Time) string {
	return now.In(g.o.Policy.Zone).Add(-g.o.Policy.ResetAt).Format(time.DateOnly)
}

// endOfDay is when the day of a name ends.
func (g *Gate) endOfDay(day string) time.Time {
	begin, err := time.ParseInLocation(time.DateOnly, day, g.o.Policy.Zone)
	if err != nil {
		return time.Time{}
	}
	return begin.AddDate(0, 0, 1).Add(g.o.Policy.ResetAt)
}

// car returns what is known of a car; for none an empty one.
func (g *Gate) car(id string) *car {
	g.mu.Lock()
	defer g.mu.Unlock()
	if id == "" {
		return &car{}
	}
	c, known := g.cars[id]
	if !known {
		c = &car{doc: carDoc(id)}
		if stored, err := c.stored(g); err != nil {
			g.o.Logger.Error("a car's wakes cannot be read, and count as spent", "error", err)
			c.exhaust(g)
		} else {
			c.carState = stored
		}
		g.cars[id] = c
	}
	return c
}
