package sdk_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestATimeAheadProvesNothing: neither that data is fresh, nor that what comes
// after it is old.
func TestATimeAheadProvesNothing(t *testing.T) {
	const ahead = 24 * time.Hour
	for name, tc := range map[string]struct {
		before, after time.Duration // the car's clock against ours
		// cached is the verdict of a read before and one after, woken of a wake.
		cached, smart, woken vehiclev1.Verdict
		reason               string
	}{
		"clocks agree":         {0, 0, vehiclev1.Verdict_VERDICT_FRESH, vehiclev1.Verdict_VERDICT_FRESH, vehiclev1.Verdict_VERDICT_FRESH, ""},
		"a little ahead":       {4 * time.Minute, 4 * time.Minute, vehiclev1.Verdict_VERDICT_FRESH, vehiclev1.Verdict_VERDICT_FRESH, vehiclev1.Verdict_VERDICT_FRESH, ""},
		"was ahead":            {ahead, 0, vehiclev1.Verdict_VERDICT_UNSPECIFIED, vehiclev1.Verdict_VERDICT_FRESH, vehiclev1.Verdict_VERDICT_FRESH, ""},
		"always ahead":         {ahead, ahead, vehiclev1.Verdict_VERDICT_UNSPECIFIED, vehiclev1.Verdict_VERDICT_UNSPECIFIED, vehiclev1.Verdict_VERDICT_UNSPECIFIED, "invalid_response"},
		"ahead from now on":    {0, ahead, vehiclev1.Verdict_VERDICT_UNSPECIFIED, vehiclev1.Verdict_VERDICT_UNSPECIFIED, vehiclev1.Verdict_VERDICT_UNSPECIFIED, "invalid_response"},
		"just more than a bit": {0, 5*time.Minute + time.Second, vehiclev1.Verdict_VERDICT_UNSPECIFIED, vehiclev1.Verdict_VERDICT_UNSPECIFIED, vehiclev1.Verdict_VERDICT_UNSPECIFIED, "invalid_response"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			s := newScripted(c, 0)
			set := func(d time.Duration) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.observed = c.now().Add(d)
			}
			set(tc.before)
			e := engine(t, s, sdk.Options{Now: c.now, MinReadInterval: -1})
			d, err := e.RefreshCached(t.Context(), "car1")
			require.NoError(t, err)
			assert.Nil(t, d.GetRefresh().Verdict, "the first read has nothing to compare with")

			c.advance(time.Minute)
			set(tc.after)
			d, err = e.RefreshCached(t.Context(), "car1")
			require.NoError(t, err)
			assert.Equal(t, tc.cached, d.GetRefresh().GetVerdict(), "cached")
			d, err = e.RefreshSmart(t.Context(), "car1", time.Minute)
			require.NoError(t, err)
			assert.Equal(t, tc.smart, d.GetRefresh().GetVerdict(), "smart")
			assert.Zero(t, s.wakes.Load(), "a wake for each request would be no cure")

			// The cloud's copy is as it was before; the car answers with its clock.
			set(tc.before)
			c.advance(time.Minute)
			s.onWake = func(time.Time) (*vehiclev1.VehicleData, error) {
				return sdktest.Snapshot(c.now().Add(tc.after), 60), nil
			}
			d, err = e.RefreshForce(t.Context(), "car1")
			require.NoError(t, err)
			assert.Equal(t, tc.woken, d.GetRefresh().GetVerdict(), "force")
			assert.Equal(t, tc.reason, d.GetRefresh().GetReason())
			assert.InDelta(t, 60, d.GetBattery().GetSoc(), 0.001, "what the car said stands")
		})
	}
}
