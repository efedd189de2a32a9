//go:build linux

package host_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// TestOtherSettings are taken up by the process that runs and by later ones, and those that
// the plugin does not accept by none.
func TestOtherSettings(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := spec("p", "plugin", s)
	p.Settings = json.RawMessage(`{}`)
	h := start(t, s, nil, p)
	h.reaches("p", host.Degraded)
	pid := h.status("p").PID
	require.NoError(t, h.Reconfigure(t.Context(), "p", goodSettings))
	h.reaches("p", host.Ready)
	assert.Equal(t, pid, h.status("p").PID)

	require.ErrorIs(t, h.Reconfigure(t.Context(), "p", json.RawMessage(`{}`)), shared.ReasonConfigInvalid)
	_, err := h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.NoError(t, err, "what runs goes on")
	h.kill("p")
	h.reaches("p", host.Ready)
	_, err = h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.NoError(t, err, "the next process has the ones that were accepted")
	require.Error(t, h.Reconfigure(t.Context(), "another", goodSettings))
}

// TestSettingsForAPluginThatIsDown are those of its next process.
func TestSettingsForAPluginThatIsDown(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := elsewhere(t, spec("p", "plugin", s))
	p.Settings = json.RawMessage(`{}`)
	h := start(t, s, soon, p)
	h.eventually("its program is missed", func() bool { return h.status("p").Reason == string(shared.ReasonPluginDown) })
	require.NoError(t, h.Reconfigure(t.Context(), "p", goodSettings))
	program, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(p.Path+".new", program, 0o700))
	require.NoError(t, os.Rename(p.Path+".new", p.Path))
	h.reaches("p", host.Ready)
	_, err = h.Plugin("p").RefreshCached(t.Context(), "fast")
	require.NoError(t, err)
}
