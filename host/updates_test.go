package host_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// TestUpdates of a plugin's schedule reach the hub, and the schedule outlives the
// plugin's crash.
func TestUpdates(t *testing.T) {
	if !soak() {
		t.Skip("waits for a minute of a real clock: make soak")
	}
	t.Parallel()
	s := newStage(t)
	h := start(t, s, nil, spec("p", "good", s))
	scheduler, ok := h.Plugin("p").(shared.Scheduler)
	require.True(t, ok)
	// In force before the plugin is ready: it waits.
	now, err := scheduler.SetSchedule(t.Context(), "fast", json.RawMessage(`{"idle":"1m","parked":"1m","long_idle":"1m"}`))
	require.NoError(t, err)
	assert.JSONEq(t, `{"idle":"1m0s","parked":"1m0s","long_idle":"1m0s"}`, string(now))
	_, err = scheduler.SetSchedule(t.Context(), "fast", json.RawMessage(`{"idle":"1s"}`))
	require.ErrorIs(t, err, shared.ReasonInvalidCommand)
	_, err = scheduler.SetSchedule(t.Context(), "typo", nil)
	require.ErrorIs(t, err, shared.ReasonUnknownVehicle)
	h.kill("p")
	h.reaches("p", host.Ready)
	d, err := h.Update(await.Context(t, "the first update, a minute after the restart"))
	require.NoError(t, err)
	assert.Equal(t, "fast", d.GetVehicle().GetId())
	_, err = scheduler.SetSchedule(t.Context(), "fast", json.RawMessage(`"off"`))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = h.Update(ctx)
	require.ErrorIs(t, err, context.Canceled)
}
