package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// timetable is a vendor whose cars live in the bubble's time, with a schedule in
// its settings.
type timetable struct {
	sdktest.Vendor
	schedule sdk.Schedule
	limits   sdk.Limits

	mu    sync.Mutex
	reads map[string][]time.Time
	wakes map[string][]time.Time
	// state of the cars' reports; observed is a time of the car's, zero for now.
	state    func(*vehiclev1.VehicleData)
	observed time.Time
	fails    error
}

func (v *timetable) Schedule() sdk.Schedule { return v.schedule }
func (v *timetable) Limits() sdk.Limits     { return v.limits }

func newTimetable(schedule sdk.Schedule, cars ...string) *timetable {
	v := &timetable{schedule: schedule, reads: map[string][]time.Time{}, wakes: map[string][]time.Time{}}
	v.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) {
		list := sdktest.Cars(cars...)
		for _, car := range list {
			car.TimeZone = proto.String("Europe/Berlin")
		}
		return list, nil
	}
	v.CachedFunc = func(_ context.Context, id string) (*vehiclev1.VehicleData, error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.reads[id] = append(v.reads[id], time.Now())
		if v.fails != nil {
			return nil, v.fails
		}
		return v.report(), nil
	}
	v.ForceFunc = func(_ context.Context, id string, _ time.Time) (*vehiclev1.VehicleData, error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.wakes[id] = append(v.wakes[id], time.Now())
		v.observed = time.Now()
		return v.report(), nil
	}
	return v
}

// report is called with mu held.
func (v *timetable) report() *vehiclev1.VehicleData {
	at := v.observed
	if at.IsZero() {
		at = time.Now()
	}
	d := sdktest.Snapshot(at, 50)
	d.Charging, d.Drive = &vehiclev1.Charging{}, &vehiclev1.Drive{Odometer: proto.Float64(1000)}
	if v.state != nil {
		v.state(d)
	}
	return d
}

func (v *timetable) set(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
}

// since are the readings of a car after a time.
func (v *timetable) since(id string, at time.Time) (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, read := range v.reads[id] {
		if read.After(at) {
			n++
		}
	}
	return n
}

func (v *timetable) woken(id string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.wakes[id])
}

// run starts an engine in the bubble's time; end stops it.
func (v *timetable) run(t *testing.T, dir string) (e *sdk.Engine, end func()) {
	t.Helper()
	e = sdk.NewEngine(sdktest.Plugin(v), sdk.Options{})
	_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: dir})
	require.NoError(t, err)
	return e, func() { require.NoError(t, e.Close(context.Background())) }
}

// TestWithoutAScheduleNothingHappens by itself.
func TestWithoutAScheduleNothingHappens(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		v := newTimetable(sdk.Schedule{}, "car1")
		_, end := v.run(t, dir)
		time.Sleep(1000 * time.Hour)
		end()
		assert.Zero(t, v.since("car1", time.Time{}))
	})
}

// TestScheduledDay of a car: parked, driven, parked, charging until full.
func TestScheduledDay(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		v := newTimetable(sdk.Schedule{
			Driving: 10 * time.Minute, Charging: time.Hour, Parked: 10 * time.Minute, Idle: 4 * time.Hour, LongIdle: 24 * time.Hour, AfterCharging: true,
		}, "car1")
		v.observed = time.Now().Add(-time.Hour)
		e, end := v.run(t, dir)
		defer end()
		var mu sync.Mutex
		var brought []*vehiclev1.VehicleData
		ctx, stop := context.WithCancel(t.Context())
		watched := make(chan error, 1)
		go func() {
			watched <- e.Watch(ctx, func(d *vehiclev1.VehicleData) error {
				mu.Lock()
				defer mu.Unlock()
				brought = append(brought, d)
				return nil
			})
		}()
		phase := func(lasts time.Duration, change func()) int {
			before := time.Now()
			v.set(change)
			time.Sleep(lasts)
			return v.since("car1", before)
		}
		assert.InDelta(t, 7, phase(24*time.Hour, func() {}), 1, "it stands")
		assert.Positive(t, phase(4*time.Hour+30*time.Minute, func() {
			v.observed, v.state = time.Time{}, func(d *vehiclev1.VehicleData) { d.Drive.Running = proto.Bool(true) }
		}), "seen at the latest with the next reading")
		assert.InDelta(t, 12, phase(2*time.Hour, func() {}), 2, "it drives")
		v.set(func() { v.observed = time.Now() })
		assert.InDelta(t, 4, phase(40*time.Minute, func() { v.state = nil }), 2, "just parked")
		// Full in 100 minutes by its own word.
		charging := func() {
			v.observed = time.Now()
			v.state = func(d *vehiclev1.VehicleData) {
				d.Charging.Charging, d.Charging.PluggedIn, d.Charging.TimeToLimit = proto.Bool(true), proto.Bool(true), proto.Float64(100)
			}
		}
		v.set(charging)
		_, err := e.RefreshCached(t.Context(), "car1") // somebody looks, and so it is known
		require.NoError(t, err)
		begun := time.Now()
		time.Sleep(99 * time.Minute)
		v.set(func() { v.observed, v.state = time.Now(), nil })
		time.Sleep(3 * time.Minute)
		assert.Equal(t, 2, v.since("car1", begun), "after an hour, and at the end")
		d, err := e.RefreshCached(t.Context(), "car1")
		require.NoError(t, err)
		assert.False(t, d.GetCharging().GetCharging())
		assert.Zero(t, v.woken("car1"), "reading wakes nobody")

		stop()
		require.ErrorIs(t, <-watched, context.Canceled)
		mu.Lock()
		defer mu.Unlock()
		assert.InDelta(t, v.since("car1", time.Time{}), len(brought), 3, "each was handed on, but what commands have read")
		assert.Equal(t, "car1", brought[0].GetVehicle().GetId())
		assert.Equal(t, vehiclev1.Method_METHOD_CACHED, brought[0].GetRefresh().GetMethod())
		assert.EqualValues(t, len(brought), health(t, e).GetCounters()["scheduled.done"])
	})
}

// TestFreshEachMorning: one wake a day, if the car has not told by itself, and none
// where the limits forbid it.
func TestFreshEachMorning(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		six := 6 * time.Hour
		v := newTimetable(sdk.Schedule{FreshAt: &six}, "car1")
		v.observed = time.Now()
		e, end := v.run(t, dir)
		_, err := e.RefreshCached(t.Context(), "car1")
		require.NoError(t, err)
		time.Sleep(10 * 24 * time.Hour)
		end()
		assert.Equal(t, 10, v.woken("car1"))
		berlin, err := time.LoadLocation("Europe/Berlin")
		require.NoError(t, err)
		for _, at := range v.wakes["car1"] {
			assert.Equal(t, 6, at.In(berlin).Hour())
			assert.Less(t, at.In(berlin).Minute(), 2)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		six := 6 * time.Hour
		v := newTimetable(sdk.Schedule{FreshAt: &six}, "car1")
		v.observed = time.Now()
		v.limits = sdk.Limits{Quiet: []sdk.QuietHours{{From: 5 * time.Hour, To: 7 * time.Hour}}}
		_, end := v.run(t, t.TempDir())
		time.Sleep(10 * 24 * time.Hour)
		end()
		assert.InDelta(t, 10, v.woken("car1"), 1, "when the quiet hours are over")
		berlin, err := time.LoadLocation("Europe/Berlin")
		require.NoError(t, err)
		for _, at := range v.wakes["car1"] {
			assert.Equal(t, 7, at.In(berlin).Hour())
		}
	})
}

// TestScheduleUnderTrouble: what is refused is not asked again before its time, and
// the vendor's failures are not made worse.
func TestScheduleUnderTrouble(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		v := newTimetable(sdk.Schedule{Idle: 5 * time.Minute, Parked: 5 * time.Minute, LongIdle: 5 * time.Minute}, "car1")
		limited := shared.NewError(shared.ReasonRateLimited)
		limited.RetryAfter = 6 * time.Hour
		v.fails = limited
		e, end := v.run(t, dir)
		time.Sleep(23 * time.Hour)
		assert.LessOrEqual(t, v.since("car1", time.Time{}), 4)
		h := health(t, e)
		assert.Positive(t, h.GetCounters()["scheduled.postponed"])
		v.set(func() { v.fails = errors.New("without a word") })
		time.Sleep(7 * time.Hour)
		assert.Positive(t, health(t, e).GetCounters()["scheduled.failed"])
		v.set(func() { v.fails = nil })
		before := time.Now()
		time.Sleep(time.Hour)
		assert.InDelta(t, 12, v.since("car1", before), 2)
		end()
	})
}

// TestScheduleIsSetAtRunTime, for one car or all, and outlives the process until the
// settings change.
func TestScheduleIsSetAtRunTime(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		v := newTimetable(sdk.Schedule{}, "car1", "car2")
		e, end := v.run(t, dir)
		set := func(id, schedule string) string {
			t.Helper()
			now, err := e.SetSchedule(t.Context(), id, json.RawMessage(schedule))
			require.NoError(t, err)
			return string(now)
		}
		inAnHour := func() (one, two int) {
			at := time.Now()
			time.Sleep(time.Hour)
			return v.since("car1", at), v.since("car2", at)
		}
		assert.JSONEq(t, `{"parked":"10m0s","idle":"10m0s"}`, set("car1", `{"parked":"10m","idle":"10m"}`))
		one, two := inAnHour()
		assert.InDelta(t, 6, one, 1)
		assert.Zero(t, two)
		set("", `{"parked":"20m","idle":"20m"}`)
		one, two = inAnHour()
		assert.InDelta(t, 6, one, 1, "its own goes first")
		assert.InDelta(t, 3, two, 1)
		end()
		e, end = v.run(t, dir)
		one, two = inAnHour()
		assert.InDelta(t, 6, one, 2, "a restart changes nothing")
		assert.InDelta(t, 3, two, 1)
		assert.JSONEq(t, `{"parked":"20m0s","idle":"20m0s"}`, set("car1", ``), "back to that of all")
		assert.JSONEq(t, `{}`, set("car1", `"off"`))
		one, _ = inAnHour()
		assert.Zero(t, one)
		end()

		v.schedule = sdk.Schedule{Parked: 30 * time.Minute, Idle: 30 * time.Minute, LongIdle: 30 * time.Minute}
		e, end = v.run(t, dir)
		_, two = inAnHour()
		assert.InDelta(t, 2, two, 1, "new settings go before what was set earlier")
		for _, wrong := range []string{`{"idle":"5s"}`, `{"idle":300}`, `{"often":"5m"}`, `[]`, `"sometimes"`, `{"fresh_at":"25:00"}`, `{"wake_if_older":"6h"}`, `{`} {
			_, err := e.SetSchedule(t.Context(), "car2", json.RawMessage(wrong))
			require.ErrorIs(t, err, shared.ReasonInvalidCommand, wrong)
			assert.Contains(t, err.Error(), "docs/schedule.md")
		}
		_, err := e.SetSchedule(t.Context(), "typo", json.RawMessage(`"off"`))
		require.ErrorIs(t, err, shared.ReasonUnknownVehicle)
		_, two = inAnHour()
		assert.InDelta(t, 2, two, 1, "nothing has changed")
		end()
	})
}

// TestPartOfAScheduleIsSet: the rest stays as it is, and the plugin tells what is in force.
func TestPartOfAScheduleIsSet(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		v := newTimetable(sdk.RecommendedSchedule(), "car1", "car2")
		e, end := v.run(t, dir)
		inForce := func(id, preset, schedule string) {
			t.Helper()
			now, err := e.Schedule(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, preset, now.Preset)
			assert.JSONEq(t, schedule, string(now.JSON))
		}
		const recommended = `{"charging":"30m0s","plugged":"3h0m0s","parked":"15m0s","idle":"4h0m0s","long_idle":"12h0m0s","after_charging":true}`
		inForce("car1", "recommended", recommended)
		for change, want := range map[string]string{
			`{"change":{"idle":"90m","plugged":null,"driving":null}}`:  `{"charging":"30m0s","parked":"15m0s","idle":"1h30m0s","long_idle":"12h0m0s","after_charging":true}`,
			`{"change":{"after_charging":false,"wake_if_older":"6h"}}`: `{"charging":"30m0s","plugged":"3h0m0s","parked":"15m0s","idle":"4h0m0s","long_idle":"12h0m0s","wake_if_older":"6h0m0s"}`,
			`{"charging":"5m"}`: `{"charging":"5m0s"}`,
		} {
			_, err := e.SetSchedule(t.Context(), "car1", json.RawMessage(`"recommended"`))
			require.NoError(t, err)
			now, err := e.SetSchedule(t.Context(), "car1", json.RawMessage(change))
			require.NoError(t, err)
			assert.JSONEq(t, want, string(now))
			inForce("car1", "custom", want)
		}
		inForce("car2", "recommended", recommended)
		inForce("", "recommended", recommended)
		_, err := e.SetSchedule(t.Context(), "", json.RawMessage(`{"change":{"idle":"90m"}}`))
		require.NoError(t, err)
		inForce("car2", "custom", strings.Replace(recommended, "4h0m", "1h30m", 1))

		_, err = e.SetSchedule(t.Context(), "car1", json.RawMessage(`"off"`))
		require.NoError(t, err)
		inForce("car1", "off", `{}`)
		for _, wrong := range []string{
			`{"change":{}}`, `{"change":null}`, `{"change":[]}`, `{"change":{"idle":"1h"},"parked":"1h"}`, `{"change":{"often":"1h"}}`,
			`{"change":{"idle":"1s"}}`, `{"change":{"wake_if_older":"6h"}}`,
		} {
			_, err := e.SetSchedule(t.Context(), "car1", json.RawMessage(wrong))
			require.ErrorIs(t, err, shared.ReasonInvalidCommand, wrong)
			inForce("car1", "off", `{}`)
		}
		_, err = e.Schedule(t.Context(), "typo")
		require.ErrorIs(t, err, shared.ReasonUnknownVehicle)
		end()
	})
}

// TestScheduledReadingsLeaveTheReserve to people.
func TestScheduledReadingsLeaveTheReserve(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		v := newTimetable(sdk.Schedule{Idle: 5 * time.Minute, Parked: 5 * time.Minute, LongIdle: 5 * time.Minute}, "car1")
		v.limits = sdk.Limits{CallsPerDay: 50, Reserve: 20}
		e, end := v.run(t, dir)
		time.Sleep(23 * time.Hour)
		assert.Equal(t, 29, v.since("car1", time.Time{}), "and the list")
		_, err := e.RefreshCached(t.Context(), "car1")
		require.NoError(t, err)
		end()
	})
}

// TestFleetOnASchedule: hundreds of cars have their turns one after the other, and
// a command does not wait behind them.
func TestFleetOnASchedule(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var cars []string
		for n := range 500 {
			cars = append(cars, "car"+string(rune('a'+n%26))+time.Duration(n).String())
		}
		v := newTimetable(sdk.Schedule{Idle: 4 * time.Hour, Parked: time.Hour, LongIdle: 12 * time.Hour}, cars...)
		read, most, now := v.CachedFunc, 0, 0
		v.CachedFunc = func(ctx context.Context, id string) (*vehiclev1.VehicleData, error) {
			v.set(func() { now++; most = max(most, now) })
			time.Sleep(time.Second)
			v.set(func() { now-- })
			return read(ctx, id)
		}
		e, end := v.run(t, dir)
		time.Sleep(2 * time.Hour)
		begun := time.Now()
		_, err := e.RefreshForce(t.Context(), cars[7])
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(begun), 3*time.Second)
		time.Sleep(4 * time.Hour)
		end()
		never := 0
		for _, id := range cars {
			if v.since(id, time.Time{}) == 0 {
				never++
			}
		}
		assert.Zero(t, never)
		assert.LessOrEqual(t, most, 9)
	})
}
