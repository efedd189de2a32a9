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
		for _, ago := range []int{0, 1} {
			begin := TimeOfDay(t, -ago, q.From)
			if len(q.Days) > 0 && !slices.Contains(q.Days, TimeOfDay(t, -ago, 12*time.Hour).Weekday()) {
				continue
			}
			end := TimeOfDay(t, -ago, q.To)
			if q.To <= q.From {
				end = TimeOfDay(t, 1-ago, q.To)
			}
			if !t.Before(begin) && t.Before(end) {
				return end, true
			}
		}
	}
	return t, false
}

// TimeOfDay is a time of day some days from t, by t's clock: an hour that the change
// to summer time leaves out is the one after it.
func TimeOfDay(t time.Time, days int, at time.Duration) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d+days, int(at/time.Hour), int(at%time.Hour/time.Minute), 0, 0, t.Location())
}
