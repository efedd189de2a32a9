package sdk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// reported is a snapshot of a car by its own time.
func reported(at time.Time, change func(*vehiclev1.VehicleData)) *vehiclev1.VehicleData {
	d := &vehiclev1.VehicleData{
		Charging: &vehiclev1.Charging{}, Drive: &vehiclev1.Drive{Odometer: proto.Float64(1000)},
		Refresh: &vehiclev1.Refresh{ObservedAt: proto.Int64(at.UnixMilli()), PolledAt: proto.Int64(at.UnixMilli())},
	}
	if change != nil {
		change(d)
	}
	return d
}

func TestScheduleByWhatTheCarDoes(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	s := Schedule{
		Driving: 5 * time.Minute, Charging: 20 * time.Minute, Plugged: time.Hour, Parked: 10 * time.Minute,
		Idle: 4 * time.Hour, LongIdle: 12 * time.Hour, AfterCharging: true,
	}
	charging := func(minutes float64) func(*vehiclev1.VehicleData) {
		return func(d *vehiclev1.VehicleData) {
			d.Charging.Charging, d.Charging.PluggedIn = proto.Bool(true), proto.Bool(true)
			if minutes > 0 {
				d.Charging.TimeToLimit = &minutes
			}
		}
	}
	for name, tc := range map[string]struct {
		state func(*vehiclev1.VehicleData)
		// age of the car's report, and of the last reading.
		age, read time.Duration
		without   func(*Schedule)
		// in is when it is the car's turn, about; negative: never.
		in time.Duration
	}{
		"driving":                             {func(d *vehiclev1.VehicleData) { d.Drive.Running = proto.Bool(true) }, 0, 0, nil, 5 * time.Minute},
		"charging":                            {charging(0), 0, 0, nil, 20 * time.Minute},
		"charging, soon full":                 {charging(7), 0, 0, nil, 8 * time.Minute},
		"charging, full in hours":             {charging(300), 0, 0, nil, 20 * time.Minute},
		"charging, should be full":            {charging(30), time.Hour, 10 * time.Minute, nil, 0},
		"charging, full when nobody cares":    {charging(7), 0, 0, func(s *Schedule) { s.AfterCharging = false }, 20 * time.Minute},
		"charging, only its end":              {charging(90), 0, 0, func(s *Schedule) { *s = Schedule{AfterCharging: true} }, 91 * time.Minute},
		"plugged in":                          {func(d *vehiclev1.VehicleData) { d.Charging.PluggedIn = proto.Bool(true) }, 0, 0, nil, time.Hour},
		"just parked":                         {nil, 10 * time.Minute, 2 * time.Minute, nil, 8 * time.Minute},
		"stands":                              {nil, 5 * time.Hour, time.Hour, nil, 3 * time.Hour},
		"has stood for long":                  {nil, 100 * time.Hour, time.Hour, nil, 11 * time.Hour},
		"stands, and that is not to be known": {nil, 5 * time.Hour, time.Hour, func(s *Schedule) { s.Idle = 0 }, -1},
		"overdue":                             {nil, 5 * time.Hour, 9 * time.Hour, nil, 0},
		"off":                                 {nil, 5 * time.Hour, time.Hour, func(s *Schedule) { *s = Schedule{} }, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := s
			if tc.without != nil {
				tc.without(&plan)
			}
			d := reported(noon.Add(-tc.age), tc.state)
			d.Refresh.PolledAt = proto.Int64(noon.Add(-tc.read).UnixMilli())
			car := &turn{begun: noon.Add(-24 * time.Hour)}
			car.note(d)
			due, fresh, ok := plan.next("car1", car, d, time.UTC, noon)
			require.Equal(t, tc.in >= 0, ok)
			assert.False(t, fresh)
			if ok {
				assert.InDelta(t, tc.in.Minutes(), max(0, due.Sub(noon)).Minutes(), tc.in.Minutes()*.1+.1)
			}
		})
	}
}

// TestScheduleOfAStart: what was read by an earlier process is not read at once, and
// the cars not together.
func TestScheduleOfAStart(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	s, seen := RecommendedSchedule(), map[time.Time]bool{}
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		due, _, ok := s.next(id, &turn{begun: noon}, nil, time.UTC, noon)
		require.True(t, ok)
		assert.False(t, due.Before(noon))
		assert.Less(t, due.Sub(noon), 30*time.Minute)
		seen[due] = true
	}
	assert.Greater(t, len(seen), 6)
}

func TestFreshOnceADay(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	at := func(text string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
		require.NoError(t, err)
		return v
	}
	five := 5 * time.Hour
	plan := Schedule{FreshAt: &five}
	for name, tc := range map[string]struct {
		now, observed string
		turn          turn
		due           string
	}{
		"before":                 {"2026-07-01 04:00", "2026-06-30 18:00", turn{}, "2026-07-01 05:00"},
		"now":                    {"2026-07-01 05:00", "2026-06-30 18:00", turn{}, "2026-07-01 05:00"},
		"a little late":          {"2026-07-01 06:30", "2026-06-30 18:00", turn{}, "2026-07-01 05:00"},
		"far too late":           {"2026-07-01 08:01", "2026-06-30 18:00", turn{}, "2026-07-02 05:00"},
		"the car has just told":  {"2026-07-01 05:10", "2026-07-01 04:30", turn{}, "2026-07-02 05:00"},
		"tried, and silent":      {"2026-07-01 05:10", "2026-06-30 18:00", turn{freshDay: "2026-07-01", fresh: 1, freshTried: at("2026-07-01 05:00")}, "2026-07-01 06:00"},
		"tried often enough":     {"2026-07-01 07:10", "2026-06-30 18:00", turn{freshDay: "2026-07-01", fresh: 3, freshTried: at("2026-07-01 07:00")}, "2026-07-02 05:00"},
		"tried yesterday":        {"2026-07-01 05:00", "2026-06-29 18:00", turn{freshDay: "2026-06-30", fresh: 3, freshTried: at("2026-06-30 07:00")}, "2026-07-01 05:00"},
		"refused until six":      {"2026-07-01 05:00", "2026-06-30 18:00", turn{notBefore: at("2026-07-01 06:00")}, "2026-07-01 06:00"},
		"a clock that is ahead":  {"2026-07-01 05:00", "2027-01-01 00:00", turn{}, "2026-07-01 05:00"},
		"the day summer begins":  {"2026-03-29 01:00", "2026-03-28 18:00", turn{}, "2026-03-29 05:00"},
		"the evening before":     {"2026-03-28 23:00", "2026-03-28 18:00", turn{}, "2026-03-29 05:00"},
		"the day it ends, twice": {"2026-10-25 01:30", "2026-10-24 18:00", turn{}, "2026-10-25 05:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := at(tc.now)
			due, fresh, ok := plan.next("car1", &tc.turn, reported(at(tc.observed), nil), berlin, now.UTC())
			require.True(t, ok)
			assert.True(t, fresh)
			if want := at(tc.due); want.After(now) || due.After(now) {
				assert.Equal(t, want, due)
			}
		})
	}
	late := at("2026-07-01 06:30")
	assert.Equal(t, 150*time.Minute, plan.freshAge(late), "the report of four o'clock is good enough")
}

// TestUseOfACar is seen in what it tells, and outlives what it no longer tells.
func TestUseOfACar(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	car := &turn{}
	car.note(reported(noon, nil))
	assert.Equal(t, noon, car.usedAt.UTC(), "as good a guess as any")
	car.note(reported(noon.Add(time.Hour), nil))
	assert.Equal(t, noon, car.usedAt.UTC(), "a report is no use")
	car.note(reported(noon.Add(2*time.Hour), func(d *vehiclev1.VehicleData) { d.Charging.PluggedIn = proto.Bool(true) }))
	assert.Equal(t, noon.Add(2*time.Hour), car.usedAt.UTC())
	car.note(reported(noon.Add(3*time.Hour), func(d *vehiclev1.VehicleData) { d.Drive.Odometer = proto.Float64(1012) }))
	assert.Equal(t, noon.Add(3*time.Hour), car.usedAt.UTC(), "it was driven meanwhile")
	car.note(reported(noon.Add(time.Hour), func(d *vehiclev1.VehicleData) { d.Drive.Running = proto.Bool(true) }))
	assert.Equal(t, noon.Add(3*time.Hour), car.usedAt.UTC(), "old news")
}
