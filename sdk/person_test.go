package sdk_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestPersonLiftsTheLock: a login by hand makes the running service go on.
func TestPersonLiftsTheLock(t *testing.T) {
	s := newSessions()
	s.loginErr, s.renewErr = shared.NewError(shared.ReasonConsentRequired), sdk.ErrSessionExpired
	c := newClock()
	dir := t.TempDir()
	cfg := shared.Config{Settings: settings("secret-1"), StateDir: dir}
	service := bareEngine(t, s, sdk.Options{Now: c.now})
	_, err := service.Initialize(t.Context(), cfg)
	require.ErrorIs(t, err, shared.ReasonConsentRequired)
	assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN, health(t, service).GetState())

	// The person has not accepted the terms yet: that is one attempt, by him.
	person := func() error {
		e := sdk.NewEngine(sdktest.Plugin(s), sdk.Options{Now: c.now, Person: true})
		defer func() { _ = e.Close(t.Context()) }()
		_, err := e.Initialize(t.Context(), cfg)
		return err
	}
	c.advance(time.Hour)
	require.ErrorIs(t, person(), shared.ReasonConsentRequired)
	c.advance(time.Hour)
	_, err = service.Initialize(t.Context(), cfg)
	require.ErrorIs(t, err, shared.ReasonConsentRequired)
	logins, _ := s.counts()
	assert.Equal(t, 2, logins)

	s.set(func() { s.loginErr = nil })
	require.NoError(t, person())
	c.advance(10 * time.Second)
	_, err = service.Initialize(t.Context(), cfg)
	require.NoError(t, err, "the service goes on by itself")
	assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_READY, health(t, service).GetState())
	logins, _ = s.counts()
	assert.Equal(t, 3, logins, "with the session that the person got")
}

// TestPersonLiftsTheLockOfSettingsThatWait: while others serve, which nobody touches.
func TestPersonLiftsTheLockOfSettingsThatWait(t *testing.T) {
	s, c, dir := newSessions(), newClock(), t.TempDir()
	service := bareEngine(t, s, sdk.Options{Now: c.now})
	serve := func(password string) error {
		_, err := service.Initialize(t.Context(), shared.Config{Settings: settings(password), StateDir: dir})
		return err
	}
	require.NoError(t, serve("old"))
	s.expire()
	s.set(func() { s.loginErr, s.renewErr = shared.NewError(shared.ReasonConsentRequired), sdk.ErrSessionExpired })
	require.ErrorIs(t, serve("new"), shared.ReasonConsentRequired)

	s.set(func() { s.loginErr = nil })
	c.advance(time.Hour)
	person := sdk.NewEngine(sdktest.Plugin(s), sdk.Options{Now: c.now, Person: true})
	_, err := person.Initialize(t.Context(), shared.Config{Settings: settings("new"), StateDir: dir})
	require.NoError(t, err)
	require.NoError(t, person.Close(t.Context()))
	c.advance(10 * time.Second)
	require.NoError(t, serve("new"))
	_, err = service.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
}

// TestALockOutlivesAPersonsFailure: what keeps a person's login from being made says
// nothing of the password, so the service does not send it in the person's place.
func TestALockOutlivesAPersonsFailure(t *testing.T) {
	s, c := newSessions(), newClock()
	s.loginErr = shared.NewError(shared.ReasonAuthFailed)
	cfg := shared.Config{Settings: settings("secret-1"), StateDir: t.TempDir()}
	start := func(person bool) error {
		e := sdk.NewEngine(sdktest.Plugin(s), sdk.Options{Now: c.now, Person: person})
		defer func() { _ = e.Close(t.Context()) }()
		_, err := e.Initialize(t.Context(), cfg)
		return err
	}
	logins := func() int { n, _ := s.counts(); return n }
	require.ErrorIs(t, start(false), shared.ReasonAuthFailed)

	for _, failure := range []shared.Reason{shared.ReasonVendorUnavailable, shared.ReasonVendorBlocked, shared.ReasonVendorTimeout} {
		s.set(func() { s.loginErr = shared.NewError(failure) })
		c.advance(26 * time.Hour)
		require.ErrorIs(t, start(true), failure)
		was := logins()
		c.advance(26 * time.Hour)
		require.ErrorIs(t, start(false), shared.ReasonAuthFailed)
		assert.Equal(t, was, logins(), "the service waits for the person's success")
	}

	s.set(func() { s.loginErr = nil })
	c.advance(26 * time.Hour)
	require.NoError(t, start(true))
	require.NoError(t, start(false))
}

// TestPersonLogsInAlthoughASessionWorks: that is what was asked for. A pause of the
// service's does not keep a person waiting, but a moment does.
func TestPersonLogsInAlthoughASessionWorks(t *testing.T) {
	s, c := newSessions(), newClock()
	cfg := shared.Config{Settings: settings("secret-1"), StateDir: t.TempDir()}
	person := func() error {
		e := sdk.NewEngine(sdktest.Plugin(s), sdk.Options{Now: c.now, Person: true})
		defer func() { _ = e.Close(t.Context()) }()
		_, err := e.Initialize(t.Context(), cfg)
		return err
	}
	logins := func() int { n, _ := s.counts(); return n }
	require.NoError(t, person())
	require.Equal(t, 1, logins())
	require.NoError(t, person())
	require.Equal(t, 2, logins(), "the password was tried")

	s.set(func() { s.loginErr = shared.NewError(shared.ReasonVendorUnavailable) })
	for range 5 { // the service's pauses would be minutes by now
		c.advance(time.Minute)
		require.ErrorIs(t, person(), shared.ReasonVendorUnavailable)
	}
	require.Equal(t, 7, logins())
	c.advance(time.Second)
	require.ErrorIs(t, person(), shared.ReasonVendorUnavailable)
	require.Equal(t, 7, logins(), "not twice in a moment")
}
