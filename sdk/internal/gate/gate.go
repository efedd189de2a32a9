package gate

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Docs keep documents.
type Docs interface {
	Get(name string, v any) (bool, error)
	// Put survives a loss of power, Keep the end of the process.
	Put(name string, v any) error
	Keep(name string, v any) error
	// Lock keeps other processes from changing documents until unlock is called. It is
	// held for moments.
	Lock() (unlock func())
}

// Options of New. All are needed but Policy.
type Options struct {
	Policy Policy
	Docs   Docs
	// Account is the fingerprint of the credentials that the vendor's refusals belong
	// to, Build the plugin's version and the settings.
	Account, Build string
	// BreakerFailures in a row open the breaker for BreakerTimeout.
	BreakerFailures int
	BreakerTimeout  time.Duration
	// Cars is how many the account has. It must not call back.
	Cars func() int
	// Odometer of a car in km as it was last known; 0: it is not. It must not call back.
	Odometer func(vehicleID string) float64

	// Closed is told the refusal that closes the account, or nil. It must not call back.
	Closed func(*shared.APIError)
	// Circuit is told of changes of the breaker, with the context of the call that
	// brought them.
	Circuit func(ctx context.Context, from, to string)
	// Decided is told what was decided about each call that wanted to go out.
	Decided func(context.Context, Request, Decision)

	// Logger hears of documents that cannot be read or written. What they hold
	// still counts in this process.
	Logger *slog.Logger
	Now    func() time.Time
}

// Gate of one account. Safe for concurrent use.
type Gate struct {
	o        Options
	closures *closures
	breaker  *breaker

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
	o.Policy.dates = new(atomic.Pointer[date])
	g := &Gate{o: o, cars: map[string]*car{}, closures: newClosures(o), breaker: newBreaker(o)}
	if err := g.ledger.read(g); err != nil {
		o.Logger.Error("the day's calls cannot be read, and count as spent", "error", err)
		g.ledger.exhaust(g)
	}
	return g
}

// Ask decides without acting. Several requests, of one car, are calls of one refresh: the
// first that is refused decides, and Price is that of all.
func (g *Gate) Ask(ctx context.Context, rs ...Request) Decision {
	openUntil := g.breaker.openUntil(ctx)
	c := g.car(rs[0].Vehicle)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := g.o.Now()
	c.settle(g, now)
	closed := g.closures.inForce(now)
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.state(c, now)
	s.openUntil, s.closed = openUntil, closed
	return s.decide(now, rs...)
}

// Do makes a call, if it may go out, and learns from how it ends. A refusal is an error
// of package shared, see [Gate.Refusal]. ctx is the call's.
func (g *Gate) Do(ctx context.Context, r Request, call func() error) error {
	if err := g.vendorAllows(ctx, r); err != nil {
		return err
	}
	err := g.guarded(ctx, r, func() error {
		// Behind the breaker, so that what is not sent is not counted.
		d := g.take(r)
		if !d.Allowed {
			return g.refuse(ctx, r, d)
		}
		g.o.Decided(ctx, r, d)
		defer g.done(r.Class)
		return call()
	})
	// What a wake proves is known only when its answer is judged.
	if err != nil || r.Class != Wake {
		g.Note(r, err)
	}
	return err
}

// Guard is around the calls of a renewal, each of which is let out by Admit: to the
// breaker they are one.
func (g *Gate) Guard(ctx context.Context, calls func() error) error {
	r := Request{Class: Renewal}
	err := g.guarded(ctx, r, calls)
	if err != nil { // its callers may all have left
		g.Note(r, err)
	}
	return err
}

// guarded makes calls unless the breaker is open, and lets it know how they came out.
func (g *Gate) guarded(ctx context.Context, r Request, calls func() error) error {
	end, refused := g.breaker.allow(ctx, r)
	if refused != nil {
		return g.refuse(ctx, r, *refused)
	}
	err := errNoEnd
	defer func() { end(err) }()
	err = calls()
	return err
}

// Admit lets a call of a renewal out, or returns the refusal. The day's budget refuses
// only logins; the other calls are counted.
func (g *Gate) Admit(ctx context.Context, r Request) error {
	if err := g.vendorAllows(ctx, r); err != nil {
		return err
	}
	if r.Class != Login {
		g.count(r.Class)
		return nil
	}
	d := g.take(r)
	if !d.Allowed {
		return g.refuse(ctx, r, d)
	}
	g.o.Decided(ctx, r, d)
	return nil
}

// vendorAllows asks the first rule, before anything is spent.
func (g *Gate) vendorAllows(ctx context.Context, r Request) error {
	now := g.o.Now()
	s := state{policy: &g.o.Policy, closed: g.closures.inForce(now)}
	refused := vendorRefused(&s, r, now)
	if refused == nil {
		return nil
	}
	return g.refuse(ctx, r, Decision{Rule: VendorRefused, Until: refused.until, said: refused.said})
}

// refuse tells of a decision that allows nothing, and returns its error.
func (g *Gate) refuse(ctx context.Context, r Request, d Decision) error {
	g.o.Decided(ctx, r, d)
	return g.Refusal(r, d)
}

// take decides by our own rules, and counts the call if it may go. It is on disk before
// take returns.
func (g *Gate) take(r Request) Decision {
	c := g.car(r.Vehicle)
	c.mu.Lock()
	defer c.mu.Unlock()
	alone := r.Class == Wake || r.Class == Login
	if alone {
		defer g.o.Docs.Lock()()
	}
	now := g.o.Now()
	if r.Class == Wake {
		c.catchUp(g)
	}
	c.settle(g, now)
	var d Decision
	g.books(g.charge(r.Class), alone, func() { d = g.decideAndSpend(c, r, now) })
	if d.Allowed && r.Class == Wake {
		if err := c.woken(g, now, r.Again); err != nil {
			// A restart would know nothing of it, and wake the car again.
			g.o.Logger.Error("a car's wake cannot be stored, so it is not woken", "error", err)
			d.Allowed, d.Rule, d.Until = false, NoRecord, time.Time{}
			g.done(r.Class)
		}
	}
	return d
}

// books does something with the ledger, with the gate's lock held. Other processes are
// kept from it unless a charge is on disk already as ours; alone: they are kept out.
func (g *Gate) books(charge int, alone bool, do func()) {
	g.mu.Lock()
	if !alone && g.ledger.spare < charge {
		g.mu.Unlock()
		defer g.o.Docs.Lock()()
		g.mu.Lock()
	}
	defer g.mu.Unlock()
	do()
}

// charge is what a call costs before its requests are counted.
func (g *Gate) charge(class Class) int {
	if g.o.Policy.Metered {
		return 0
	}
	return g.o.Policy.price(class)
}

// decideAndSpend is one step, so that what is left is given to one call only.
// Called with the car's lock and the gate's held.
func (g *Gate) decideAndSpend(c *car, r Request, now time.Time) Decision {
	g.ledger.ready(g, g.o.Policy.price(r.Class), r.Class == Login, now)
	s := g.state(c, now)
	d := s.decide(now, r)
	if d.Allowed {
		g.ledger.spend(g, g.charge(r.Class), r.Class == Login)
		g.hold(r.Class, 1)
	}
	return d
}

// state is what our own rules go by. Called with the car's lock and the gate's held.
func (g *Gate) state(c *car, now time.Time) state {
	g.ledger.turn(g, now)
	return state{
		policy: &g.o.Policy, day: g.ledger.day, spent: g.ledger.used(), held: g.held, logins: g.ledger.Logins, car: c.carState,
	}
}

// done ends a call that was taken. Logins need no end: there is one at a time.
func (g *Gate) done(class Class) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hold(class, -1)
}

// hold keeps what a call may cost while it is under way, where its requests are
// counted only as they go out: else many calls would find the same rest of the day.
// Called with the gate's lock held.
func (g *Gate) hold(class Class, calls int) {
	if g.o.Policy.Metered && class != Login {
		g.held += calls * g.o.Policy.price(class)
	}
}

// count is for a call that goes out in any case.
func (g *Gate) count(class Class) {
	g.books(g.charge(class), false, func() {
		g.ledger.ready(g, g.o.Policy.price(class), false, g.o.Now())
		g.ledger.spend(g, g.charge(class), false)
	})
}

// Requested counts one request, if the policy is metered.
func (g *Gate) Requested() {
	if !g.o.Policy.Metered {
		return
	}
	g.books(1, false, func() {
		g.ledger.ready(g, 1, false, g.o.Now())
		g.ledger.spend(g, 1, false)
	})
}

// Note takes how a call ended, for the rule of the vendor's refusals.
func (g *Gate) Note(r Request, err error) { g.closures.note(r, err) }

// LookAgain tells when the account's closure has ended, also if nobody calls.
func (g *Gate) LookAgain() { g.closures.lookAgain() }

// Left of the day's requests, for people or for what nobody waits for, and when they
// begin anew; -1: there is no limit.
func (g *Gate) Left(background bool) (left int, reset time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.state(&car{}, g.o.Now())
	return s.left(Request{Background: background}), s.day.end(&g.o.Policy)
}

// Close gives back to the disk what was reserved there and not spent.
func (g *Gate) Close() {
	defer g.o.Docs.Lock()()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ledger.flush(g)
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
