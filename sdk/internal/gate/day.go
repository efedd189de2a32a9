package gate

import "time"

// whole is how long a day lasts that our clock lies behind.
const whole = 24 * time.Hour

// day is one that things are counted for, by the vendor's clock.
type day struct {
	Day string `json:"day,omitempty"`
	// Behind is since when our clock lies behind the day, as it was set back, in Unix
	// milliseconds of that clock; 0: it does not.
	Behind int64 `json:"behind,omitempty"`
}

// turn says whether another day has begun, and begins it. A clock that is set back gives
// nothing back: what was counted counts for as long as a day lasts. news: the day is to
// be stored.
func (d *day) turn(p *Policy, now time.Time) (begun, news bool) {
	switch today := p.today(now); {
	case d.Day < today:
		*d = day{Day: today}
		return true, false
	case d.Day == today:
		d.Behind = 0
		return false, false
	case d.Behind == 0 || d.Behind > now.UnixMilli():
		d.Behind = now.UnixMilli()
		return false, true
	case now.Sub(time.UnixMilli(d.Behind)) >= whole:
		*d = day{Day: today}
		return true, false
	}
	return false, false
}

// end is when what was counted for it counts no more.
func (d *day) end(p *Policy) time.Time {
	if end := time.UnixMilli(d.Behind).Add(whole); d.Behind != 0 && p.today(end) < d.Day {
		return end
	}
	return p.endOfDay(d.Day)
}
