//go:build linux

package host_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestRestart has no gap, and trusts no program that was not trusted before.
func TestRestart(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := staged(t, s)
	h := start(t, s, nil, p)
	h.reaches("p", host.Ready)
	plugin, old := h.Plugin("p"), h.status("p")
	call := later(func() (*vehiclev1.VehicleData, error) { return plugin.RefreshCached(context.Background(), "slow") })
	h.eventually("it is at the vendor", func() bool { return s.count("cached slow") == 1 })

	require.NoError(t, h.Restart(t.Context(), "p"))
	now := h.status("p")
	assert.NotEqual(t, old.PID, now.PID)
	assert.Equal(t, old.Digest, now.Digest)
	assert.Zero(t, now.Crashes)
	s.set("release")
	require.NoError(t, <-call, "it ended in the process where it began")
	assert.Equal(t, 1, s.count("cached slow"))

	write(t, p.Path, release(t, 2))
	err := h.Restart(t.Context(), "p")
	require.ErrorIs(t, err, shared.ReasonPluginUntrusted)
	assert.Contains(t, err.Error(), "was not restarted, and what ran before goes on")
	assert.Equal(t, now.PID, h.status("p").PID)
	require.NoError(t, h.Upgrade(t.Context(), "p"), "that is another matter")
}

func TestRestartLiftsNoQuarantine(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	h := start(t, s, nil, script(t, "p", as(t, "crashes-always")))
	h.inQuarantine("p")
	h.eventually("it is on disk", func() bool { return recordOf(t, s, "p").Quarantine != nil })
	require.ErrorIs(t, h.Restart(t.Context(), "p"), shared.ReasonPluginQuarantined)
	h.inQuarantine("p")
}
