package sdk_test

import (
	"context"
	"errors"
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

// TestAWakeThatMayHaveHappenedIsNotRepeated, also if its session had ended.
func TestAWakeThatMayHaveHappenedIsNotRepeated(t *testing.T) {
	for name, tc := range map[string]struct {
		sent  bool
		wakes int
	}{"sent": {true, 1}, "not sent": {false, 2}} {
		t.Run(name, func(t *testing.T) {
			wakes := 0
			v := &sdktest.Vendor{ForceFunc: func(context.Context, string, time.Time) (*vehiclev1.VehicleData, error) {
				wakes++
				e := shared.NewError(shared.ReasonVendorUnavailable).Wrap(sdk.ErrSessionExpired)
				e.MayHaveHappened = tc.sent
				return nil, e
			}}
			_, err := engine(t, v, sdk.Options{}).RefreshForce(t.Context(), "car1")
			require.Error(t, err)
			assert.Equal(t, tc.wakes, wakes)
		})
	}
}

// TestACarThatNeverAnswersIsLeftAlone, however short the patience of those who ask.
func TestACarThatNeverAnswersIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wakes := 0
		v := &sdktest.Vendor{ForceFunc: func(ctx context.Context, _ string, _ time.Time) (*vehiclev1.VehicleData, error) {
			wakes++
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		e := engine(t, v, sdk.Options{})
		var err error
		for range 30 {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			_, err = e.RefreshForce(ctx, "car1")
			require.Error(t, err)
			cancel()
		}
		assert.Equal(t, 3, wakes)
		assert.ErrorIs(t, err, shared.ReasonVehicleUnreachable)
		assert.Positive(t, shared.AsAPIError(err).RetryAfter)
		_, err = e.RefreshCached(t.Context(), "car1")
		assert.NoError(t, err, "which says nothing of the cloud")
	})
}

// TestMayHaveHappened is true exactly when the car may have been woken.
func TestMayHaveHappened(t *testing.T) {
	hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	fails := func(err error) func(context.Context) error {
		return func(context.Context) error { return err }
	}
	for name, tc := range map[string]struct {
		read, force func(context.Context) error
		want        bool
	}{
		"the reading before it hangs":      {hangs, nil, false},
		"the reading before it fails":      {fails(shared.ReasonVendorTimeout), nil, false},
		"it hangs":                         {nil, hangs, true},
		"it fails without more words":      {nil, fails(shared.ReasonVendorTimeout), true},
		"it fails with no word at all":     {nil, fails(errors.New("any")), true},
		"the author knows that it left":    {nil, fails(failed(shared.ReasonVendorUnavailable, true)), true},
		"the author knows that it did not": {nil, fails(failed(shared.ReasonVendorUnavailable, false)), false},
	} {
		for _, patience := range []time.Duration{10 * time.Second, 10 * time.Minute} {
			t.Run(name+", "+patience.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					v := &sdktest.Vendor{}
					if tc.read != nil {
						v.CachedFunc = func(ctx context.Context, _ string) (*vehiclev1.VehicleData, error) { return nil, tc.read(ctx) }
					}
					if tc.force != nil {
						v.ForceFunc = func(ctx context.Context, _ string, _ time.Time) (*vehiclev1.VehicleData, error) {
							return nil, tc.force(ctx)
						}
					}
					e := engine(t, v, sdk.Options{})
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					_, err := e.RefreshForce(ctx, "car1")
					require.Error(t, err)
					assert.Equal(t, tc.want, shared.AsAPIError(err).MayHaveHappened, "%v", err)
				})
			})
		}
	}
}

func failed(r shared.Reason, happened bool) error {
	e := shared.NewError(r)
	e.MayHaveHappened = happened
	return e
}

// TestNobodyIsLeftToWakeFor: who has gone while the copy was read needs no wake.
func TestNobodyIsLeftToWakeFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wakes := 0
		v := &sdktest.Vendor{
			CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
				time.Sleep(15 * time.Second)
				return sdktest.Snapshot(time.Now().Add(-time.Hour), 50), nil
			},
			ForceFunc: func(context.Context, string, time.Time) (*vehiclev1.VehicleData, error) {
				wakes++
				return sdktest.Snapshot(time.Now(), 50), nil
			},
		}
		e := engine(t, v, sdk.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := e.RefreshForce(ctx, "car1")
		require.ErrorIs(t, err, shared.ReasonDeadlineExceeded)
		time.Sleep(time.Minute)
		assert.Zero(t, wakes)
		data, err := e.RefreshCached(t.Context(), "car1")
		require.NoError(t, err)
		assert.NotNil(t, data)
	})
}

// TestWhoComesWhenAllHaveLeft, while the copy is still being read, has the wake.
func TestWhoComesWhenAllHaveLeft(t *testing.T) {
	for name, mode := range map[string]shared.Mode{"force": shared.ModeForce, "smart": shared.ModeSmart} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &sdktest.Vendor{
					CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
						time.Sleep(15 * time.Second)
						return sdktest.Snapshot(time.Now().Add(-time.Hour), 50), nil
					},
					ForceFunc: func(context.Context, string, time.Time) (*vehiclev1.VehicleData, error) {
						return sdktest.Snapshot(time.Now(), 50), nil
					},
				}
				e := engine(t, v, sdk.Options{})
				for _, later := range []time.Duration{2 * time.Second, 5 * time.Second} { // in time, and at the last moment
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					_, err := e.RefreshForce(ctx, "car1")
					require.ErrorIs(t, err, shared.ReasonDeadlineExceeded)
					cancel()
					time.Sleep(later)
					d, err := shared.Refresh(t.Context(), e, mode, "car1", time.Minute)
					require.NoError(t, err)
					assert.Equal(t, vehiclev1.Verdict_VERDICT_FRESH, d.GetRefresh().GetVerdict())
					time.Sleep(time.Hour)
				}
			})
		})
	}
}

// TestFailedReadsAreThrottled as good ones are, and say when to come again.
func TestFailedReadsAreThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, fails := 0, true
		v := &sdktest.Vendor{CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
			reads++
			if fails {
				return nil, shared.NewError(shared.ReasonVehicleUnreachable)
			}
			return sdktest.Snapshot(time.Now(), 50), nil
		}}
		e := engine(t, v, sdk.Options{MinReadInterval: 10 * time.Second})
		for range 1000 {
			_, err := e.RefreshCached(t.Context(), "car1")
			require.ErrorIs(t, err, shared.ReasonVehicleUnreachable)
		}
		assert.Equal(t, 1, reads)
		time.Sleep(4 * time.Second)
		_, err := e.RefreshCached(t.Context(), "car1")
		require.ErrorIs(t, err, shared.ReasonVehicleUnreachable)
		assert.Equal(t, 6*time.Second, shared.AsAPIError(err).RetryAfter)

		fails = false
		time.Sleep(6 * time.Second)
		_, err = e.RefreshCached(t.Context(), "car1")
		require.NoError(t, err)
		assert.Equal(t, 2, reads)
	})
}

// TestACarHasItsPeace: also with a vendor whose author has not thought of it.
func TestACarHasItsPeace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wakes []time.Time
		v := struct{ sdk.Vendor }{&sdktest.Vendor{ForceFunc: func(context.Context, string, time.Time) (*vehiclev1.VehicleData, error) {
			wakes = append(wakes, time.Now())
			return sdktest.Snapshot(time.Now(), 50), nil
		}}}
		e := engine(t, v, sdk.Options{})
		for range 24 * 60 {
			_, err := e.RefreshForce(t.Context(), "car1")
			if err != nil {
				require.ErrorIs(t, err, shared.ReasonBudgetSpent)
			}
			time.Sleep(time.Minute)
		}
		require.NotEmpty(t, wakes)
		assert.LessOrEqual(t, len(wakes), 2*48, "of two days of the vendor's")
		for i, wake := range wakes[1:] {
			assert.GreaterOrEqual(t, wake.Sub(wakes[i]), 5*time.Minute)
		}
	})
}

// TestOverrideIsForWakesAlone: what it was not asked for stays within its limits.
func TestOverrideIsForWakesAlone(t *testing.T) {
	reads := 0
	v := limitedVendor{&sdktest.Vendor{CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
		reads++
		return sdktest.Snapshot(time.Now(), 50), nil
	}}, sdk.Limits{CallsPerDay: 3}}
	e := engine(t, v, sdk.Options{MinReadInterval: -1})
	ctx := shared.WithCallInfo(t.Context(), shared.CallInfo{Override: true})
	var err error
	for range 10 {
		_, err = e.RefreshCached(ctx, "car1")
	}
	require.ErrorIs(t, err, shared.ReasonBudgetSpent)
	assert.LessOrEqual(t, reads, 3)
}

// limitedVendor has limits.
type limitedVendor struct {
	sdk.Vendor
	limits sdk.Limits
}

func (v limitedVendor) Limits() sdk.Limits { return v.limits }
