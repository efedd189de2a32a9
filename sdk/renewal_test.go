package sdk_test

import (
	"context"
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

// limitedSessions are sessions of a vendor that wants no more calls once car2 is read.
type limitedSessions struct {
	*sessions
	reads map[string]int
	// before is what happens before car1 is read.
	before func()
}

func newLimitedSessions() *limitedSessions {
	s := &limitedSessions{sessions: newSessions(), reads: map[string]int{}, before: func() {}}
	s.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return sdktest.Cars("car1", "car2"), nil }
	read := s.CachedFunc
	s.CachedFunc = func(ctx context.Context, id string) (*vehiclev1.VehicleData, error) {
		s.set(func() { s.reads[id]++ })
		if id == "car2" {
			return nil, refusalOf(shared.ReasonRateLimited, time.Hour)
		}
		s.before()
		return read(ctx, id)
	}
	return s
}

// TestVendorThatClosesDuringARenewal gets no repetition of the call that needed it.
func TestVendorThatClosesDuringARenewal(t *testing.T) {
	s := newLimitedSessions()
	e := engine(t, s, sdk.Options{MinReadInterval: -1})
	_, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	renew := s.RenewFunc
	s.RenewFunc = func(ctx context.Context) error {
		_, err := e.RefreshCached(t.Context(), "car2")
		assert.ErrorIs(t, err, shared.ReasonRateLimited)
		return renew(ctx)
	}
	s.expire()
	reads := s.reads["car1"]
	_, err = e.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonRateLimited)
	assert.Equal(t, reads+1, s.reads["car1"])
}

// TestVendorThatClosesBeforeARenewal does not get that either.
func TestVendorThatClosesBeforeARenewal(t *testing.T) {
	s := newLimitedSessions()
	e := engine(t, s, sdk.Options{MinReadInterval: -1})
	_, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	logins, renewals := s.counts()
	s.before = func() {
		_, err := e.RefreshCached(t.Context(), "car2")
		assert.ErrorIs(t, err, shared.ReasonRateLimited)
		s.expire()
	}
	_, err = e.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonRateLimited)
	loginsAfter, renewalsAfter := s.counts()
	assert.Equal(t, [2]int{logins, renewals}, [2]int{loginsAfter, renewalsAfter})
}

// TestRefusedRenewalHoldsAlsoIfItsCallerLeft.
func TestRefusedRenewalHoldsAlsoIfItsCallerLeft(t *testing.T) {
	s := newSessions()
	e := engine(t, s, sdk.Options{MinReadInterval: -1})
	_, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	s.expire()
	s.set(func() { s.renewErr = refusalOf(shared.ReasonRateLimited, time.Hour) })
	renew, entered, left, renewed := s.RenewFunc, make(chan struct{}), make(chan struct{}), make(chan struct{})
	s.RenewFunc = func(ctx context.Context) error {
		close(entered)
		<-left
		defer close(renewed)
		return renew(ctx)
	}
	ctx, leave := context.WithCancel(t.Context())
	out := make(chan error, 1)
	go func() {
		_, err := e.RefreshCached(ctx, "car1")
		out <- err
	}()

	<-entered
	leave()
	require.ErrorIs(t, <-out, context.Canceled)
	close(left)
	<-renewed
	await.True(t, "the refusal is known", func() bool {
		return health(t, e).GetState() == vehiclev1.HealthState_HEALTH_STATE_DEGRADED
	})
	_, err = e.RefreshCached(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonRateLimited)
	_, renewals := s.counts()
	assert.Equal(t, 1, renewals)
}
