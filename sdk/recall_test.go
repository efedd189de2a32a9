package sdk_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// recalling is a vendor that takes up a stored list.
type recalling struct {
	*refusing
	recalled int
}

func (r *recalling) Recall(vehicles []*vehiclev1.Vehicle) { r.recalled = len(vehicles) }

func TestTheLastListServes(t *testing.T) {
	r := &recalling{refusing: newRefusing(t)}
	start := func(password string, o sdk.Options) (*sdk.Engine, []*vehiclev1.Vehicle, error) {
		o.MinReadInterval, o.Now = -1, r.clock.now
		e := bareEngine(t, r, o)
		cars, err := e.Initialize(t.Context(), shared.Config{Settings: settings(password), StateDir: r.dir})
		return e, cars, err
	}
	list := r.VehiclesFunc
	outage := refusalOf(shared.ReasonVendorUnavailable, time.Minute)
	r.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return nil, outage }
	_, _, err := start("secret-1", sdk.Options{})
	require.ErrorIs(t, err, shared.ReasonVendorUnavailable, "there is no list yet")

	r.VehiclesFunc = list
	_, listed, err := start("secret-1", sdk.Options{})
	require.NoError(t, err)
	r.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return nil, outage }
	e, cars, err := start("secret-1", sdk.Options{})
	require.NoError(t, err)
	require.Len(t, cars, len(listed))
	assert.Equal(t, listed[1].String(), cars[1].String())
	assert.Equal(t, 2, r.recalled)
	assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_READY, health(t, e).GetState())
	_, err = e.RefreshCached(t.Context(), "car2")
	require.NoError(t, err)
	_, err = e.RefreshCached(t.Context(), "car3")
	require.ErrorIs(t, err, shared.ReasonUnknownVehicle)

	_, _, err = start("secret-2", sdk.Options{})
	require.ErrorIs(t, err, shared.ReasonVendorUnavailable, "the list is another account's")
	_, _, err = start("secret-1", sdk.Options{NoRecall: true})
	require.ErrorIs(t, err, shared.ReasonVendorUnavailable)

	r.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) {
		return nil, shared.NewError(shared.ReasonConfigInvalid)
	}
	_, _, err = start("secret-1", sdk.Options{})
	require.ErrorIs(t, err, shared.ReasonConfigInvalid, "that does not pass")
}

// A start that needs a person serves, and says so.
func TestTheLastListServesWhileAPersonIsNeeded(t *testing.T) {
	r := &recalling{refusing: newRefusing(t)}
	list, logins := r.VehiclesFunc, 0
	start := func() (*sdk.Engine, error) {
		e := bareEngine(t, r, sdk.Options{MinReadInterval: -1, Now: r.clock.now})
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("secret-1"), StateDir: r.dir})
		return e, err
	}
	_, err := start()
	require.NoError(t, err)
	r.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return nil, sdk.ErrSessionExpired }
	r.LoginFunc = func(context.Context) error {
		logins++
		return shared.NewError(shared.ReasonCaptchaRequired)
	}
	for range 3 {
		e, err := start()
		require.NoError(t, err)
		h := health(t, e)
		assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN, h.GetState())
		assert.Equal(t, string(shared.ReasonCaptchaRequired), h.GetReason())
		_, err = e.RefreshCached(t.Context(), "car1")
		require.ErrorIs(t, err, shared.ReasonCaptchaRequired)
	}
	assert.Equal(t, 1, logins)
	r.VehiclesFunc = list
}
