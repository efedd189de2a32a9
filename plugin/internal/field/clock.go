package field

import (
	"time"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Clock is what a car's zone-less times are read by.
type Clock struct {
	// Zone of the region; nil is UTC.
	Zone *time.Location
	// Shift is how far the car's own zone lies from that, to be added to what is read.
	Shift time.Duration
}

// Read reads a compact time, see [Object.Stamp].
func (c Clock) Read(o Object) (time.Time, bool) {
	t, ok := o.Stamp(c.Location())
	if !ok {
		return time.Time{}, false
	}
	return t.Add(c.Shift), true
}

// Location is the zone, never nil.
func (c Clock) Location() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// ClockSkew is how far a car's clock may run ahead of ours.
const ClockSkew = 5 * time.Minute

// FixTime is when a position was taken; zero if there is none, or it does not tell.
func FixTime(l *vehiclev1.Location) time.Time {
	if l.GetObservedAt() == 0 {
		return time.Time{}
	}
	return time.UnixMilli(l.GetObservedAt())
}

// Newest is the newest of several times of one document: the cloud repeats an old time
// beside new data. One that lies ahead of now is of another zone, or of a clock that is
// wrong, unless there is no other. A zero time is none, and a zero now is unknown.
func Newest(now time.Time, times ...time.Time) (newest time.Time, ok bool) {
	var ahead time.Time
	for _, t := range times {
		switch {
		case !now.IsZero() && t.After(now.Add(ClockSkew)):
			if ahead.IsZero() {
				ahead = t
			}
		case t.After(newest):
			newest = t
		}
	}
	if newest.IsZero() {
		newest = ahead
	}
	return newest, !newest.IsZero()
}

// WholeHours says whether two times lie whole hours apart, but not at the same one, give
// or take [ClockSkew]: as one moment does that was read in two zones.
func WholeHours(a, b time.Time) bool {
	const most = 14 * time.Hour
	apart := a.Sub(b).Abs()
	rest := (apart - apart.Round(time.Hour)).Abs()
	return apart >= time.Hour-ClockSkew && apart <= most+ClockSkew && rest <= ClockSkew
}
