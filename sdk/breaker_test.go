package sdk_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// failing is a vendor whose reads fail with an error that can be changed.
func failing() (*sdktest.Vendor, *atomic.Pointer[error], *atomic.Int32) {
	next, calls := &atomic.Pointer[error]{}, &atomic.Int32{}
	return &sdktest.Vendor{CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
		calls.Add(1)
		if err := next.Load(); err != nil {
			return nil, *err
		}
		return sdktest.Snapshot(time.Now(), 1), nil
	}}, next, calls
}

func set(p *atomic.Pointer[error], err error) { p.Store(&err) }

func TestBreakerOpensAfterFiveFailuresInARow(t *testing.T) {
	v, next, calls := failing()
	e := engine(t, v, sdk.Options{MinReadInterval: -1})
	refresh := func() error { _, err := e.RefreshCached(t.Context(), "car1"); return err }

	set(next, shared.NewError(shared.ReasonVendorUnavailable))
	for range 4 {
		require.ErrorIs(t, refresh(), shared.ReasonVendorUnavailable)
	}
	next.Store(nil)
	require.NoError(t, refresh(), "a success in between starts the count anew")
	set(next, shared.NewError(shared.ReasonVendorTimeout))
	for range 5 {
		require.ErrorIs(t, refresh(), shared.ReasonVendorTimeout)
	}
	calls.Store(0)
	err := refresh()
	require.ErrorIs(t, err, shared.CircuitBreakerOpenError)
	assert.Zero(t, calls.Load(), "an open breaker calls nobody")
	retry := shared.AsAPIError(err).RetryAfter
	assert.Greater(t, retry, 50*time.Second)
	assert.LessOrEqual(t, retry, 60*time.Second)
}

func TestBreakerLetsOneTrialThrough(t *testing.T) {
	v, next, calls := failing()
	e := engine(t, v, sdk.Options{MinReadInterval: -1, BreakerFailures: 2, BreakerTimeout: 30 * time.Millisecond})
	refresh := func() error { _, err := e.RefreshCached(t.Context(), "car1"); return err }
	set(next, shared.NewError(shared.ReasonVendorUnavailable))
	for range 2 {
		require.Error(t, refresh())
	}
	calls.Store(0)
	eventually(t, "the trial is let through, and fails", func() bool {
		return errors.Is(refresh(), shared.ReasonVendorUnavailable)
	})
	require.ErrorIs(t, refresh(), shared.ReasonCircuitOpen, "open again")
	assert.EqualValues(t, 1, calls.Load())
	next.Store(nil)
	eventually(t, "closed again", func() bool { return refresh() == nil })
}

// TestOnlyTheVendorsFailuresCount: whatever else goes wrong, nobody is shut out.
func TestOnlyTheVendorsFailuresCount(t *testing.T) {
	counting := map[shared.Reason]bool{
		shared.ReasonVendorUnavailable: true, shared.ReasonVendorTimeout: true,
		shared.ReasonInvalidResponse: true, shared.ReasonRateLimited: true,
	}
	for _, r := range shared.Reasons() {
		t.Run(string(r), func(t *testing.T) {
			v, next, _ := failing()
			e := engine(t, v, sdk.Options{MinReadInterval: -1})
			set(next, shared.NewError(r))
			for range 6 {
				_, err := e.RefreshCached(t.Context(), "car1")
				require.Error(t, err)
			}
			next.Store(nil)
			_, err := e.RefreshCached(t.Context(), "car1")
			assert.Equal(t, counting[r], errors.Is(err, shared.ReasonCircuitOpen))
		})
	}
	t.Run("cancelled callers", func(t *testing.T) {
		v := &sdktest.Vendor{CachedFunc: func(ctx context.Context, _ string) (*vehiclev1.VehicleData, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		e := engine(t, v, sdk.Options{MinReadInterval: -1})
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_, err := e.RefreshCached(ctx, "car1")
			cancel()
			require.ErrorIs(t, err, shared.ReasonDeadlineExceeded)
		}
		v.CachedFunc = nil
		_, err := e.RefreshCached(t.Context(), "car1")
		require.NoError(t, err)
	})
}
