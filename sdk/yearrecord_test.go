package sdk_test

import (
	"slices"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// What calls are for; a failedCall met a session that had ended, and got no further.
const loginCall, renewalCall, listCall, readCall, wakeCall, failedCall = "login", "renewal", "list", "read", "wake", "failed"

// arrival is a call as it reaches the vendor.
type arrival struct {
	class, car string
	at         time.Time
	// unasked calls are counted, never refused: renewals, the list that tests a
	// session, and the repetition of a call whose session had ended.
	override, background, unasked bool
	// person: somebody sits there and has asked for a login.
	person bool
	price  int
}

// record is what a vendor has truly seen of a plugin, whatever process of it that
// was, and says of each call whether it may be. It knows docs/gate.md and not a
// line of the gate. For the holder of the cloud's lock.
type record struct {
	limits sdk.Limits
	// broken is told which rule was broken, and how.
	broken func(rule, format string, args ...any)

	day           string
	spent, logins int // of the day; spent before the instant
	// Calls of one instant were admitted in an order that nobody knows.
	instant                          time.Time
	people, background, others       int
	dearestPeople, dearestBackground int
	// claimed: at this instant somebody was told that all is spent. lost is what
	// processes that were killed on this day may have counted and not sent.
	claimed bool
	lost    int
	// closed: until then the vendor wants to be left alone.
	closed time.Time
	cars   map[string]*carRecord
}

// carRecord is what the vendor has seen and said of a car.
type carRecord struct {
	zone  *time.Location
	day   string
	wakes int // of the day
	woken time.Time
	// last is the car's time in the last report that counts, newest the newest that
	// was no fault of its clock.
	last, newest time.Time
	low          bool // below the first threshold, and not at the second one since
	powered      bool
	heard        time.Time
}

// taking is how long a report may be on its way to the gate.
const taking = 5 * time.Minute

// charged says whether the 12 V battery is, so that a wake costs it nothing. That a car was
// plugged in, or drove, counts for six hours, give or take taking.
func (c *carRecord) charged(now time.Time) bool { return c.powered && now.Sub(c.heard) < 6*time.Hour }

// dayOf is the vendor's day, which begins at five past midnight in its zone.
func (r *record) dayOf(t time.Time) string {
	t = t.In(r.limits.Zone)
	if t.Hour() == 0 && t.Minute() < 5 {
		t = t.AddDate(0, 0, -1)
	}
	return t.Format(time.DateOnly)
}

// underWay is what may be kept free for calls that are, where what a call costs is
// known only at its end.
func (r *record) underWay() int {
	if !r.limits.Metered {
		return 0
	}
	return r.limits.Workers * r.limits.Prices.Wake
}

// nextDay is when the vendor's next day begins.
func (r *record) nextDay(t time.Time) time.Time {
	local := t.In(r.limits.Zone)
	begin := func(days int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+days, 0, 5, 0, 0, r.limits.Zone)
	}
	if begin(0).After(t) {
		return begin(0)
	}
	return begin(1)
}

// begins says whether the vendor's next day begins at t, for a car: not before the quiet
// hours have ended that it begins in.
func (r *record) begins(t, now time.Time, c *carRecord) bool {
	next := r.nextDay(now)
	for _, reading := range []bool{true, false} {
		end := next
		for quietAt(r.limits.Quiet, end.In(c.zone), reading) {
			end = end.Add(time.Minute)
		}
		if t.Sub(next).Abs() <= time.Second || t.Sub(end).Abs() <= time.Second {
			return true
		}
	}
	return false
}

// endsQuiet says whether quiet hours of a car end at t.
func (r *record) endsQuiet(t time.Time, c *carRecord) bool {
	quiet := func(t time.Time) bool { return quietAt(r.limits.Quiet, t.In(c.zone), false) }
	return !quiet(t.Add(time.Second)) && quiet(t.Add(-time.Second))
}

// turn begins a new instant, and a new day if there is one.
func (r *record) turn(now time.Time) {
	if !now.Equal(r.instant) {
		r.spent += r.people + r.background + r.others
		if r.claimed && r.spent+r.lost+r.underWay() < r.limits.CallsPerDay {
			r.broken("unjust", "somebody was told at %s that all is spent, after %d of %d", r.instant, r.spent, r.limits.CallsPerDay)
		}
		r.instant, r.claimed = now, false
		r.people, r.background, r.others, r.dearestPeople, r.dearestBackground = 0, 0, 0, 0, 0
	}
	if day := r.dayOf(now); day != r.day {
		r.day, r.spent, r.logins, r.lost = day, 0, 0, 0
	}
}

// left is what may still go out today.
func (r *record) left(now time.Time) int {
	r.turn(now)
	return r.limits.CallsPerDay - r.spent - r.people - r.background - r.others
}

// claim notes that somebody is told that all is spent.
func (r *record) claim(now time.Time) {
	r.turn(now)
	r.claimed = true
}

// take judges a call, and counts it.
func (r *record) take(a arrival) {
	r.turn(a.at)
	if a.at.Before(r.closed) && (!a.person || a.class != loginCall) {
		r.broken("closed", "a %s although the vendor is to be left alone until %s", a.class, r.closed)
	}
	r.pay(a)
	switch a.class {
	case loginCall:
		if r.logins++; r.logins > r.limits.LoginsPerDay {
			r.broken("logins_per_day", "login %d of %s", r.logins, r.day)
		}
	case readCall:
		if local := a.at.In(r.cars[a.car].zone); !a.override && quietAt(r.limits.Quiet, local, true) {
			r.broken("quiet_reads", "%s is read at %s", a.car, local)
		}
	case wakeCall:
		r.wake(a)
	}
}

// pay counts what a call costs. There must be an order of the instant's calls in
// which each found something left: the background's first, the dearest last.
func (r *record) pay(a arrival) {
	left, before := r.limits.CallsPerDay, 0
	switch {
	case a.override || a.unasked:
		r.others += a.price
		return
	case a.background:
		r.background, r.dearestBackground = r.background+a.price, max(r.dearestBackground, a.price)
		left, before = left-r.limits.Reserve, r.background-r.dearestBackground
	default:
		r.people, r.dearestPeople = r.people+a.price, max(r.dearestPeople, a.price)
		before = r.background + r.people - r.dearestPeople
	}
	if r.spent+before >= left {
		r.broken("calls_per_day", "a %s (background: %t) after %d of %d on %s", a.class, a.background, r.spent+before, left, r.day)
	}
}

// request counts one that a call sends after its first.
func (r *record) request(now time.Time) {
	r.turn(now)
	r.others++
}

// wake judges the wake of a car, and counts it.
func (r *record) wake(a arrival) {
	c := r.cars[a.car]
	if c.day != r.day {
		c.day, c.wakes = r.day, 0
	}
	if !a.override {
		r.mayWake(c, a)
	}
	c.wakes++
	c.woken = a.at
}

func (r *record) mayWake(c *carRecord, a arrival) {
	if local := a.at.In(c.zone); quietAt(r.limits.Quiet, local, false) {
		r.broken("quiet_hours", "%s is woken on %s at %s", a.car, local.Weekday(), local)
	}
	if c.low && !c.charged(a.at.Add(-taking)) {
		r.broken("aux_battery", "%s is woken although its 12 V battery is low", a.car)
	}
	// It is kept in milliseconds.
	if since := a.at.Sub(c.woken); since < r.limits.WakeInterval-time.Millisecond {
		r.broken("wake_interval", "%s is woken %s after its last wake", a.car, since)
	}
	if c.wakes >= r.limits.WakesPerDay {
		r.broken("wakes_per_day", "wake %d of %s on %s", c.wakes+1, a.car, r.day)
	}
}

// clockSkew is how far ahead a car's clock may be before its time is a fault.
const clockSkew = 5 * time.Minute

// reported takes what the vendor tells of a car. What is older by the car's own
// time than what it told before tells nothing of it.
func (r *record) reported(car string, d *vehiclev1.VehicleData, now time.Time) {
	c := r.cars[car]
	c.heard = now
	var observed time.Time
	if at := d.GetRefresh().GetObservedAt(); at > 0 {
		observed = time.UnixMilli(at)
	}
	fault := func(t time.Time) bool { return t.After(now.Add(clockSkew)) }
	if observed.Before(c.newest) || observed.Before(c.last) && !fault(c.last) {
		return
	}
	if c.last = observed; !fault(observed) {
		c.newest = observed
	}
	c.powered = d.GetCharging().GetPluggedIn() || d.GetCharging().GetCharging() || d.GetDrive().GetRunning()
	if level := d.GetAuxBattery().GetSoc(); level > 0 && level <= 100 {
		c.low = level < r.limits.AuxStop || c.low && level < r.limits.AuxResume
	}
}

// quietAt says whether the clock of a car stands in quiet hours; reading: in those
// in which the cloud's copy is not read either.
func quietAt(hours []sdk.QuietHours, local time.Time, reading bool) bool {
	clock := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute + time.Duration(local.Second())*time.Second
	return slices.ContainsFunc(hours, func(q sdk.QuietHours) bool {
		begins := func(day time.Weekday) bool { return len(q.Days) == 0 || slices.Contains(q.Days, day) }
		today, yesterday := begins(local.Weekday()), begins((local.Weekday()+6)%7)
		switch {
		case reading && !q.Reads:
			return false
		case q.From < q.To:
			return today && clock >= q.From && clock < q.To
		}
		return today && clock >= q.From || yesterday && clock < q.To
	})
}
