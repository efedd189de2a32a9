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

// ahead is how many calls are put on disk at once where nothing limits them: a
// fleet's reads do not wait for the disk, and a limit that is set later that day
// finds at most so many too many for each process.
const ahead = 16

func (l *ledger) used() int { return l.Calls - l.spare }

// turn begins a new day if there is one. Called with the gate's lock held.
func (l *ledger) turn(g *Gate, now time.Time) {
	switch begun, news := l.day.turn(g, now); {
	case begun:
		*l = ledger{day: l.day}
	case news:
		l.save(g, g.o.Docs.Keep)
	}
}

// spend is called with the gate's lock held.
func (l *ledger) spend(g *Gate, price int, login bool, now time.Time) {
	l.turn(g, now)
	limited := g.o.Policy.CallsPerDay > 0
	if !login && l.spare >= price {
		l.spare -= price
		return
	}
	if err := l.read(g); err != nil {
		g.o.Logger.Warn("the day's calls cannot be read", "error", err)
	}
	l.turn(g, now)
	l.Calls += price
	if !limited {
		l.Calls += ahead
		l.spare += ahead
	}
	save := g.o.Docs.Keep
	if login {
		l.Logins++
		save = g.o.Docs.Put
	}
	l.save(g, save)
}

func (l *ledger) save(g *Gate, save func(name string, v any) error) {
	if err := save(ledgerDoc, l); err != nil {
		g.o.Logger.Warn("the day's calls cannot be stored", "error", err)
	}
}

// exhaust takes the day as spent.
func (l *ledger) exhaust(g *Gate) {
	p := g.o.Policy
	*l = ledger{day: day{Day: g.today(g.o.Now())}, Calls: p.CallsPerDay, Logins: p.LoginsPerDay}
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
