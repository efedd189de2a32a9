package bench

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPercentiles(t *testing.T) {
	assert.Zero(t, percentiles(nil))
	var times []time.Duration
	for i := range 1000 {
		times = append(times, time.Duration(1000-i)*time.Millisecond)
	}
	assert.Equal(t, Percentiles{Least: 1, P50: 501, P90: 901, P99: 991, Max: 1000}, percentiles(times))
	assert.Equal(t, Percentiles{Least: 7, P50: 7, P90: 7, P99: 7, Max: 7}, percentiles([]time.Duration{7 * time.Millisecond}))
}

func TestLoopDelay(t *testing.T) {
	bucket := func(le string) string { return `vehicle_bridge_loop_delay_seconds_bucket{le="` + le + `"}` }
	before := samples{bucket("0.01"): 50, bucket("0.5"): 60, bucket("+Inf"): 60}
	after := samples{bucket("0.01"): 150, bucket("0.5"): 160, bucket("+Inf"): 160, "go_goroutines": 5}
	p99, most := loopDelay(before, after)
	assert.InDelta(t, 10, p99, 0, "what was before does not count")
	assert.InDelta(t, 10, most, 0)
	after[bucket("+Inf")]++
	p99, most = loopDelay(before, after)
	assert.InDelta(t, 10, p99, 0)
	assert.Greater(t, most, 500.)
	after[bucket("+Inf")]--
	after["vehicle_bridge_loop_delay_current_seconds"] = 0.7
	_, most = loopDelay(before, after)
	assert.InDelta(t, 700, most, 0, "which is not over yet")
	p99, most = loopDelay(after, after)
	assert.InDelta(t, 700, p99, 0, "nothing else came")
	assert.InDelta(t, 700, most, 0)
	p99, most = loopDelay(nil, nil)
	assert.Zero(t, p99+most)
}

func TestOutcome(t *testing.T) {
	answered := func(took time.Duration, failed string) *command {
		c := &command{took: took, failed: failed, done: make(chan struct{})}
		close(c.done)
		return c
	}
	r := outcome([]*command{answered(time.Millisecond, ""), answered(3*time.Millisecond, "queue_full"), {done: make(chan struct{})}}, 1, 2*time.Second)
	assert.Equal(t, 3, r.Commands)
	assert.Equal(t, map[string]int{"queue_full": 1}, r.Failed)
	assert.InDelta(t, 1, r.PerSecond, 0.001)
	assert.InDelta(t, 3, r.Latency.Max, 0.001)
	require.ErrorContains(t, errLost(r), "1 commands were not answered")
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	report := Report{
		Machine: "linux/amd64", Processors: 2, Broker: "Mosquitto",
		Results: []Result{
			{Name: "one", Commands: 5, Target: "≤ 1 ms", Met: true, Note: "noted"}, {Name: "two", Commands: 6, Target: "≤ 2 ms"}, {Name: "three", Commands: 7},
		},
		RoundTrip: &RoundTrip{Ratio: 1.5},
	}
	require.NoError(t, report.Table(&out))
	for _, want := range []string{"linux/amd64, 2 processors", "one: target ≤ 1 ms", "one: noted", "met", "MISSED", "ratio 1.50, target 1.3 (MISSED)"} {
		assert.Contains(t, out.String(), want)
	}
	require.NoError(t, report.JSON(&out))
}

// What is said of a process is what the system says of it.
func TestProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/task"); err != nil {
		t.Skip("no /proc here")
	}
	p := processOf(os.Getpid())
	assert.Positive(t, p.MemoryMiB)
	assert.GreaterOrEqual(t, p.PeakMiB, p.MemoryMiB)
	assert.Zero(t, processOf(0))
	child := exec.CommandContext(t.Context(), "sleep", "60")
	require.NoError(t, child.Start())
	assert.Equal(t, child.Process.Pid, childOf(os.Getpid()))
	require.NoError(t, child.Process.Kill())
	_ = child.Wait() // killed
}

// TestSelected: who wants one scenario gets the one that it is measured against, too.
func TestSelected(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range scenarios() {
		assert.True(t, s.against == "" || seen[s.against], "%s stands before what it is measured against", s.name)
		assert.False(t, seen[s.name], s.name)
		assert.Equal(t, s.target == "", s.met == nil, s.name)
		seen[s.name] = true
	}
	names := func(only string) (names []string) {
		for _, s := range selected(scenarios(), only) {
			names = append(names, s.name)
		}
		return names
	}
	assert.Equal(t, []string{publishAtOnce, "1000 at once, vendor 0 ms"}, names("1000 at once, vendor 0 ms"))
	assert.Len(t, names(""), len(scenarios()))
	assert.Empty(t, names("nonsense"))
}

// TestJudge: what was measured without what it is about has no verdict, and what is lost
// is a miss.
func TestJudge(t *testing.T) {
	s := scenario{target: "as many", against: "yard", met: func(r, yard Result) bool { return r.PerSecond >= yard.PerSecond }}
	for _, tc := range []struct {
		r, yard Result
		target  string
		met     bool
	}{
		{Result{PerSecond: 2}, Result{Commands: 1, PerSecond: 2}, "as many", true},
		{Result{PerSecond: 1}, Result{Commands: 1, PerSecond: 2}, "as many", false},
		{Result{PerSecond: 2, Lost: 1}, Result{Commands: 1, PerSecond: 2}, "as many", false},
		{Result{PerSecond: 2, Failed: map[string]int{"internal": 1}}, Result{Commands: 1, PerSecond: 2}, "as many", false},
		{Result{PerSecond: 2}, Result{}, "", false},
	} {
		s.judge(&tc.r, tc.yard)
		assert.Equal(t, tc.target, tc.r.Target)
		assert.Equal(t, tc.met, tc.r.Met)
	}
}
