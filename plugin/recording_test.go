package plugin

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// A plugin that serves a hub records each start to a file of its own, and keeps the
// last three. Where it has no directory it serves all the same.
func TestServiceRecords(t *testing.T) {
	demo := cloudsim.DemoAccount()
	cloud, err := cloudsim.New(cloudsim.Options{})
	require.NoError(t, err)
	require.NoError(t, cloud.Start("127.0.0.1:0"))
	t.Cleanup(func() { assert.NoError(t, cloud.Close(context.WithoutCancel(t.Context()))) })
	body := fmt.Appendf(nil, `{"username":%q,"password":%q,"brand":"hyundai","record":true,"endpoints":{"login":%q,"cci":%[3]q,"api":%[3]q}}`,
		demo.Email, demo.Password, cloud.URL())
	now := time.Now()
	serve := func(dir string) (log string) {
		lines := new(await.Log)
		engine := sdk.NewEngine(Plugin(), sdk.Options{
			Logger: slog.New(slog.NewTextHandler(lines, nil)), NoSchedule: true, Now: func() time.Time { return now },
		})
		cars, err := engine.Initialize(t.Context(), shared.Config{Settings: body, StateDir: dir})
		require.NoError(t, err)
		assert.Len(t, cars, 2)
		_, err = engine.RefreshCached(t.Context(), demo.Cars[0].ID)
		require.NoError(t, err)
		require.NoError(t, engine.Close(t.Context()))
		now = now.Add(time.Hour)
		return lines.String()
	}

	dir := t.TempDir()
	mine := filepath.Join(dir, traffic.Dir, "mine.jsonl")
	for range 5 {
		log := serve(dir)
		assert.Contains(t, log, "the vendor's traffic is recorded, without secrets")
		require.NoError(t, os.WriteFile(mine, nil, 0o600))
	}
	files, err := filepath.Glob(filepath.Join(dir, traffic.Dir, "traffic-*.jsonl"))
	require.NoError(t, err)
	require.Len(t, files, 3)
	assert.FileExists(t, mine, "a file of another name is another's")
	info, err := os.Stat(files[2])
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	recording, err := traffic.OpenReplay(files[2])
	require.NoError(t, err)
	assert.Equal(t, "hyundai", recording.Header().Brand)
	assert.Equal(t, now.Add(-time.Hour).UTC().Truncate(time.Second), recording.Header().Started)
	text, err := os.ReadFile(files[2])
	require.NoError(t, err)
	assert.Contains(t, string(text), "/ccs2/carstatus/latest")
	for _, secret := range []string{demo.Email, demo.Password, demo.Cars[0].VIN, demo.Cars[0].ID, demo.Cars[0].Name, "52.516"} {
		assert.NotContains(t, string(text), secret)
	}

	assert.Contains(t, serve(""), "the plugin has no directory")
	shut := filepath.Join(t.TempDir(), "shut")
	require.NoError(t, os.MkdirAll(shut, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(shut, traffic.Dir), nil, 0o600), "where the directory would be")
	assert.Contains(t, serve(shut), "the vendor's traffic cannot be recorded")
}
