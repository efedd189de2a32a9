package gate

import (
	"slices"
	"time"
)

// Quiet is a time of each day in which no car is woken.
type Quiet struct {
	// Days on which it begins. Empty: all.
	Days []time.Weekday
	// From and To are times of day by the car's clock. A To that is not after
	// From is on the next day.
	From, To time.Duration
	// Reads: the cloud's copy is not read either.
	Reads bool
}

// quiet says until when the time t, which is in the car's zone, is quiet.
func (p Policy) quiet(t time.Time, class Class) (until time.Time, quiet bool) {
	// One may begin when another ends.
	for until = t; ; quiet = true {
		end, in := p.quietEnd(until, class)
		if !in || end.Sub(t) > 8*24*time.Hour {
			return until, quiet
		}
		until = end
	}
}

func (p Policy) quietEnd(t time.Time, class Class) (end time.Time, in bool) {
	for _, q := range p.Quiet {
		if class == Read && !q.Reads {
			continue
		}
		if q.holds(t) {
			return q.end(t), true
		}
	}
	return t, false
}

// holds goes by what the car's clock shows: an hour that the change to summer time
// leaves out is not there to be quiet, and one that comes twice is quiet twice.
func (q Quiet) holds(t time.Time) bool {
	clock := clockOf(t)
	if q.To > q.From {
		return q.beginsOn(t.Weekday()) && clock >= q.From && clock < q.To
	}
	return q.beginsOn(t.Weekday()) && clock >= q.From || q.beginsOn((t.Weekday()+6)%7) && clock < q.To
}

func (q Quiet) beginsOn(day time.Weekday) bool {
	return len(q.Days) == 0 || slices.Contains(q.Days, day)
}

// end is when it ends, at a time when it holds.
func (q Quiet) end(t time.Time) time.Time {
	days := 0
	if q.To <= q.From && clockOf(t) >= q.From {
		days = 1
	}
	end := TimeOfDay(t, days, q.To)
	if offsetOf(t) == offsetOf(end) {
		return end
	}

	// The clocks change meanwhile: it ends with the first minute that is not quiet.
	end = t.Truncate(time.Minute).Add(time.Minute)
	for q.holds(end) {
		end = end.Add(time.Minute)
	}
	return end
}

// clockOf is what the clock shows at t.
func clockOf(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
}

func offsetOf(t time.Time) int {
	_, offset := t.Zone()
	return offset
}

// TimeOfDay is a time of day some days from t, by t's clock: an hour that the change
// to summer time leaves out is the one after it.
func TimeOfDay(t time.Time, days int, at time.Duration) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d+days, int(at/time.Hour), int(at%time.Hour/time.Minute), 0, 0, t.Location())
}
