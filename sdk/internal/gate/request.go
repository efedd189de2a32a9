package gate

import (
	"sync/atomic"
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

// Request is a call that wants to go out.
type Request struct {
	Class Class
	// Vehicle is the car's id; empty for calls about the account.
	Vehicle string
	// Zone of the car; nil: the policy's.
	Zone *time.Location
	// Background: nobody waits for it, so the reserve is not for it.
	Background bool
	// Override: somebody wants it in spite of every rule of our own.
	Override bool
	// Person: somebody sits there and has asked for this login, so what the vendor has
	// refused before is not the answer.
	Person bool
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
	// Until is when no rule refuses it any more of which the end is known, unless
	// something happens before; zero: nobody knows.
	Until time.Time
	// Price in requests, and how many are left for it today before it; -1: there
	// is no limit.
	Price, Left int

	// said is the vendor's refusal that the rule goes by.
	said *closed
}

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

	// dates remembers the last one; nil: it does not.
	dates *atomic.Pointer[date]
}

// date is a vendor's day by name, from a time that was in it to its end.
type date struct {
	name        string
	from, until time.Time
}

func (p *Policy) price(class Class) int {
	if price := p.Prices[class]; price > 0 {
		return price
	}
	return 1
}

// today names the vendor's day.
func (p *Policy) today(now time.Time) string {
	if p.dates != nil {
		if d := p.dates.Load(); d != nil && !now.Before(d.from) && now.Before(d.until) {
			return d.name
		}
	}
	name := now.In(p.Zone).Add(-p.ResetAt).Format(time.DateOnly)
	if p.dates != nil {
		p.dates.Store(&date{name, now.Round(0), p.endOfDay(name)}) // by the wall clock
	}
	return name
}

// endOfDay is when the day of a name ends.
func (p *Policy) endOfDay(day string) time.Time {
	begin, err := time.ParseInLocation(time.DateOnly, day, p.Zone)
	if err != nil {
		return time.Time{}
	}
	return begin.AddDate(0, 0, 1).Add(p.ResetAt)
}
