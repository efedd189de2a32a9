package sdk_test

import (
	"context"
	"slices"
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

// TestCountersMoveOnTheHealthStream, but never more often than once a second.
func TestCountersMoveOnTheHealthStream(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		e := sdk.NewEngine(sdktest.Plugin(&sdktest.Vendor{}), sdk.Options{MinReadInterval: -1})
		ctx, cancel := context.WithCancel(t.Context())
		var reads []int64
		var at []time.Duration
		started := time.Now()
		watched := make(chan error, 1)
		go func() {
			watched <- e.WatchHealth(ctx, func(h *vehiclev1.Health) error {
				reads, at = append(reads, h.GetCounters()["vendor_calls.read"]), append(at, time.Since(started))
				return nil
			})
		}()
		synctest.Wait()
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: dir})
		require.NoError(t, err)
		synctest.Wait()
		read := func(times int) {
			for range times {
				_, err := e.RefreshCached(t.Context(), "car1")
				require.NoError(t, err)
			}
			synctest.Wait()
		}
		read(100)
		time.Sleep(1500 * time.Millisecond) // one report, when the second is over
		read(1)
		time.Sleep(10 * time.Second) // one more, and then silence
		read(1)                      // told at once, as far as it has come: the last report is long ago
		time.Sleep(2 * time.Second)  // and a second later for good, if that was not all
		cancel()
		require.ErrorIs(t, <-watched, context.Canceled)
		require.NoError(t, e.Close(context.Background()))
		assert.Equal(t, []int64{0, 100, 101, 102}, slices.Compact(reads))
		want := []time.Duration{0, 0, time.Second, 2 * time.Second, 11500 * time.Millisecond, 12500 * time.Millisecond}
		assert.GreaterOrEqual(t, len(at), 5)
		assert.Equal(t, want[:len(at)], at)
	})
}

// TestHealthHasAPulse: the figures are told once a minute also if nothing happens, and
// a lock that a person has lifted is seen although nobody calls.
func TestHealthHasAPulse(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		s.loginErr, s.renewErr = shared.NewError(shared.ReasonCaptchaRequired), sdk.ErrSessionExpired
		cfg := shared.Config{Settings: settings("secret-1"), StateDir: dir}
		service := sdk.NewEngine(sdktest.Plugin(s), sdk.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		var reports atomic.Int64
		var state atomic.Int32
		is := func() vehiclev1.HealthState { return vehiclev1.HealthState(state.Load()) }
		watched := make(chan error, 1)
		go func() {
			watched <- service.WatchHealth(ctx, func(h *vehiclev1.Health) error {
				reports.Add(1)
				state.Store(int32(h.GetState()))
				return nil
			})
		}()
		_, err := service.Initialize(t.Context(), cfg)
		require.ErrorIs(t, err, shared.ReasonCaptchaRequired)
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN, is())
		before := reports.Load()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		assert.Equal(t, before+10, reports.Load())

		s.set(func() { s.loginErr = nil })
		person := sdk.NewEngine(sdktest.Plugin(s), sdk.Options{Person: true})
		_, err = person.Initialize(t.Context(), cfg)
		require.NoError(t, err)
		require.NoError(t, person.Close(t.Context()))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_STARTING, is(), "the host gives it its settings again")
		_, err = service.Initialize(t.Context(), cfg)
		require.NoError(t, err)
		synctest.Wait()
		assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_READY, is())
		cancel()
		require.ErrorIs(t, <-watched, context.Canceled)
		require.NoError(t, service.Close(context.Background()))
	})
}
