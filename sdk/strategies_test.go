package sdk_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// scripted is a vendor whose one car has an age, and answers wakes as told.
type scripted struct {
	sdktest.Vendor
	clock *clock

	mu       sync.Mutex
	observed time.Time
	reads    atomic.Int32
	wakes    atomic.Int32
	// onWake says what a wake does; nil: the car answers.
	onWake func(since time.Time) (*vehiclev1.VehicleData, error)
	since  time.Time
}

func newScripted(c *clock, age time.Duration) *scripted {
	s := &scripted{clock: c, observed: c.now().Add(-age)}
	s.CachedFunc = func(context.Context, string) (*vehiclev1.VehicleData, error) {
		s.reads.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		return sdktest.Snapshot(s.observed, 50), nil
	}
	s.ForceFunc = func(_ context.Context, _ string, since time.Time) (*vehiclev1.VehicleData, error) {
		s.wakes.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.since = since
		if s.onWake != nil {
			return s.onWake(since)
		}
		s.observed = s.clock.now()
		return sdktest.Snapshot(s.observed, 60), nil
	}
	return s
}

func TestCachedNeverWakesAndReadsOnceInFiveSeconds(t *testing.T) {
	c := newClock()
	s := newScripted(c, time.Hour)
	e := engine(t, s, sdk.Options{Now: c.now})
	first, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	assert.Equal(t, vehiclev1.Source_SOURCE_CACHED, first.GetRefresh().GetSource())
	assert.Equal(t, vehiclev1.Method_METHOD_CACHED, first.GetRefresh().GetMethod())
	assert.Equal(t, c.now().Add(-time.Hour).UnixMilli(), first.GetRefresh().GetObservedAt(), "the car's time, not ours")
	assert.Equal(t, "car1", first.GetVehicle().GetId())

	c.advance(4 * time.Second)
	second, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	assert.Equal(t, vehiclev1.Source_SOURCE_MEMORY, second.GetRefresh().GetSource())
	assert.EqualValues(t, 1, s.reads.Load())

	c.advance(2 * time.Second)
	third, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	assert.Equal(t, vehiclev1.Source_SOURCE_CACHED, third.GetRefresh().GetSource())
	assert.Equal(t, vehiclev1.Verdict_VERDICT_UNCHANGED, third.GetRefresh().GetVerdict())
	assert.EqualValues(t, 2, s.reads.Load())
	assert.Zero(t, s.wakes.Load())
}

func TestForceProvesFreshness(t *testing.T) {
	for name, tc := range map[string]struct {
		onWake  func(c *clock, s *scripted) func(time.Time) (*vehiclev1.VehicleData, error)
		verdict vehiclev1.Verdict
		source  vehiclev1.Source
	}{
		"the car answers": {
			func(*clock, *scripted) func(time.Time) (*vehiclev1.VehicleData, error) { return nil },
			vehiclev1.Verdict_VERDICT_FRESH, vehiclev1.Source_SOURCE_FRESH,
		},
		"the cloud answers with the old state": {
			func(_ *clock, s *scripted) func(time.Time) (*vehiclev1.VehicleData, error) {
				return func(time.Time) (*vehiclev1.VehicleData, error) { return sdktest.Snapshot(s.observed, 50), nil }
			}, vehiclev1.Verdict_VERDICT_UNCHANGED, vehiclev1.Source_SOURCE_CACHED,
		},
		"the car is silent": {
			func(_ *clock, s *scripted) func(time.Time) (*vehiclev1.VehicleData, error) {
				return func(time.Time) (*vehiclev1.VehicleData, error) {
					d := sdktest.Snapshot(s.observed, 50)
					d.Refresh.Verdict = vehiclev1.Verdict_VERDICT_SILENT.Enum()
					return d, nil
				}
			}, vehiclev1.Verdict_VERDICT_SILENT, vehiclev1.Source_SOURCE_CACHED,
		},
		"the vendor claims freshness without proof": {
			func(_ *clock, s *scripted) func(time.Time) (*vehiclev1.VehicleData, error) {
				return func(time.Time) (*vehiclev1.VehicleData, error) {
					d := sdktest.Snapshot(s.observed, 50)
					d.Refresh.Verdict, d.Refresh.Source = vehiclev1.Verdict_VERDICT_FRESH.Enum(), vehiclev1.Source_SOURCE_FRESH.Enum()
					return d, nil
				}
			}, vehiclev1.Verdict_VERDICT_UNCHANGED, vehiclev1.Source_SOURCE_CACHED,
		},
		"the car's clock is a day ahead": {
			func(c *clock, _ *scripted) func(time.Time) (*vehiclev1.VehicleData, error) {
				return func(time.Time) (*vehiclev1.VehicleData, error) {
					return sdktest.Snapshot(c.now().Add(24*time.Hour), 50), nil
				}
			}, vehiclev1.Verdict_VERDICT_UNSPECIFIED, vehiclev1.Source_SOURCE_CACHED,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			s := newScripted(c, time.Hour)
			before := s.observed
			s.onWake = tc.onWake(c, s)
			e := engine(t, s, sdk.Options{Now: c.now})
			d, err := e.RefreshForce(t.Context(), "car1")
			require.NoError(t, err)
			assert.Equal(t, tc.verdict, d.GetRefresh().GetVerdict())
			assert.Equal(t, tc.source, d.GetRefresh().GetSource())
			assert.Equal(t, vehiclev1.Method_METHOD_FORCE, d.GetRefresh().GetMethod())
			assert.EqualValues(t, 1, s.wakes.Load())
			assert.True(t, before.Equal(s.since), "the vendor is told the car's time before the wake")
			assert.EqualValues(t, 1, s.reads.Load(), "which was read first")
		})
	}
}

func TestOlderSnapshotsNeverOverwrite(t *testing.T) {
	c := newClock()
	s := newScripted(c, time.Hour)
	e := engine(t, s, sdk.Options{Now: c.now})
	newest, err := e.RefreshForce(t.Context(), "car1")
	require.NoError(t, err)
	s.mu.Lock()
	s.observed = c.now().Add(-2 * time.Hour) // the cloud jumps back
	s.mu.Unlock()
	c.advance(10 * time.Second)
	d, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	assert.Equal(t, newest.GetRefresh().GetObservedAt(), d.GetRefresh().GetObservedAt())
	assert.InDelta(t, 60, d.GetBattery().GetSoc(), 0.001)
}

// TestForceOfACarThatTheCloudHasNoCopyOf: the copy is only the baseline, the
// car itself may well answer.
func TestForceOfACarThatTheCloudHasNoCopyOf(t *testing.T) {
	for name, tc := range map[string]struct {
		read  error
		wakes int32
	}{
		"no copy":         {shared.NewError(shared.ReasonVehicleUnreachable), 1},
		"cloud not there": {shared.NewError(shared.ReasonVendorUnavailable), 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			s := newScripted(c, time.Hour)
			s.CachedFunc = func(context.Context, string) (*vehiclev1.VehicleData, error) { return nil, tc.read }
			e := engine(t, s, sdk.Options{Now: c.now})
			d, err := e.RefreshForce(t.Context(), "car1")
			assert.Equal(t, tc.wakes, s.wakes.Load())
			if tc.wakes == 0 {
				require.ErrorIs(t, err, shared.ReasonVendorUnavailable)
				return
			}
			require.NoError(t, err)
			assert.True(t, s.since.IsZero(), "nothing is known of the car")
			assert.Equal(t, vehiclev1.Verdict_VERDICT_FRESH, d.GetRefresh().GetVerdict())
		})
	}
}

func TestSmart(t *testing.T) {
	unreachable := func(time.Time) (*vehiclev1.VehicleData, error) {
		e := shared.NewError(shared.ReasonVehicleUnreachable)
		e.RetryAfter = 90 * time.Second
		return nil, e
	}
	refused := func(time.Time) (*vehiclev1.VehicleData, error) {
		return nil, shared.NewError(shared.ReasonGuardRefused)
	}
	for name, tc := range map[string]struct {
		age, maxAge time.Duration
		onWake      func(time.Time) (*vehiclev1.VehicleData, error)
		wakes       int32
		verdict     vehiclev1.Verdict
		reason      string
		retry       int64
	}{
		"young enough":              {age: time.Minute, maxAge: 2 * time.Minute, verdict: vehiclev1.Verdict_VERDICT_FRESH},
		"exactly the limit":         {age: 2 * time.Minute, maxAge: 2 * time.Minute, verdict: vehiclev1.Verdict_VERDICT_FRESH},
		"default of five minutes":   {age: 4 * time.Minute, verdict: vehiclev1.Verdict_VERDICT_FRESH},
		"too old":                   {age: time.Hour, maxAge: time.Minute, wakes: 1, verdict: vehiclev1.Verdict_VERDICT_FRESH},
		"too old, car unreachable":  {age: time.Hour, maxAge: time.Minute, onWake: unreachable, wakes: 1, verdict: vehiclev1.Verdict_VERDICT_STALE, reason: "vehicle_unreachable", retry: 90},
		"too old, wake refused":     {age: time.Hour, maxAge: time.Minute, onWake: refused, wakes: 1, verdict: vehiclev1.Verdict_VERDICT_STALE, reason: "guard_refused"},
		"older than a default hour": {age: 6 * time.Minute, wakes: 1, verdict: vehiclev1.Verdict_VERDICT_FRESH},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			s := newScripted(c, tc.age)
			s.onWake = tc.onWake
			e := engine(t, s, sdk.Options{Now: c.now})
			d, err := e.RefreshSmart(t.Context(), "car1", tc.maxAge)
			require.NoError(t, err)
			assert.Equal(t, tc.wakes, s.wakes.Load())
			assert.Equal(t, tc.verdict, d.GetRefresh().GetVerdict())
			assert.Equal(t, tc.reason, d.GetRefresh().GetReason())
			assert.Equal(t, tc.retry, d.GetRefresh().GetRetryAfterSeconds())
			assert.Equal(t, vehiclev1.Method_METHOD_SMART, d.GetRefresh().GetMethod())
		})
	}
}

func TestSmartOfACarWithoutATimeIsACachedRead(t *testing.T) {
	v := &sdktest.Vendor{
		CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
			return sdktest.Snapshot(time.Time{}, 50), nil
		},
		ForceFunc: func(context.Context, string, time.Time) (*vehiclev1.VehicleData, error) {
			t.Error("the car was woken")
			return sdktest.Snapshot(time.Time{}, 50), nil
		},
	}
	d, err := engine(t, v, sdk.Options{}).RefreshSmart(t.Context(), "car1", time.Second)
	require.NoError(t, err)
	assert.Nil(t, d.GetRefresh().Verdict)
}

// TestThousandSmartsAreOneWake: a thousand equal requests are one read of the
// cloud and one wake of the car.
func TestThousandSmartsAreOneWake(t *testing.T) {
	c := newClock()
	s := newScripted(c, time.Hour)
	release := make(chan struct{})
	s.onWake = func(time.Time) (*vehiclev1.VehicleData, error) {
		<-release
		// The clock stands still here; the car's time does not.
		return sdktest.Snapshot(c.now().Add(time.Duration(s.wakes.Load())*time.Second), 60), nil
	}
	e := engine(t, s, sdk.Options{Now: c.now})
	var all sync.WaitGroup
	var fresh atomic.Int32
	for range 1000 {
		all.Go(func() {
			d, err := e.RefreshSmart(context.Background(), "car1", time.Minute)
			if err == nil && d.GetRefresh().GetVerdict() == vehiclev1.Verdict_VERDICT_FRESH {
				fresh.Add(1)
			}
		})
	}
	await.True(t, "the car is being woken", func() bool { return s.wakes.Load() == 1 })
	// A force that comes now is served by the same wake.
	forced := make(chan error, 1)
	go func() {
		_, err := e.RefreshForce(context.Background(), "car1")
		forced <- err
	}()
	close(release)
	all.Wait()
	require.NoError(t, <-forced)
	assert.EqualValues(t, 1000, fresh.Load())
	assert.LessOrEqual(t, s.wakes.Load(), int32(2), "one, and one more only if the force came after its end")
	assert.EqualValues(t, 1, s.reads.Load())
}

// TestFortySleepingCars: cars that are being woken hold nobody else up. The
// order of events is asserted, not a time.
func TestFortySleepingCars(t *testing.T) {
	c := newClock()
	ids := make([]string, 41)
	for i := range ids {
		ids[i] = "car" + string(rune('A'+i))
	}
	release := make(chan struct{})
	var waking, ended atomic.Int32
	v := &sdktest.Vendor{
		VehiclesFunc: func(context.Context) ([]*vehiclev1.Vehicle, error) { return sdktest.Cars(ids...), nil },
		CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
			return sdktest.Snapshot(c.now(), 50), nil
		},
		ForceFunc: func(context.Context, string, time.Time) (*vehiclev1.VehicleData, error) {
			waking.Add(1)
			<-release
			ended.Add(1)
			return sdktest.Snapshot(c.now(), 60), nil
		},
	}
	e := engine(t, v, sdk.Options{Now: c.now})
	var all sync.WaitGroup
	for _, id := range ids[:40] {
		all.Go(func() { _, _ = e.RefreshForce(context.Background(), id) })
	}
	await.True(t, "all 32 workers wait for cars", func() bool { return waking.Load() == 32 })
	_, err := e.RefreshCached(t.Context(), ids[40])
	require.NoError(t, err)
	_, err = e.RefreshCached(t.Context(), ids[0])
	require.NoError(t, err, "nor does a read wait for its own sleeping car")
	assert.Zero(t, ended.Load(), "no wake had ended")
	close(release)
	all.Wait()
	assert.EqualValues(t, 40, ended.Load())
}
