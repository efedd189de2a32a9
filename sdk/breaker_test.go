package sdk_test

import (
	"context"
	"errors"
	"sync"
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
	synctest.Test(t, func(t *testing.T) {
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
		assert.Equal(t, 60*time.Second, retry)
	})
}

func TestBreakerLetsOneTrialThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, next, calls := failing()
		const timeout = 30 * time.Second
		e := engine(t, v, sdk.Options{MinReadInterval: -1, BreakerFailures: 2, BreakerTimeout: timeout})
		refresh := func() error { _, err := e.RefreshCached(t.Context(), "car1"); return err }
		set(next, shared.NewError(shared.ReasonVendorUnavailable))
		for range 2 {
			require.Error(t, refresh())
		}
		calls.Store(0)
		time.Sleep(timeout)
		require.ErrorIs(t, refresh(), shared.ReasonCircuitOpen, "for all that time")

		time.Sleep(time.Millisecond)
		require.ErrorIs(t, refresh(), shared.ReasonVendorUnavailable, "the trial is let through, and fails")
		require.ErrorIs(t, refresh(), shared.ReasonCircuitOpen, "open again")
		assert.EqualValues(t, 1, calls.Load())
		next.Store(nil)
		time.Sleep(timeout + time.Millisecond)
		require.NoError(t, refresh(), "closed again")
		require.NoError(t, refresh())
	})
}

// TestOnlyTheVendorsFailuresCount: whatever else goes wrong, nobody is shut out.
func TestOnlyTheVendorsFailuresCount(t *testing.T) {
	counting := map[shared.Reason]bool{
		shared.ReasonVendorUnavailable: true, shared.ReasonVendorTimeout: true,
		shared.ReasonInvalidResponse: true,
	}
	t.Run("an error without a name", func(t *testing.T) {
		v, next, _ := failing()
		e := engine(t, v, sdk.Options{MinReadInterval: -1})
		set(next, errors.New("any"))
		for range 5 {
			_, err := e.RefreshCached(t.Context(), "car1")
			require.ErrorIs(t, err, shared.ReasonVendorUnavailable)
			assert.Equal(t, shared.SourceVendor, shared.AsAPIError(err).Source)
		}
		_, err := e.RefreshCached(t.Context(), "car1")
		require.ErrorIs(t, err, shared.ReasonCircuitOpen)
	})
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
	for name, become := range map[string]func(error) error{
		"as it is":    func(err error) error { return err },
		"wrapped":     func(err error) error { return shared.NewError(shared.ReasonVendorUnavailable).Wrap(err) },
		"in disguise": func(error) error { return shared.NewError(shared.ReasonVendorTimeout) },
	} {
		t.Run("a cloud that hangs, whoever has left, "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				v := &sdktest.Vendor{CachedFunc: func(ctx context.Context, _ string) (*vehiclev1.VehicleData, error) {
					calls++
					<-ctx.Done()
					return nil, become(ctx.Err())
				}}
				e := engine(t, v, sdk.Options{MinReadInterval: -1})
				for range 5 {
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					_, err := e.RefreshCached(ctx, "car1")
					require.ErrorIs(t, err, shared.ReasonDeadlineExceeded)
					cancel()
					time.Sleep(20 * time.Second)
				}
				_, err := e.RefreshCached(t.Context(), "car1")
				require.ErrorIs(t, err, shared.ReasonCircuitOpen)
				assert.Equal(t, 5, calls)
			})
		})
	}
	t.Run("a cancellation of the vendor's own", func(t *testing.T) {
		v, next, _ := failing()
		e := engine(t, v, sdk.Options{MinReadInterval: -1})
		set(next, shared.NewError(shared.ReasonVendorUnavailable).Wrap(context.Canceled))
		for range 6 {
			_, err := e.RefreshCached(t.Context(), "car1")
			require.ErrorIs(t, err, shared.ReasonVendorUnavailable)
		}
	})
}

// several is a vendor with three cars, of which those in bad fail to be read.
func several() (v *sdktest.Vendor, bad *sync.Map) {
	bad = &sync.Map{}
	return &sdktest.Vendor{
		VehiclesFunc: func(context.Context) ([]*vehiclev1.Vehicle, error) { return sdktest.Cars("a", "b", "c"), nil },
		CachedFunc: func(_ context.Context, id string) (*vehiclev1.VehicleData, error) {
			if _, fails := bad.Load(id); fails {
				return nil, shared.NewError(shared.ReasonInvalidResponse)
			}
			return sdktest.Snapshot(time.Now(), 1), nil
		},
	}, bad
}

// TestOneCarAmongSeveral: what the cloud cannot do for one car is no reason to
// shut out the others.
func TestOneCarAmongSeveral(t *testing.T) {
	for name, tc := range map[string]struct {
		calls string
		opens bool
	}{
		"one car fails for ever":            {"aaaaaaaaaaaaaaaaaaaa", false},
		"and another one once":              {"aaaaaaaaaaaaaaaaaaaab", false},
		"two cars fail in turns":            {"ababa", true},
		"not often enough":                  {"abab", false},
		"one first, and then the other one": {"aaaaaaaabb", true},
		"a success in between":              {"aaabcab", false},
	} {
		t.Run(name, func(t *testing.T) {
			v, bad := several()
			bad.Store("a", true)
			bad.Store("b", true)
			e := engine(t, v, sdk.Options{MinReadInterval: -1})
			for _, id := range tc.calls {
				_, err := e.RefreshCached(t.Context(), string(id))
				require.NotErrorIs(t, err, shared.ReasonCircuitOpen)
			}
			_, err := e.RefreshCached(t.Context(), "c")
			assert.Equal(t, tc.opens, errors.Is(err, shared.ReasonCircuitOpen))
		})
	}
}

// TestAWakeIsNoTrial: it may last for minutes.
func TestAWakeIsNoTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, bad := several()
		var wakes atomic.Int32
		v.ForceFunc = func(context.Context, string, time.Time) (*vehiclev1.VehicleData, error) {
			wakes.Add(1)
			return sdktest.Snapshot(time.Now(), 1), nil
		}
		const timeout = 20 * time.Second
		e := engine(t, v, sdk.Options{MinReadInterval: timeout + 10*time.Second, BreakerFailures: 2, BreakerTimeout: timeout})
		_, err := e.RefreshCached(t.Context(), "a") // from now on no wake of it needs a read
		require.NoError(t, err)
		for _, id := range []string{"b", "c"} {
			bad.Store(id, true)
			_, err = e.RefreshCached(t.Context(), id)
			require.ErrorIs(t, err, shared.ReasonInvalidResponse)
		}
		time.Sleep(timeout + time.Millisecond)
		for range 2 {
			_, err = e.RefreshForce(t.Context(), "a")
			require.ErrorIs(t, err, shared.ReasonCircuitOpen)
			assert.Equal(t, "half-open", health(t, e).GetBreaker(), "a trial may come")
		}
		assert.Zero(t, wakes.Load())
		bad.Clear()
		time.Sleep(10 * time.Second) // a failed reading stands as long as a good one
		_, err = e.RefreshCached(t.Context(), "b")
		require.NoError(t, err, "a read is the trial")
		_, err = e.RefreshForce(t.Context(), "a")
		require.NoError(t, err)
		assert.EqualValues(t, 1, wakes.Load())
	})
}
