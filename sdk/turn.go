package sdk

import (
	"cmp"
	"hash/fnv"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/snapshot"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Bounds of a car's conditions.
const (
	justParked = 30 * time.Minute
	longIdle   = 72 * time.Hour
)

// Around a time at which data has to be fresh.
const (
	// freshEnough is how old the car's own time may be then.
	freshEnough = time.Hour
	// freshWindow is how long after it there are tries, freshPause apart, freshTries
	// at most.
	freshWindow, freshPause, freshTries = 3 * time.Hour, time.Hour, 3
)

// settle is how long after its expected end charging has reached the cloud.
const settle = time.Minute

// turn is what the schedule has to know of a car. It is for the scheduler alone.
type turn struct {
	// usedAt is when the car was last seen in use, by its own time.
	usedAt   time.Time
	odometer float64
	// begun is when this process first heard of it, tried when it was last asked
	// for, by whomever.
	begun, tried time.Time
	// lookAt is when to look again whether it is its turn; zero: now.
	lookAt time.Time
	// notBefore is what the last refusal asks for.
	notBefore time.Time
	// endRead is the report after whose charging there was a reading.
	endRead time.Time
	// fresh counts the tries of freshDay, freshTried is the last of them.
	freshDay   string
	fresh      int
	freshTried time.Time
}

// note takes what a snapshot tells of how the car is used.
func (t *turn) note(d *vehiclev1.VehicleData) {
	observed := snapshot.ObservedAt(d)
	t.lookAt = time.Time{}
	odometer := d.GetDrive().GetOdometer()
	used := d.GetDrive().GetRunning() || d.GetCharging().GetPluggedIn() || d.GetCharging().GetCharging() || t.odometer > 0 && odometer > t.odometer+0.1
	// Of a car that is new here the last report is as good a guess as any: parked
	// cars have nothing to report.
	if (used || t.usedAt.IsZero()) && observed.After(t.usedAt) {
		t.usedAt = observed
	}
	t.odometer = max(t.odometer, odometer)
	if at := d.GetRefresh().GetPolledAt(); at > 0 && time.UnixMilli(at).After(t.tried) {
		t.tried = time.UnixMilli(at)
	}
}

// period is the time between two readings of a car that was last heard of in d.
func (s Schedule) period(t *turn, d *vehiclev1.VehicleData, now time.Time) time.Duration {
	switch since := now.Sub(t.usedAt); {
	case d == nil: // nothing is known of it until it is read
		return cmp.Or(s.Idle, s.Parked, s.LongIdle, s.Plugged, s.Charging, s.Driving)
	case d.GetDrive().GetRunning():
		return s.Driving
	case d.GetCharging().GetCharging():
		return s.Charging
	case d.GetCharging().GetPluggedIn():
		return s.Plugged
	case since < justParked:
		return s.Parked
	case since < longIdle:
		return s.Idle
	}
	return s.LongIdle
}

// chargedAt is when the charging that a report tells of ends.
func chargedAt(d *vehiclev1.VehicleData) time.Time {
	return snapshot.ObservedAt(d).Add(time.Duration(d.GetCharging().GetTimeToLimit() * float64(time.Minute)))
}

// next says when it is a car's turn, if it is so far as is known now, and whether
// the reading is to prove that data is fresh. d is the last snapshot, or nil; zone
// the car's.
func (s Schedule) next(id string, t *turn, d *vehiclev1.VehicleData, zone *time.Location, now time.Time) (due time.Time, fresh, ok bool) {
	earliest := func(at time.Time, forFresh bool) {
		if at.Before(t.notBefore) {
			at = t.notBefore
		}
		if !ok || at.Before(due) || at.Equal(due) && forFresh {
			due, fresh, ok = at, forFresh, true
		}
	}
	if period := s.period(t, d, now); period > 0 {
		if t.tried.IsZero() {
			// Not all at once, and not at each start.
			earliest(t.begun.Add(spread(id, min(period, 30*time.Minute))), false)
		} else {
			earliest(t.tried.Add(period-period/20+spread(id, period/10)), false)
		}
	}
	if observed := snapshot.ObservedAt(d); s.AfterCharging && d.GetCharging().GetCharging() && d.GetCharging().TimeToLimit != nil && !t.endRead.Equal(observed) {
		end := chargedAt(d).Add(settle)
		if end.Before(t.tried) {
			end = t.tried.Add(settle)
		}
		earliest(end, false)
	}
	if s.FreshAt != nil {
		earliest(s.freshDue(t, d, now.In(zone)), true)
	}
	return due, fresh, ok
}

// freshDue is when there is a try for fresh data next. now is in the car's zone.
func (s Schedule) freshDue(t *turn, d *vehiclev1.VehicleData, now time.Time) time.Time {
	today, tomorrow := gate.TimeOfDay(now, 0, *s.FreshAt), gate.TimeOfDay(now, 1, *s.FreshAt)
	switch tried := t.freshDay == today.Format(time.DateOnly); {
	case now.Before(today):
		return today
	case now.Sub(today) >= freshWindow, snapshot.ProvenAt(d, now).After(today.Add(-freshEnough)), tried && t.fresh >= freshTries:
		return tomorrow
	case tried:
		return t.freshTried.Add(freshPause)
	}
	return today
}

// freshAge is how old a car's own time may be at a try for fresh data.
func (s Schedule) freshAge(now time.Time) time.Duration {
	return freshEnough + max(0, now.Sub(gate.TimeOfDay(now, 0, *s.FreshAt)))
}

// spread is a part of span that follows from a car's id, so that a fleet's cars do
// not all have their turn together.
func spread(id string, span time.Duration) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return span / 1000 * time.Duration(h.Sum32()%1000)
}
