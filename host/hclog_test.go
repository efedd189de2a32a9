package host_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
)

func TestFromHCLog(t *testing.T) {
	for name, tc := range map[string]struct {
		log  func(*slog.Logger)
		want map[string]any // nil: nothing
	}{
		"levels":        {func(l *slog.Logger) { l.Warn("m") }, map[string]any{"@level": "warn"}},
		"error":         {func(l *slog.Logger) { l.Error("m", "error", errors.New("e")) }, map[string]any{"@level": "error", "error": "e"}},
		"values":        {func(l *slog.Logger) { l.Info("m", "text", "a b", "number", 7) }, map[string]any{"@level": "info", "text": "a b", "number": 7.0}},
		"what is given": {func(l *slog.Logger) { l.With("a", 1).Info("m", "b", 2) }, map[string]any{"@level": "info", "a": 1.0, "b": 2.0}},
		"groups": {
			func(l *slog.Logger) {
				l.WithGroup("g").With("a", 1).Info("m", slog.Group("h", "b", 2), slog.Group("", "c", 3), slog.Attr{})
			},
			map[string]any{"@level": "info", "g.a": 1.0, "g.h.b": 2.0, "g.c": 3.0},
		},
		"below the level": {func(l *slog.Logger) { l.Debug("m") }, nil},
		"no group":        {func(l *slog.Logger) { l.WithGroup("").Info("m", "a", 1) }, map[string]any{"@level": "info", "a": 1.0}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			l := host.FromHCLog(hclog.New(&hclog.LoggerOptions{Output: &out, JSONFormat: true, Level: hclog.Info}))
			tc.log(l)
			if tc.want == nil {
				assert.Empty(t, out.String())
				return
			}
			var got map[string]any
			require.NoError(t, json.Unmarshal(out.Bytes(), &got), "%s", out.String())
			delete(got, "@timestamp")
			tc.want["@message"] = "m"
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestFromHCLogTellsWhatIsNotWanted(t *testing.T) {
	l := host.FromHCLog(hclog.New(&hclog.LoggerOptions{Output: &bytes.Buffer{}, Level: hclog.Trace}))
	assert.True(t, l.Enabled(t.Context(), slog.LevelDebug-4))
	l = host.FromHCLog(hclog.NewNullLogger())
	assert.False(t, l.Enabled(t.Context(), slog.LevelError))
}
