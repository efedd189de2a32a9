package sdk_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// deafVendor does not hear that time is up, for cars named deaf…, until it is
// released.
type deafVendor struct {
	sdktest.Vendor
	release chan struct{}
	running atomic.Int32
}

func newDeafVendor() *deafVendor {
	v := &deafVendor{release: make(chan struct{})}
	v.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) {
		return sdktest.Cars("deaf1", "deaf2", "deaf3", "deaf4", "well"), nil
	}
	v.CachedFunc = func(_ context.Context, id string) (*vehiclev1.VehicleData, error) {
		if id != "well" {
			v.running.Add(1)
			defer v.running.Add(-1)
			<-v.release
		}
		return sdktest.Snapshot(time.Now(), 50), nil
	}
	return v
}

func within(t *testing.T, limit time.Duration, do func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return do(ctx)
}

// TestCallThatIgnoresItsContext is left behind and counted; its worker takes the
// next job.
func TestCallThatIgnoresItsContext(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		v := newDeafVendor()
		var gaveUp atomic.Int32
		e := sdk.NewEngine(sdktest.Plugin(v), sdk.Options{Workers: 1, MaxStrays: 4, GiveUp: func() { gaveUp.Add(1) }, MinReadInterval: -1})
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: dir})
		require.NoError(t, err)
		read := func(id string) func(context.Context) error {
			return func(ctx context.Context) error { _, err := e.RefreshCached(ctx, id); return err }
		}
		state := func() vehiclev1.HealthState { return health(t, e).GetState() }

		begun := time.Now()
		require.ErrorIs(t, within(t, 10*time.Second, read("deaf1")), context.DeadlineExceeded)
		assert.Equal(t, 10*time.Second, time.Since(begun), "the caller does not wait for it")
		require.NoError(t, within(t, 30*time.Second, read("well")))
		assert.Equal(t, 30*time.Second, time.Since(begun), "the only worker is free when its time and the grace are over")
		assert.Equal(t, int64(1), health(t, e).GetCounters()["calls_abandoned"])
		assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_READY, state(), "one is no reason to worry")

		require.ErrorIs(t, within(t, time.Minute, read("deaf1")), shared.ReasonVendorTimeout, "the same car may be asked again")
		require.NoError(t, within(t, 10*time.Second, read("well")))
		h := health(t, e)
		assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_DEGRADED, h.GetState())
		assert.Equal(t, string(shared.ReasonInternal), h.GetReason())
		assert.Contains(t, h.GetSentence(), "2 calls to the vendor have not ended")
		assert.Contains(t, h.GetSentence(), "at 4 the plugin starts anew")

		require.ErrorIs(t, within(t, time.Minute, read("deaf2")), shared.ReasonVendorTimeout)
		assert.Zero(t, gaveUp.Load())
		require.ErrorIs(t, within(t, time.Minute, read("deaf3")), shared.ReasonVendorTimeout)
		require.ErrorIs(t, within(t, time.Minute, read("deaf4")), shared.ReasonVendorTimeout)
		assert.EqualValues(t, 1, gaveUp.Load(), "five are left behind, and that is told once")

		close(v.release)
		synctest.Wait()
		assert.Zero(t, v.running.Load())
		assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_READY, state(), "all of them have ended after all")
		require.NoError(t, e.Close(context.Background()))
	})
}

// TestDeafTrialOfTheBreaker: the trial that is left behind has failed, and must not keep
// the breaker waiting for its outcome.
func TestDeafTrialOfTheBreaker(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		v := newDeafVendor()
		deaf := v.CachedFunc
		var down atomic.Bool
		down.Store(true)
		v.CachedFunc = func(ctx context.Context, id string) (*vehiclev1.VehicleData, error) {
			if down.Load() {
				return nil, shared.NewError(shared.ReasonVendorUnavailable)
			}
			return deaf(ctx, id)
		}
		e := sdk.NewEngine(sdktest.Plugin(v), sdk.Options{BreakerFailures: 2, MinReadInterval: -1})
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: dir})
		require.NoError(t, err)
		for _, id := range []string{"well", "deaf1"} {
			_, err = e.RefreshCached(t.Context(), id)
			require.ErrorIs(t, err, shared.ReasonVendorUnavailable)
		}
		_, err = e.RefreshCached(t.Context(), "well")
		require.ErrorIs(t, err, shared.ReasonCircuitOpen)
		time.Sleep(61 * time.Second)
		down.Store(false)
		require.ErrorIs(t, within(t, time.Second, func(ctx context.Context) error {
			_, err := e.RefreshCached(ctx, "deaf1")
			return err
		}), context.DeadlineExceeded)
		_, err = e.RefreshCached(t.Context(), "well")
		require.ErrorIs(t, err, shared.ReasonCircuitOpen, "the trial is still under way")
		time.Sleep(30 * time.Second)
		_, err = e.RefreshCached(t.Context(), "well")
		require.ErrorIs(t, err, shared.ReasonCircuitOpen, "it has failed")
		assert.InDelta(t, time.Minute, shared.AsAPIError(err).RetryAfter, float64(time.Second))
		time.Sleep(61 * time.Second)
		_, err = e.RefreshCached(t.Context(), "well")
		require.NoError(t, err, "the next trial")
		close(v.release)
		require.NoError(t, e.Close(context.Background()))
	})
}

// TestDeafLogin ends for all who wait for it, and is not repeated at once.
func TestDeafLogin(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var logins atomic.Int32
		v := &sdktest.Vendor{
			LoginFunc: func(context.Context) error {
				logins.Add(1)
				<-release
				return nil
			},
			VehiclesFunc: func(context.Context) ([]*vehiclev1.Vehicle, error) { return nil, sdk.ErrSessionExpired },
		}
		e := sdk.NewEngine(sdktest.Plugin(v), sdk.Options{})
		initialize := func() error {
			_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: dir})
			return err
		}
		begun := time.Now()
		require.Error(t, initialize())
		assert.Equal(t, 95*time.Second, time.Since(begun), "a login's time, and the grace")
		assert.Error(t, initialize())
		assert.EqualValues(t, 1, logins.Load(), "the pause begins when it has failed")
		time.Sleep(6 * time.Minute) // the password may be with the vendor
		assert.Error(t, initialize())
		assert.EqualValues(t, 2, logins.Load())
		time.Sleep(6 * time.Minute)
		assert.Error(t, initialize())
		assert.EqualValues(t, 2, logins.Load(), "the pauses grow")
		close(release)
		require.NoError(t, e.Close(context.Background()))
	})
}

// TestPanicInACall is contained where it happens.
func TestPanicInACall(t *testing.T) {
	v := &sdktest.Vendor{CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) { panic("no map") }}
	e := engine(t, v, sdk.Options{})
	for range 3 {
		_, err := e.RefreshCached(t.Context(), "car1")
		require.ErrorIs(t, err, shared.ReasonInternal)
	}
}

// blocking is a log that takes no line about a job before release.
type blocking struct {
	slog.Handler
	release chan struct{}
}

func (b blocking) Enabled(context.Context, slog.Level) bool { return true }

func (b blocking) WithAttrs([]slog.Attr) slog.Handler { return b }

func (b blocking) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "worker completed" {
		<-b.release
	}
	return nil
}

// TestWorkersThatAreStuck on something else than a call of the vendor's, as a disk that
// does not answer, are told to the host.
func TestWorkersThatAreStuck(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		log := blocking{release: make(chan struct{}), Handler: slog.DiscardHandler}
		e := sdk.NewEngine(sdktest.Plugin(newDeafVendor()), sdk.Options{Workers: 2, Logger: slog.New(log), MinReadInterval: -1})
		stuck := func() int64 { return health(t, e).GetGauges()["workers_stuck"] }
		go func() { _, _ = e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: dir}) }()
		synctest.Wait()
		time.Sleep(9 * time.Minute)
		assert.Zero(t, stuck(), "so long the calls of a job may last")
		time.Sleep(2 * time.Minute)
		assert.EqualValues(t, 1, stuck())
		close(log.release)
		synctest.Wait()
		assert.Zero(t, stuck())
		require.NoError(t, e.Close(t.Context()))
	})
}
