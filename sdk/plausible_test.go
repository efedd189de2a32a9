package sdk_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// report is what a car says after some time; want is what is published.
type report struct {
	after    time.Duration
	car, out float64
	// old: the cloud still has the report before.
	old bool
	// restart: the plugin is a new process.
	restart bool
	// gone: the report has no such value.
	gone bool
	// quiet: what is published instead is not told as held back.
	quiet bool
}

func TestImplausibleValuesAreHeldBackUntilSeenTwice(t *testing.T) {
	soc := func(d *vehiclev1.VehicleData, v float64) { d.Battery.Soc = &v }
	odometer := func(d *vehiclev1.VehicleData, v float64) { d.Drive.Odometer = &v }
	withRange := func(d *vehiclev1.VehicleData, v float64) {
		d.Battery.Soc, d.Range = &v, &vehiclev1.Range{Electric: proto.Float64(210)}
	}
	electric := func(d *vehiclev1.VehicleData, v float64) { d.Range = &vehiclev1.Range{Electric: &v} }
	limit := func(d *vehiclev1.VehicleData, v float64) { d.Charging = &vehiclev1.Charging{LimitAc: &v} }
	electricOf := func(d *vehiclev1.VehicleData) *float64 { return d.GetRange().Electric }
	limitOf := func(d *vehiclev1.VehicleData) *float64 { return d.GetCharging().LimitAc }
	socOf := func(d *vehiclev1.VehicleData) *float64 { return d.GetBattery().Soc }
	odometerOf := func(d *vehiclev1.VehicleData) *float64 { return d.GetDrive().Odometer }
	for name, c := range map[string]struct {
		set     func(*vehiclev1.VehicleData, float64)
		get     func(*vehiclev1.VehicleData) *float64
		reports []report
	}{
		"a charge of 0 that is gone again": {soc, socOf, []report{
			{car: 60, out: 60}, {after: time.Hour, car: 0, out: 60}, {after: time.Hour, car: 59, out: 59},
		}},
		"a charge is rounded where it is taken up": {soc, socOf, []report{
			{car: 60.26, out: 60.3, quiet: true}, {after: time.Hour, car: 60.24999, out: 60.2, quiet: true},
		}},
		"an odometer in miles is, too": {odometer, odometerOf, []report{
			{car: 12345.6 * 1.609344, out: 19868.3, quiet: true}, {after: time.Hour, car: 12345.7 * 1.609344, out: 19868.5, quiet: true},
		}},
		"a charge of 0 that the car repeats": {soc, socOf, []report{
			{car: 60, out: 60}, {after: time.Hour, car: 0, out: 60}, {after: time.Minute, car: 0, out: 0},
		}},
		"the same report read twice is one sighting": {soc, socOf, []report{
			{car: 60, out: 60}, {after: time.Hour, car: 0, out: 60}, {after: 6 * time.Second, car: 0, out: 60, old: true},
		}},
		"the same report that stands proves nothing": {soc, socOf, []report{
			{car: 60, out: 60}, {after: time.Hour, car: 0, out: 60}, {after: 48 * time.Hour, car: 0, out: 60, old: true}, {after: time.Hour, car: 0, out: 0},
		}},
		"a charge of 0 beside a range": {withRange, socOf, []report{
			{car: 60, out: 60}, {after: time.Hour, car: 0, out: 60}, {after: time.Hour, car: 0, out: 60}, {after: time.Hour, car: 0, out: 60}, {after: time.Hour, car: 58, out: 58},
		}},
		"a range of 0 beside a charge": {electric, electricOf, []report{
			{car: 200, out: 200}, {after: time.Hour, car: 0, out: 200}, {after: time.Hour, car: 0, out: 200}, {after: time.Hour, car: 180, out: 180},
		}},
		"an odometer that is gone": {odometer, odometerOf, []report{
			{car: 48210, out: 48210}, {after: time.Hour, gone: true, out: 48210}, {after: time.Hour, gone: true, out: 48210, restart: true}, {after: time.Hour, car: 48260, out: 48260},
		}},
		"a charge limit that is gone": {limit, limitOf, []report{
			{car: 90, out: 90}, {after: time.Hour, gone: true, out: 90}, {after: time.Hour, car: 80, out: 80},
		}},
		"a battery that runs down": {soc, socOf, []report{
			{car: 3, out: 3}, {after: time.Hour, car: 0, out: 0},
		}},
		"0 across a restart": {soc, socOf, []report{
			{car: 60, out: 60}, {after: time.Hour, car: 0, out: 60, restart: true}, {after: time.Hour, car: 0, out: 0, restart: true},
		}},
		"0 and a restart, gone again": {soc, socOf, []report{
			{car: 60, out: 60}, {after: time.Hour, car: 0, out: 60}, {after: time.Hour, car: 61, out: 61, restart: true},
		}},
		"an odometer that runs backwards once": {odometer, odometerOf, []report{
			{car: 20000, out: 20000}, {after: time.Hour, car: 12427, out: 20000}, {after: time.Hour, car: 20040, out: 20040},
		}},
		"an odometer never falls": {odometer, odometerOf, []report{
			{car: 20000, out: 20000}, {after: time.Hour, car: 10, out: 20000}, {after: time.Hour, car: 25, out: 20000}, {after: 1000 * time.Hour, car: 25, out: 20000},
		}},
		"a leap that is repeated": {odometer, odometerOf, []report{
			{car: 20000, out: 20000}, {after: time.Hour, car: 65535, out: 20000}, {after: time.Hour, car: 65535, out: 20000}, {after: time.Hour, car: 20050, out: 20050},
		}},
		"an odometer that leaps": {odometer, odometerOf, []report{
			{car: 20000, out: 20000}, {after: time.Hour, car: 65535, out: 20000}, {after: time.Hour, car: 20001, out: 20001},
		}},
		"two different leaps": {odometer, odometerOf, []report{
			{car: 20000, out: 20000}, {after: time.Hour, car: 65535, out: 20000}, {after: time.Hour, car: 999999, out: 20000},
		}},
		"a long drive while the cloud was away": {odometer, odometerOf, []report{
			{car: 20000, out: 20000}, {after: 48 * time.Hour, car: 21500, out: 21500},
		}},
		"rounding of units": {odometer, odometerOf, []report{
			{car: 20000.6, out: 20000.6}, {after: time.Minute, car: 20000, out: 20000.6, quiet: true},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRefusing(t)
			e := r.start(t)
			var observed, believed time.Time
			for i, step := range c.reports {
				r.clock.advance(step.after)
				if !step.old {
					observed = r.clock.now()
				}
				if step.restart {
					e = r.start(t)
				}
				r.report = func(d *vehiclev1.VehicleData) {
					d.Drive.Odometer = nil
					if !step.gone {
						c.set(d, step.car)
					}
					d.Refresh.ObservedAt = proto.Int64(observed.UnixMilli())
				}
				d, err := e.RefreshCached(t.Context(), "car1")
				require.NoError(t, err)
				require.NotNil(t, c.get(d), "report %d", i)
				assert.InDelta(t, step.out, *c.get(d), 1e-9, "report %d", i)
				held := int32(0)
				if step.car != step.out && !step.quiet { //nolint:testifylint // the same literals
					held = 1
				}
				assert.Equal(t, held, d.GetRefresh().GetHeldBackValues(), "report %d", i)
				var earlier []int64
				for _, e := range d.GetRefresh().GetEarlier() {
					earlier = append(earlier, e.GetObservedAt())
				}
				if held == 0 {
					believed = observed
					assert.Empty(t, earlier, "report %d", i)
				} else {
					assert.Equal(t, []int64{believed.UnixMilli()}, earlier, "report %d", i)
				}
			}
		})
	}
}

// TestContradictionWithoutPredecessor: there is nothing that could stand instead.
func TestContradictionWithoutPredecessor(t *testing.T) {
	r := newRefusing(t)
	r.report = func(d *vehiclev1.VehicleData) {
		d.Range = &vehiclev1.Range{Electric: proto.Float64(0), Total: proto.Float64(0), Fuel: proto.Float64(300)}
		d.Fuel = &vehiclev1.Fuel{Level: proto.Float64(0)}
	}
	d, err := r.start(t).RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	assert.Nil(t, d.GetRange().Electric, "half a charge goes some way")
	assert.Nil(t, d.GetRange().Total)
	assert.Nil(t, d.GetFuel().Level, "an empty tank does not")
	assert.InDelta(t, 300, d.GetRange().GetFuel(), 0)
	assert.EqualValues(t, 3, d.GetRefresh().GetHeldBackValues())
}

func TestPercentagesOutOfRangeAreUnknown(t *testing.T) {
	r := newRefusing(t)
	r.report = func(d *vehiclev1.VehicleData) {
		d.AuxBattery = &vehiclev1.AuxBattery{Soc: proto.Float64(255)}
		d.Fuel = &vehiclev1.Fuel{Level: proto.Float64(-1)}
	}
	d, err := r.start(t).RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	assert.Nil(t, d.GetAuxBattery().Soc)
	assert.Nil(t, d.GetFuel().Level)
	assert.NotNil(t, d.GetBattery().Soc)
}

// TestOlderSnapshotNeverOverwritesAcrossRestarts: nor does it prove anything.
func TestOlderSnapshotNeverOverwritesAcrossRestarts(t *testing.T) {
	r := newRefusing(t)
	_, err := r.start(t).RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	was := r.clock.now()
	r.clock.advance(time.Minute)
	r.report = func(d *vehiclev1.VehicleData) {
		d.Battery.Soc = proto.Float64(10)
		d.Refresh.ObservedAt = proto.Int64(was.Add(-time.Hour).UnixMilli())
	}
	d, err := r.start(t).RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	assert.InDelta(t, 50, d.GetBattery().GetSoc(), 1e-9)
	assert.Equal(t, was.UnixMilli(), d.GetRefresh().GetObservedAt())
	assert.Equal(t, r.clock.now().UnixMilli(), d.GetRefresh().GetPolledAt())
	assert.Equal(t, vehiclev1.Verdict_VERDICT_UNCHANGED, d.GetRefresh().GetVerdict())
}

// TestOldTimeOfACarThatDroveOn: the cloud repeats an old time beside new data. What is
// told as new is not.
func TestOldTimeOfACarThatDroveOn(t *testing.T) {
	for name, tc := range map[string]struct {
		odometer, soc float64
	}{
		"driven on":        {12380, 10},
		"parked":           {12345, 50},
		"as far as no car": {99999, 50},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRefusing(t)
			odometer := 12345.0
			r.report = func(d *vehiclev1.VehicleData) { d.Drive.Odometer = &odometer }
			e := r.start(t)
			_, err := e.RefreshCached(t.Context(), "car1")
			require.NoError(t, err)
			was := r.clock.now()
			r.clock.advance(2 * time.Hour)
			r.report = func(d *vehiclev1.VehicleData) {
				d.Battery.Soc, d.Drive.Odometer = proto.Float64(10), &tc.odometer
				d.Refresh.ObservedAt = proto.Int64(was.Add(-time.Minute).UnixMilli())
			}
			d, err := e.RefreshCached(t.Context(), "car1")
			require.NoError(t, err)
			assert.InDelta(t, tc.soc, d.GetBattery().GetSoc(), 0)
			assert.Equal(t, was.UnixMilli(), d.GetRefresh().GetObservedAt(), "it never goes back")
			assert.Equal(t, vehiclev1.Verdict_VERDICT_UNCHANGED, d.GetRefresh().GetVerdict())
		})
	}
}

// TestPositionOfAClockThatIsWrong does not stand for ever.
func TestPositionOfAClockThatIsWrong(t *testing.T) {
	r := newRefusing(t)
	at := func(lat float64, seen time.Time) {
		r.report = func(d *vehiclev1.VehicleData) {
			d.Location = &vehiclev1.Location{Latitude: &lat, Longitude: proto.Float64(9), ObservedAt: proto.Int64(seen.UnixMilli())}
		}
	}
	e := r.start(t)
	for i, step := range []struct {
		lat, out float64
		seen     time.Duration
	}{{48, 48, 0}, {49, 48, -time.Hour}, {50, 50, 24 * time.Hour}, {51, 51, time.Minute}} {
		r.clock.advance(time.Minute)
		at(step.lat, r.clock.now().Add(step.seen))
		d, err := e.RefreshCached(t.Context(), "car1")
		require.NoError(t, err)
		assert.InDelta(t, step.out, d.GetLocation().GetLatitude(), 0, "report %d", i)
	}
}

// TestPowerTrainThatOnlyTheCarShows is told with the rest of the car.
func TestPowerTrainThatOnlyTheCarShows(t *testing.T) {
	r := newRefusing(t)
	r.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return []*vehiclev1.Vehicle{{Id: "car1"}}, nil }
	r.report = func(d *vehiclev1.VehicleData) {
		d.Vehicle = &vehiclev1.Vehicle{EngineType: vehiclev1.EngineType_ENGINE_TYPE_PHEV.Enum()}
	}
	d, err := r.start(t).RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	assert.Equal(t, "car1", d.GetVehicle().GetId())
	assert.Equal(t, vehiclev1.EngineType_ENGINE_TYPE_PHEV, d.GetVehicle().GetEngineType())
}

// TestCarsThatAreGoneAreForgotten: their last position does not stay on disk.
func TestCarsThatAreGoneAreForgotten(t *testing.T) {
	r := newRefusing(t)
	e := r.start(t)
	for _, car := range []string{"car1", "car2"} {
		_, err := e.RefreshCached(t.Context(), car)
		require.NoError(t, err)
	}
	cars := func() int {
		r.flush(t)
		file := filepath.Join(r.dir, "engine", "cars.journal")
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NotContains(t, string(body), `"car1`, "its id is not told")
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		return strings.Count(string(body), "\n")
	}
	assert.Equal(t, 2, cars())
	r.VehiclesFunc = nil // lists car1 only
	r.start(t)
	assert.Equal(t, 1, cars())
}

func TestDamagedSnapshotCostsNothingButItself(t *testing.T) {
	r := newRefusing(t)
	_, err := r.start(t).RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	r.flush(t)
	file := filepath.Join(r.dir, "engine", "cars.journal")
	body, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, damage := range []string{"", "{", strings.Replace(string(body), `"snapshot":"`, `"snapshot":"////`, 1), strings.Repeat("x", 1<<20)} {
		require.NoError(t, os.WriteFile(file, []byte(damage), 0o600))
		_, err = r.start(t).RefreshCached(t.Context(), "car1")
		require.NoError(t, err)
	}
}
