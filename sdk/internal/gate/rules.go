package gate

import "time"

// Rule is why a call is refused.
type Rule string

// The rules, in the order in which they are looked at. The first two are the vendor's
// doing, which nobody can override.
const (
	VendorRefused Rule = "vendor_refused"
	CircuitOpen   Rule = "circuit_open"
	QuietHours    Rule = "quiet_hours"
	AuxBattery    Rule = "aux_battery"
	AuxTrend      Rule = "aux_trend"
	WakeInterval  Rule = "wake_interval"
	WakesPerDay   Rule = "wakes_per_day"
	LoginsPerDay  Rule = "logins_per_day"
	CallsPerDay   Rule = "calls_per_day"
	// NoRecord is none of them: the wake was allowed, and cannot be written down.
	NoRecord Rule = "no_record"
)

// Ours says whether a rule is our own, so that a person may override it.
func (r Rule) Ours() bool { return r != VendorRefused && r != CircuitOpen }

// state is what the rules go by. Nobody changes it.
type state struct {
	policy *Policy
	// closed are the vendor's refusals that are in force.
	closed []closed
	// openUntil is when the breaker lets a call through again; zero: now.
	openUntil time.Time
	// spent of the account's day, held by calls that are under way.
	day    day
	spent  int
	held   int
	logins int
	car    carState
}

// at is the state that it will be if nothing happens until then.
func (s state) at(t time.Time) state {
	if begun, _ := s.day.turn(s.policy, t); begun {
		s.spent, s.logins = 0, 0
	}
	if begun, _ := s.car.turn(s.policy, t); begun {
		s.car.Wakes = 0
	}
	return s
}

// left of the day's calls, for a request; -1: there is no limit.
func (s *state) left(r Request) int {
	p := s.policy
	if p.CallsPerDay <= 0 {
		return -1
	}
	left := p.CallsPerDay - s.spent - s.held
	if r.Background {
		left -= p.Reserve
	}
	return max(0, left)
}

// no is a rule's refusal.
type no struct {
	// until is when this rule allows it; zero: nobody knows.
	until time.Time
	said  *closed
}

// A rule says no to a request, or nil. It is a pure function of the state and the time.
type rule struct {
	name Rule
	ask  func(s *state, r Request, now time.Time) *no
}

func rules() [9]rule {
	return [...]rule{
		{VendorRefused, vendorRefused},
		{CircuitOpen, circuitOpen},
		{QuietHours, quietHours},
		{AuxBattery, auxBattery},
		{AuxTrend, auxTrend},
		{WakeInterval, wakeInterval},
		{WakesPerDay, wakesPerDay},
		{LoginsPerDay, loginsPerDay},
		{CallsPerDay, callsPerDay},
	}
}

// decide asks the rules in their order, and stops at the first no.
func (s *state) decide(now time.Time, rs ...Request) Decision {
	d := s.all(now, rs)
	// What holds after that, and so on. Of what nobody knows the end there is no later.
	const most = 32
	for next, n := d, 0; !next.Allowed && !next.Until.IsZero() && n < most; n++ {
		d.Until = next.Until
		then := s.at(d.Until)
		next = then.all(d.Until, rs)
	}
	return d
}

// all is the decision about some requests, with the Until of the first rule alone.
func (s *state) all(now time.Time, rs []Request) Decision {
	all := s.one(now, rs[0])
	for _, r := range rs[1:] {
		d := s.one(now, r)
		all.Price += d.Price
		if all.Allowed {
			all.Allowed, all.Rule, all.Until, all.said = d.Allowed, d.Rule, d.Until, d.said
		}
	}
	return all
}

func (s *state) one(now time.Time, r Request) Decision {
	d := Decision{Allowed: true, Price: s.policy.price(r.Class), Left: s.left(r)}
	for _, rule := range rules() {
		refused := rule.ask(s, r, now)
		switch {
		case refused == nil:
		case r.Override && rule.name.Ours():
			if d.Rule == "" {
				d.Rule = rule.name
			}
		default:
			d.Allowed, d.Rule, d.Until, d.said = false, rule.name, refused.until, refused.said
			return d
		}
	}
	return d
}

// vendorRefused: what the vendor has said holds for further calls.
func vendorRefused(s *state, r Request, now time.Time) *no {
	if r.Person {
		return nil
	}
	for i := range s.closed {
		if x := &s.closed[i]; x.left(now) > 0 && x.concerns(r) {
			return &no{until: time.UnixMilli(x.Until), said: x}
		}
	}
	return nil
}

// circuitOpen: the vendor keeps failing.
func circuitOpen(s *state, _ Request, now time.Time) *no {
	if now.Before(s.openUntil) {
		return &no{until: s.openUntil}
	}
	return nil
}

// quietHours by the car's clock.
func quietHours(s *state, r Request, now time.Time) *no {
	if len(s.policy.Quiet) == 0 || r.Class != Wake && r.Class != Read {
		return nil
	}
	zone := r.Zone
	if zone == nil {
		zone = s.policy.Zone
	}
	if until, quiet := s.policy.quiet(now.In(zone), r.Class); quiet {
		return &no{until: until}
	}
	return nil
}

// auxBattery: the car's 12 V battery is low. Only a reading can tell that it was charged.
func auxBattery(s *state, r Request, now time.Time) *no {
	if r.Class == Wake && s.car.auxLow(now) {
		return &no{}
	}
	return nil
}

// auxTrend: it would be low tomorrow. A trend that nobody adds to ends.
func auxTrend(s *state, r Request, now time.Time) *no {
	if r.Class != Wake {
		return nil
	}
	if until, falling := s.car.auxFalling(s.policy, now); falling {
		return &no{until: until}
	}
	return nil
}

// wakeInterval: the car was woken a short time ago.
func wakeInterval(s *state, r Request, now time.Time) *no {
	if r.Class != Wake || r.Again || s.car.LastWake == 0 {
		return nil
	}
	if until := time.UnixMilli(s.car.LastWake).Add(s.policy.WakeInterval); now.Before(until) {
		return &no{until: until}
	}
	return nil
}

// wakesPerDay of the car are spent.
func wakesPerDay(s *state, r Request, _ time.Time) *no {
	if limit := s.policy.WakesPerDay; r.Class == Wake && !r.Again && limit > 0 && s.car.Wakes >= limit {
		return &no{until: s.car.end(s.policy)}
	}
	return nil
}

// loginsPerDay of the account are spent.
func loginsPerDay(s *state, r Request, _ time.Time) *no {
	if limit := s.policy.LoginsPerDay; r.Class == Login && !r.Again && limit > 0 && s.logins >= limit {
		return &no{until: s.day.end(s.policy)}
	}
	return nil
}

// callsPerDay of the account are spent. A call may be dearer than what is left: the price
// is an estimate, and the last ones of a day are not lost.
func callsPerDay(s *state, r Request, _ time.Time) *no {
	if !r.Again && s.left(r) == 0 {
		return &no{until: s.day.end(s.policy)}
	}
	return nil
}
