package gate

import "time"

const ledgerDoc = "ledger"

// ledger is what an account has spent in a day. Its stored form is never less
// than what went out.
type ledger struct {
	day
	Calls  int `json:"calls"`
	Logins int `json:"logins"`

	// spare of Calls is on disk and not spent.
	spare int
}

// Calls are put on disk some at a time, so that reads do not wait for it: an eighth of
// what is left of the day's, which is what a crash wastes at most, but not more than ahead.
const ahead, share = 64, 8

func (l *ledger) used() int { return l.Calls - l.spare }

// turn begins a new day if there is one. Called with the gate's lock held.
func (l *ledger) turn(g *Gate, now time.Time) {
	switch begun, news := l.day.turn(&g.o.Policy, now); {
	case begun:
		*l = ledger{day: l.day}
	case news:
		l.save(g, g.o.Docs.Keep)
	}
}

// ready takes up what other processes have spent, unless it is on disk already that so
// much is ours, and what the calls under way may need besides. Called with the gate's
// lock held, before spend.
func (l *ledger) ready(g *Gate, price int, login bool, now time.Time) {
	l.turn(g, now)
	if login || l.spare < price+g.held {
		l.catchUp(g)
		l.turn(g, now)
	}
}

// spend is called with the gate's lock held.
func (l *ledger) spend(g *Gate, price int, login bool) {
	if !login && l.spare >= price {
		l.spare -= price
		return
	}
	l.Calls += price
	if !login {
		block := l.block(g)
		l.Calls, l.spare = l.Calls+block, l.spare+block
	}
	save := g.o.Docs.Keep
	if login {
		l.Logins++
		save = g.o.Docs.Put
	}
	l.save(g, save)
}

// catchUp takes up what another process of the account has spent.
func (l *ledger) catchUp(g *Gate) {
	if err := l.read(g); err != nil {
		g.o.Logger.Warn("the day's calls cannot be read", "error", err)
	}
}

// block is how many calls are put on disk before they are made; never more than are left.
func (l *ledger) block(g *Gate) int {
	if limit := g.o.Policy.CallsPerDay; limit > 0 {
		return max(0, min(ahead, (limit-l.Calls)/share))
	}
	return ahead
}

// flush gives back what was put on disk and not spent.
func (l *ledger) flush(g *Gate) {
	if l.spare == 0 || l.read(g) != nil {
		return
	}
	l.Calls, l.spare = l.Calls-l.spare, 0
	l.save(g, g.o.Docs.Keep)
}

func (l *ledger) save(g *Gate, save func(name string, v any) error) {
	if err := save(ledgerDoc, l); err != nil {
		g.o.Logger.Warn("the day's calls cannot be stored", "error", err)
	}
}

// exhaust takes the day as spent.
func (l *ledger) exhaust(g *Gate) {
	p := &g.o.Policy
	*l = ledger{day: day{Day: p.today(g.o.Now())}, Calls: p.CallsPerDay, Logins: p.LoginsPerDay}
	l.save(g, g.o.Docs.Put)
}

// read takes up what is on disk, which is as much as what is here unless another
// process has spent, too. Called with the gate's lock held.
func (l *ledger) read(g *Gate) error {
	var stored ledger
	ok, err := g.o.Docs.Get(ledgerDoc, &stored)
	switch {
	case err != nil:
		return err
	case ok && stored.Day > l.Day:
		*l = stored
	case ok && stored.Day == l.Day:
		l.Calls, l.Logins = max(l.Calls, stored.Calls), max(l.Logins, stored.Logins)
	}
	return nil
}
