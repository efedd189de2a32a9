package sdk_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// read sets what the car's copy says and reads it.
func (r *refusing) readAs(t *testing.T, e *sdk.Engine, report func(*vehiclev1.VehicleData)) *vehiclev1.VehicleData {
	t.Helper()
	r.report = report
	d, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	return d
}

// TestSnapshotWithoutATime never takes the place of one that has a time, nor does
// it make room for an older one.
func TestSnapshotWithoutATime(t *testing.T) {
	r := newRefusing(t)
	e := r.start(t)
	was := r.clock.now()
	r.readAs(t, e, func(*vehiclev1.VehicleData) {})
	r.clock.advance(time.Hour)
	for name, report := range map[string]func(*vehiclev1.VehicleData){
		"without a time": func(d *vehiclev1.VehicleData) { d.Refresh.ObservedAt = nil; d.Battery.Soc = proto.Float64(7) },
		"empty":          func(d *vehiclev1.VehicleData) { proto.Reset(d) },
		"older": func(d *vehiclev1.VehicleData) {
			d.Refresh.ObservedAt = proto.Int64(was.AddDate(0, -1, 0).UnixMilli())
			d.Battery.Soc = proto.Float64(8)
		},
	} {
		left := health(t, e).GetCounters()["older_snapshots"]
		d := r.readAs(t, e, report)
		assert.InDelta(t, 50, d.GetBattery().GetSoc(), 0, name)
		assert.Equal(t, was.UnixMilli(), d.GetRefresh().GetObservedAt(), name)
		assert.Equal(t, vehiclev1.Verdict_VERDICT_UNCHANGED, d.GetRefresh().GetVerdict(), name)
		assert.Equal(t, left+1, health(t, e).GetCounters()["older_snapshots"], "%s: it is counted", name)
	}
}

// TestCarThatNeverTellsItsTime is believed all the same.
func TestCarThatNeverTellsItsTime(t *testing.T) {
	r := newRefusing(t)
	e := r.start(t)
	for _, soc := range []float64{50, 49, 51} {
		d := r.readAs(t, e, func(d *vehiclev1.VehicleData) { d.Refresh = nil; d.Battery.Soc = &soc })
		assert.InDelta(t, soc, d.GetBattery().GetSoc(), 0)
		assert.Nil(t, d.GetRefresh().Verdict)
	}
}

// TestWhatWasBelievedOutlivesAGap: a report without the value is no reason to
// believe nonsense after it.
func TestWhatWasBelievedOutlivesAGap(t *testing.T) {
	r := newRefusing(t)
	e := r.start(t)
	r.readAs(t, e, func(*vehiclev1.VehicleData) {})
	r.clock.advance(time.Hour)
	d := r.readAs(t, e, func(d *vehiclev1.VehicleData) { d.Battery = nil })
	assert.Nil(t, d.GetBattery(), "what the car no longer tells is not known")
	r.clock.advance(time.Hour)
	e = r.start(t) // also by another process
	d = r.readAs(t, e, func(d *vehiclev1.VehicleData) { d.Battery.Soc = proto.Float64(0) })
	assert.InDelta(t, 50, d.GetBattery().GetSoc(), 0)
	assert.EqualValues(t, 1, d.GetRefresh().GetHeldBackValues())
}

// TestPositionNeverJumpsBack: it has a time of its own.
func TestPositionNeverJumpsBack(t *testing.T) {
	r := newRefusing(t)
	e := r.start(t)
	at := func(latitude float64, age time.Duration) func(*vehiclev1.VehicleData) {
		return func(d *vehiclev1.VehicleData) {
			d.Location = &vehiclev1.Location{Latitude: &latitude, Longitude: proto.Float64(13)}
			if age >= 0 {
				d.Location.ObservedAt = proto.Int64(r.clock.now().Add(-age).UnixMilli())
			}
		}
	}
	for i, step := range []struct {
		report   func(*vehiclev1.VehicleData)
		latitude float64
	}{
		{at(52, time.Hour), 52},
		{at(41, 300*time.Hour), 52},           // of the status document, days old
		{func(*vehiclev1.VehicleData) {}, 52}, // none at all
		{at(42, -1), 52},                      // one that nobody knows the age of
		{at(53, time.Minute), 53},             // a new one
		{at(52, 2*time.Hour-time.Minute), 53}, // the first one again
	} {
		r.clock.advance(time.Minute)
		d := r.readAs(t, e, step.report)
		assert.InDelta(t, step.latitude, d.GetLocation().GetLatitude(), 0, "report %d", i)
	}
}

// TestFaultOfTheClockMakesNoRoomForWhatIsOlder than what was known before it, also
// after a restart.
func TestFaultOfTheClockMakesNoRoomForWhatIsOlder(t *testing.T) {
	r := newRefusing(t)
	e := r.start(t)
	was := r.clock.now()
	r.readAs(t, e, func(*vehiclev1.VehicleData) {})
	at := func(observed time.Time, soc float64) func(*vehiclev1.VehicleData) {
		return func(d *vehiclev1.VehicleData) {
			d.Refresh.ObservedAt, d.Battery.Soc = proto.Int64(observed.UnixMilli()), &soc
		}
	}
	d := r.readAs(t, e, at(was.Add(48*time.Hour), 49))
	assert.InDelta(t, 49, d.GetBattery().GetSoc(), 0)
	for range 2 {
		d = r.readAs(t, e, at(was.Add(-time.Hour), 80))
		assert.InDelta(t, 49, d.GetBattery().GetSoc(), 0)
		require.NoError(t, e.Close(t.Context()))
		e = r.start(t)
	}
	d = r.readAs(t, e, at(was.Add(time.Minute), 48))
	assert.InDelta(t, 48, d.GetBattery().GetSoc(), 0)
	assert.Equal(t, was.Add(time.Minute).UnixMilli(), d.GetRefresh().GetObservedAt())
}
