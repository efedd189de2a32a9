package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/host-demo/internal/bench"
)

// The load harness runs, as a person would run it, on the embedded broker.
func TestBench(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		check func(t *testing.T, r bench.Report)
		long  bool // measures for long enough to be of use
		// profiles of the service that are made on the way.
		profiles int
	}{
		{"10 at once, vendor 0 ms", func(t *testing.T, r bench.Report) {
			t.Helper()
			x := only(t, r, 10)
			assert.Positive(t, x.PerSecond)
			assert.GreaterOrEqual(t, x.Latency.Max, x.Latency.P50)
			assert.Positive(t, x.Hub.Goroutines)
			assert.Positive(t, x.Plugin.Goroutines)
			assert.Positive(t, x.LoopMax)
			if _, err := os.Stat("/proc/self/status"); err == nil {
				assert.Positive(t, x.Hub.MemoryMiB)
				assert.Positive(t, x.Plugin.MemoryMiB)
			}
		}, false, 1},
		{"start to first car", func(t *testing.T, r bench.Report) {
			t.Helper()
			assert.Equal(t, "≤ 0.3 s, ≤ 40 MiB", only(t, r, 1).Target)
		}, false, 0},
		{"in-process loop: cached beside 8 sleeping cars", func(t *testing.T, r bench.Report) {
			t.Helper()
			assert.Greater(t, only(t, r, 5).Latency.Max, 8*2000., "one car after the other")
		}, true, 0},
		{"round trip", func(t *testing.T, r bench.Report) {
			t.Helper()
			require.NotNil(t, r.RoundTrip)
			assert.Positive(t, r.RoundTrip.Ratio)
		}, true, 0},
		{"publish only: one after the other", func(t *testing.T, r bench.Report) {
			t.Helper()
			only(t, r, 500)
		}, true, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.long && !soak() {
				t.Skip("takes its time: make soak")
			}
			dir := t.TempDir()
			file := filepath.Join(dir, "report.json")
			var stderr bytes.Buffer
			cmd := exec.CommandContext(t.Context(), filepath.Join(binaries, "host-demo"), "bench", "--embedded", "--only", tc.name, "--json", file, "--profiles", dir)
			cmd.Stderr = &stderr
			table, err := cmd.Output()
			require.NoError(t, err, stderr.String())
			assert.Contains(t, stderr.String(), "measuring: "+tc.name+"\n")
			assert.Contains(t, string(table), "broker embedded")
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			var r bench.Report
			require.NoError(t, json.Unmarshal(body, &r))
			tc.check(t, r)
			profiles, err := filepath.Glob(filepath.Join(dir, "*.pprof"))
			require.NoError(t, err)
			assert.Len(t, profiles, tc.profiles)
		})
	}
}

func only(t *testing.T, r bench.Report, commands int) bench.Result {
	t.Helper()
	require.Len(t, r.Results, 1)
	x := r.Results[0]
	assert.Equal(t, commands, x.Commands)
	assert.Zero(t, x.Lost)
	assert.Empty(t, x.Failed)
	return x
}

func TestBenchThatIsNotUnderstood(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`nothing has "nonsense" in its name`: {"--only", "nonsense"}, "unknown flag": {"--x"}, "for host-demo bench itself": {"loop"},
	} {
		out, err := exec.CommandContext(t.Context(), filepath.Join(binaries, "host-demo"), append([]string{"bench"}, args...)...).CombinedOutput()
		require.Error(t, err)
		assert.Contains(t, string(out), want)
	}
}
