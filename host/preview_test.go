package host_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// TestPreview asks a plugin's process what a command would do. One that starts is waited
// for; the next one after a crash says the same.
func TestPreview(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	h := start(t, s, nil, spec("p", "good", s))
	previewer, ok := h.Plugin("p").(shared.Previewer)
	require.True(t, ok)

	for range 2 {
		p, err := previewer.Preview(t.Context(), shared.ModeForce, "fast", 0)
		require.NoError(t, err)
		assert.True(t, p.GetWakes())
		assert.EqualValues(t, 2, p.GetPrice(), "a read before it")
		assert.Nil(t, p.Left, "no limit is set")
		_, err = previewer.Preview(t.Context(), shared.ModeForce, "typo", 0)
		require.ErrorIs(t, err, shared.ReasonUnknownVehicle)
		h.kill("p")
		h.reaches("p", host.Ready)
	}
}
