package host_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// TestUnlock: when a person has mended what made the vendor refuse the login, one more is
// made and the plugin serves, without a restart or other settings.
func TestUnlock(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.set("locked")
	h := start(t, s, nil, spec("p", "good", s))
	unlocker, ok := h.Plugin("p").(shared.Unlocker)
	require.True(t, ok)
	h.reaches("p", host.Degraded)
	require.Equal(t, 1, s.count("login"))

	require.ErrorIs(t, unlocker.Unlock(t.Context()), shared.ReasonVendorUnavailable, "not twice in a moment")
	assert.Equal(t, 1, s.count("login"))
	_, err := h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.ErrorIs(t, err, shared.ReasonAuthFailed, "which leaves the lock")

	if !soak() {
		return // the pause has a real clock
	}
	s.set("mended")
	h.eventually("a login may be tried again", func() bool { return unlocker.Unlock(t.Context()) == nil })
	h.reaches("p", host.Ready)
	_, err = h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.NoError(t, err)
	assert.Equal(t, 2, s.count("login"))
	require.NoError(t, unlocker.Unlock(t.Context()), "there is nothing to unlock")
	assert.Equal(t, 2, s.count("login"))
}
