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
		r.clock.advance(25 * time.Hour) // a younger list would serve without a call
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
	_, _, err = start("secret-1", sdk.Options{Recall: sdk.RecallNever})
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
		r.clock.advance(25 * time.Hour)
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

// TestStartWithAYoungListCostsNoCall: not even a session that has ended meanwhile shows
// before it is used.
func TestStartWithAYoungListCostsNoCall(t *testing.T) {
	r := &recalling{refusing: newRefusing(t)}
	start := func(o sdk.Options) *sdk.Engine {
		o.MinReadInterval, o.Now = -1, r.clock.now
		e := bareEngine(t, r, o)
		cars, err := e.Initialize(t.Context(), shared.Config{Settings: settings("secret-1"), StateDir: r.dir})
		require.NoError(t, err)
		require.Len(t, cars, 2)
		return e
	}
	start(sdk.Options{})
	require.Equal(t, 1, r.lists)
	for range 3 {
		r.clock.advance(7 * time.Hour)
		e := start(sdk.Options{})
		assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_READY, health(t, e).GetState())
		_, err := e.RefreshCached(t.Context(), "car2")
		require.NoError(t, err)
	}
	assert.Equal(t, 1, r.lists)
	assert.Equal(t, 2, r.recalled)

	e := start(sdk.Options{Recall: sdk.RecallNever})
	assert.Equal(t, 2, r.lists, "a person asked for it")
	_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("secret-1"), StateDir: r.dir})
	require.NoError(t, err)
	assert.Equal(t, 3, r.lists, "who asks again wants to know")
	r.clock.advance(25 * time.Hour)
	start(sdk.Options{})
	assert.Equal(t, 4, r.lists, "once a day")
	r.clock.advance(-48 * time.Hour)
	start(sdk.Options{})
	assert.Equal(t, 5, r.lists, "a clock that was set back")
}

// TestRefusalOfAnEarlierProcessShowsAtTheStart, without a call.
func TestRefusalOfAnEarlierProcessShowsAtTheStart(t *testing.T) {
	r := &recalling{refusing: newRefusing(t)}
	start := func() *sdk.Engine {
		e := bareEngine(t, r, sdk.Options{MinReadInterval: -1, Now: r.clock.now})
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("secret-1"), StateDir: r.dir})
		require.NoError(t, err)
		return e
	}
	e := start()
	r.readErr = sdk.ErrSessionExpired
	r.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return nil, sdk.ErrSessionExpired }
	r.LoginFunc = func(context.Context) error { return shared.NewError(shared.ReasonCaptchaRequired) }
	r.clock.advance(time.Hour)
	_, err := e.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonCaptchaRequired)

	h := health(t, start())
	assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN, h.GetState())
	assert.Equal(t, string(shared.ReasonCaptchaRequired), h.GetReason())
}

// TestEmptyListRemovesNothing: neither the cars nor what is known of them.
func TestEmptyListRemovesNothing(t *testing.T) {
	r := &recalling{refusing: newRefusing(t)}
	start := func(o sdk.Options) (*sdk.Engine, []*vehiclev1.Vehicle) {
		r.clock.advance(25 * time.Hour)
		o.MinReadInterval, o.Now = -1, r.clock.now
		e := bareEngine(t, r, o)
		cars, err := e.Initialize(t.Context(), shared.Config{Settings: settings("secret-1"), StateDir: r.dir})
		require.NoError(t, err)
		return e, cars
	}
	list, none := r.VehiclesFunc, func(context.Context) ([]*vehiclev1.Vehicle, error) { return nil, nil }
	r.VehiclesFunc = none
	_, cars := start(sdk.Options{})
	assert.Empty(t, cars, "there never was one")

	r.VehiclesFunc = list
	e, _ := start(sdk.Options{})
	odometer := 48210.0
	r.report = func(d *vehiclev1.VehicleData) { d.Drive.Odometer = &odometer }
	_, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)

	r.VehiclesFunc = none
	e, cars = start(sdk.Options{})
	require.Len(t, cars, 2)
	r.report = func(d *vehiclev1.VehicleData) { d.Drive = nil }
	d, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	assert.InDelta(t, 48210, d.GetDrive().GetOdometer(), 0, "what was known of it is, still")
	_, cars = start(sdk.Options{Recall: sdk.RecallNever})
	assert.Empty(t, cars, "a person sees what the vendor says")
	r.VehiclesFunc = list
	_, cars = start(sdk.Options{})
	assert.Len(t, cars, 2)
}
