package sdk_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestUnlock: a person's word allows one login, and a lock that it does not end stands
// again, also after a restart.
func TestUnlock(t *testing.T) {
	s, c, dir := newSessions(), newClock(), t.TempDir()
	start := func() *sdk.Engine { return bareEngine(t, passwordOnly{s}, sdk.Options{Now: c.now}) }
	open := func(e *sdk.Engine) error {
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: dir})
		return err
	}
	logins := func() int { n, _ := s.counts(); return n }
	s.set(func() { s.loginErr = shared.NewError(shared.ReasonAuthFailed) })
	e := start()
	require.ErrorIs(t, e.Unlock(t.Context()), shared.ReasonConfigInvalid, "there is no account yet")
	require.ErrorIs(t, open(e), shared.ReasonAuthFailed)
	needsHuman := func() bool {
		return health(t, e).GetState() == vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN
	}
	require.True(t, needsHuman())

	require.ErrorIs(t, e.Unlock(t.Context()), shared.ReasonVendorUnavailable, "not twice in a moment")
	c.advance(time.Hour)
	require.ErrorIs(t, e.Unlock(t.Context()), shared.ReasonAuthFailed, "it is as wrong as before")
	assert.Equal(t, 2, logins())
	for range 5 {
		c.advance(time.Hour)
		require.ErrorIs(t, open(e), shared.ReasonAuthFailed)
	}
	e = start()
	require.ErrorIs(t, open(e), shared.ReasonAuthFailed)
	assert.Equal(t, 2, logins(), "and is not sent again")

	s.set(func() { s.loginErr = errors.New("no route to host") })
	require.ErrorIs(t, e.Unlock(t.Context()), shared.ReasonVendorUnavailable)
	assert.Equal(t, 3, logins())
	assert.True(t, needsHuman(), "an outage proves nothing")
	c.advance(time.Hour)
	require.ErrorIs(t, open(e), shared.ReasonAuthFailed)

	s.set(func() { s.loginErr = nil })
	require.NoError(t, e.Unlock(t.Context()))
	require.NoError(t, open(e))
	assert.False(t, needsHuman())
	assert.Equal(t, 4, logins())
	c.advance(time.Hour)
	require.NoError(t, e.Unlock(t.Context()))
	assert.Equal(t, 4, logins(), "there is nothing to unlock")
}
