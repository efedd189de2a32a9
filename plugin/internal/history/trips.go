package history

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Bounds of lists: the newest days of a month, the newest trips of a day.
const (
	maxMonthDays = 31
	maxTrips     = 200
)

// Month reads the answer for a month, YYYY-MM. It is nil if there were no trips.
// Distances and speeds come in the car's unit, times in minutes.
func Month(m field.Object, month string, unit vehiclev1.DistanceUnit) *vehiclev1.MonthTrips {
	if count, ok := m.At("monthTripDayCnt").Int32(); ok && count == 0 {
		return nil
	}
	t := &vehiclev1.MonthTrips{Summary: summary(m, unit)}
	for _, entry := range m.At("tripDayList").List() {
		if date, ok := entry.At("tripDayInMonth").Date(); ok {
			t.Days = append(t.Days, &vehiclev1.DayTripCount{Date: date, Trips: count(entry.At("tripCntDay"))})
		}
	}
	slices.SortStableFunc(t.Days, func(a, b *vehiclev1.DayTripCount) int { return cmp.Compare(a.GetDate(), b.GetDate()) })
	t.Days = t.Days[max(0, len(t.Days)-maxMonthDays):]
	if proto.Size(t) == 0 {
		return nil
	}
	t.Month = month
	return t
}

// Day reads the answer for a day. It is nil if there were no trips.
func Day(d field.Object, unit vehiclev1.DistanceUnit) *vehiclev1.DayTrips {
	day := d.At("dayTripList.0")
	date, ok := day.At("tripDay").Date()
	if !ok {
		return nil
	}
	t := &vehiclev1.DayTrips{Date: date, Summary: summary(day, unit)}
	for _, entry := range day.At("tripList").List() {
		trip := trip(entry, unit)
		trip.StartTime = clock(entry.At("tripTime"))
		if proto.Size(trip) > 0 {
			t.Trips = append(t.Trips, trip)
		}
	}
	slices.SortStableFunc(t.Trips, func(a, b *vehiclev1.Trip) int { return cmp.Compare(b.GetStartTime(), a.GetStartTime()) })
	t.Trips = t.Trips[:min(len(t.Trips), maxTrips)]
	return t
}

func trip(t field.Object, unit vehiclev1.DistanceUnit) *vehiclev1.Trip {
	return &vehiclev1.Trip{
		DriveTime:    field.Opt(t.At("tripDrvTime").Minutes()),
		IdleTime:     field.Opt(t.At("tripIdleTime").Minutes()),
		Distance:     kilometers(t.At("tripDist"), unit),
		AverageSpeed: kilometers(t.At("tripAvgSpeed"), unit),
		MaxSpeed:     kilometers(t.At("tripMaxSpeed"), unit),
	}
}

// summary is the sum of several trips, nil if nothing is said of it.
func summary(t field.Object, unit vehiclev1.DistanceUnit) *vehiclev1.Trip {
	if sum := trip(t, unit); proto.Size(sum) > 0 {
		return sum
	}
	return nil
}

func count(o field.Object) *int32 {
	n, ok := o.NumberIn(0, 10_000)
	return field.Opt(int32(n), ok)
}

// clock reads hhmmss in the car's zone as HH:MM:SS.
func clock(o field.Object) *string {
	text, _ := o.NonEmptyText()
	t, err := time.Parse("150405", strings.ReplaceAll(text, ":", ""))
	return field.Opt(t.Format(time.TimeOnly), o.Understood(err == nil))
}
