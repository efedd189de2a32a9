package sdk_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// refusing is a vendor that says what it is told to, and counts its calls. Its
// clock is the engine's.
type refusing struct {
	sdktest.Vendor
	clock               *clock
	dir                 string
	reads, wakes, lists int
	readErr, wakeErr    error
	silent              bool
	// report is what the car adds to its snapshots.
	report func(*vehiclev1.VehicleData)
	// processes that were started.
	processes []*sdk.Engine
}

func newRefusing(t *testing.T) *refusing {
	t.Helper()
	r := &refusing{clock: newClock(), dir: t.TempDir(), report: func(*vehiclev1.VehicleData) {}}
	snapshot := func() *vehiclev1.VehicleData {
		d := sdktest.Snapshot(r.clock.now(), 50)
		d.Drive = &vehiclev1.Drive{Odometer: proto.Float64(1000)}
		r.report(d)
		return d
	}
	r.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) {
		r.lists++
		return sdktest.Cars("car1", "car2"), nil
	}
	r.CachedFunc = func(context.Context, string) (*vehiclev1.VehicleData, error) {
		r.reads++
		return snapshot(), r.readErr
	}
	r.ForceFunc = func(context.Context, string, time.Time) (*vehiclev1.VehicleData, error) {
		r.wakes++
		d := snapshot()
		if r.silent {
			d.Refresh.Verdict = vehiclev1.Verdict_VERDICT_SILENT.Enum()
			d.Refresh.ObservedAt = proto.Int64(r.clock.now().Add(-time.Hour).UnixMilli())
		}
		return d, r.wakeErr
	}
	return r
}

// start is a process of its own on the same directory.
func (r *refusing) start(t *testing.T) *sdk.Engine {
	t.Helper()
	return r.startAs(t, r)
}

// startAs starts a process of a vendor when those before have everything on the disk.
func (r *refusing) startAs(t *testing.T, vendor sdk.Vendor) *sdk.Engine {
	t.Helper()
	r.flush(t)
	e := bareEngine(t, vendor, sdk.Options{MinReadInterval: -1, Now: r.clock.now})
	_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("secret-1"), StateDir: r.dir})
	require.NoError(t, err)
	r.processes = append(r.processes, e)
	return e
}

func (r *refusing) flush(t *testing.T) {
	t.Helper()
	for _, e := range r.processes {
		require.NoError(t, e.Flush(await.Context(t, "everything is on the disk")))
	}
}

func refusalOf(r shared.Reason, after time.Duration) *shared.APIError {
	e := shared.NewError(r)
	e.RetryAfter, e.VendorCode = after, "5091"
	return e
}

func TestRateLimitClosesTheAccountUntilItsReset(t *testing.T) {
	r := newRefusing(t)
	e := r.start(t)
	r.readErr = refusalOf(shared.ReasonRateLimited, 3*time.Hour)
	_, err := e.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonRateLimited)
	r.readErr = nil

	r.clock.advance(time.Hour)
	for _, car := range []string{"car1", "car2"} {
		_, err = e.RefreshCached(t.Context(), car)
		require.ErrorIs(t, err, shared.ReasonRateLimited)
		api := shared.AsAPIError(err)
		assert.Equal(t, 2*time.Hour, api.RetryAfter)
		assert.Equal(t, "5091", api.VendorCode)
		_, err = e.RefreshForce(t.Context(), car)
		require.ErrorIs(t, err, shared.ReasonRateLimited)
	}
	assert.Equal(t, 1, r.reads, "only the refused call was made")
	assert.Zero(t, r.wakes)
	closed := health(t, e)
	assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_DEGRADED, closed.GetState())
	assert.Equal(t, "rate_limited", closed.GetReason())

	// A restart is no new chance.
	again := bareEngine(t, r, sdk.Options{Now: r.clock.now})
	_, err = again.Initialize(t.Context(), shared.Config{Settings: settings("secret-1"), StateDir: r.dir})
	require.ErrorIs(t, err, shared.ReasonRateLimited)
	assert.Equal(t, 1, r.lists, "the list of the first start")

	r.clock.advance(2*time.Hour + time.Second)
	_, err = e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_READY, health(t, e).GetState())
}

func TestLowAuxBatteryClosesForcedReadsOfThatCarUntilItIsUsed(t *testing.T) {
	refused := sdk.Closes(refusalOf(shared.ReasonGuardRefused, 24*time.Hour), sdk.Closure{Scope: sdk.ScopeWakes, UntilUsed: true})
	for name, report := range map[string]func(*vehiclev1.VehicleData){
		"driven":   func(d *vehiclev1.VehicleData) { d.Drive.Odometer = proto.Float64(1003) },
		"driving":  func(d *vehiclev1.VehicleData) { d.Drive.Running = proto.Bool(true) },
		"charging": func(d *vehiclev1.VehicleData) { d.Charging = &vehiclev1.Charging{Charging: proto.Bool(true)} },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRefusing(t)
			e := r.start(t)
			r.wakeErr = refused
			_, err := e.RefreshForce(t.Context(), "car1")
			require.ErrorIs(t, err, shared.ReasonGuardRefused)
			r.wakeErr = nil
			r.clock.advance(time.Hour)

			_, err = r.start(t).RefreshForce(t.Context(), "car1")
			require.ErrorIs(t, err, shared.ReasonGuardRefused, "after a restart, too")
			d, err := e.RefreshSmart(t.Context(), "car1", time.Nanosecond)
			require.NoError(t, err, "the copy answers")
			assert.NotEqual(t, vehiclev1.Verdict_VERDICT_SILENT, d.GetRefresh().GetVerdict())
			assert.Equal(t, 1, r.wakes)
			_, err = e.RefreshForce(t.Context(), "car2")
			require.NoError(t, err, "another car")
			assert.Equal(t, 2, r.wakes)

			r.report = report
			_, err = e.RefreshCached(t.Context(), "car1")
			require.NoError(t, err)
			_, err = e.RefreshForce(t.Context(), "car1")
			require.NoError(t, err, "the car was used")
		})
	}
}

func TestStrikesCloseAndEachFurtherOneDoubles(t *testing.T) {
	r := newRefusing(t)
	e := r.start(t)
	r.wakeErr = sdk.Closes(refusalOf(shared.ReasonVehicleUnreachable, 10*time.Minute), sdk.Closure{Scope: sdk.ScopeWakes, Strikes: 3})
	force := func() *shared.APIError {
		_, err := e.RefreshForce(t.Context(), "car1")
		return shared.AsAPIError(err)
	}
	for range 3 {
		require.NotNil(t, force())
	}
	assert.Equal(t, 3, r.wakes, "two strikes close nothing")
	for _, minutes := range []int{10, 20, 40, 80} {
		made, pause := r.wakes, time.Duration(minutes)*time.Minute
		assert.Equal(t, pause, force().RetryAfter)
		assert.Equal(t, made, r.wakes)
		r.clock.advance(pause + time.Second)
		require.NotNil(t, force())
		assert.Equal(t, made+1, r.wakes, "one trial")
	}
	r.clock.advance(longest)
	r.wakeErr = nil
	require.Nil(t, force(), "a success ends it")
	r.wakeErr = refusalOf(shared.ReasonVehicleUnreachable, 0)
	require.NotNil(t, force())
	require.Zero(t, force().RetryAfter, "and the strikes begin anew")
}

const longest = 25 * time.Hour

func TestSilentCarIsLeftAlone(t *testing.T) {
	r := newRefusing(t)
	e := r.start(t)
	r.silent = true
	for range 3 {
		d, err := e.RefreshForce(t.Context(), "car1")
		require.NoError(t, err)
		assert.Equal(t, vehiclev1.Verdict_VERDICT_SILENT, d.GetRefresh().GetVerdict())
	}
	_, err := e.RefreshForce(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonVehicleUnreachable)
	assert.Equal(t, 10*time.Minute, shared.AsAPIError(err).RetryAfter)
	assert.Equal(t, 3, r.wakes)
}

func TestVehicleClosureLeavesOtherCarsAlone(t *testing.T) {
	r := newRefusing(t)
	e := r.start(t)
	r.readErr = sdk.Closes(refusalOf(shared.ReasonVehicleUnreachable, 24*time.Hour), sdk.Closure{Scope: sdk.ScopeVehicle})
	_, err := e.RefreshCached(t.Context(), "car1")
	require.Error(t, err)
	r.readErr = nil
	_, err = e.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonVehicleUnreachable)
	_, err = e.RefreshCached(t.Context(), "car2")
	require.NoError(t, err)
	assert.Equal(t, 2, r.reads)
}
