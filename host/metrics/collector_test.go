package metrics_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/metrics"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// reporter says what it was told to say.
type reporter func() []host.PluginStatus

func (r reporter) Status() []host.PluginStatus { return r() }

func one(st host.PluginStatus) reporter {
	return func() []host.PluginStatus { return []host.PluginStatus{st} }
}

func collector(r metrics.Reporter) *metrics.Collector {
	c := metrics.New(metrics.Options{Now: func() time.Time { return noon }, Buckets: []float64{.01, 1}})
	if r != nil {
		c.Watch(r)
	}
	return c
}

func TestAPluginThatRuns(t *testing.T) {
	c := collector(one(host.PluginStatus{
		Name: "kia", State: host.Ready, Started: noon.Add(-90 * time.Second), Memory: 4096, Serving: true, Vehicles: 2,
		Starts: 3, Crashes: 2, CrashesByCause: map[host.CrashCause]int{host.CausePanic: 2}, InFlight: 7, Replayed: 5,
	}))
	require.NoError(t, testutil.CollectAndCompare(c, strings.NewReader(`
# HELP vehicle_plugin_calls_in_flight Refreshes that wait for their answer.
# TYPE vehicle_plugin_calls_in_flight gauge
vehicle_plugin_calls_in_flight{plugin="kia"} 7
# HELP vehicle_plugin_calls_replayed_total Refreshes that were made again because the process had ended under them.
# TYPE vehicle_plugin_calls_replayed_total counter
vehicle_plugin_calls_replayed_total{plugin="kia"} 5
# HELP vehicle_plugin_crashes_total Processes that came to an end that nobody asked for, by cause.
# TYPE vehicle_plugin_crashes_total counter
vehicle_plugin_crashes_total{cause="disconnected",plugin="kia"} 0
vehicle_plugin_crashes_total{cause="exit",plugin="kia"} 0
vehicle_plugin_crashes_total{cause="frozen",plugin="kia"} 0
vehicle_plugin_crashes_total{cause="memory",plugin="kia"} 0
vehicle_plugin_crashes_total{cause="panic",plugin="kia"} 2
vehicle_plugin_crashes_total{cause="signal",plugin="kia"} 0
vehicle_plugin_crashes_total{cause="start",plugin="kia"} 0
vehicle_plugin_crashes_total{cause="stuck",plugin="kia"} 0
# HELP vehicle_plugin_memory_bytes What the process holds in RAM; 0 if that is not known.
# TYPE vehicle_plugin_memory_bytes gauge
vehicle_plugin_memory_bytes{plugin="kia"} 4096
# HELP vehicle_plugin_restarts_total Processes that came to life after the first.
# TYPE vehicle_plugin_restarts_total counter
vehicle_plugin_restarts_total{plugin="kia"} 2
# HELP vehicle_plugin_serving 1 while calls reach a process that has its settings.
# TYPE vehicle_plugin_serving gauge
vehicle_plugin_serving{plugin="kia"} 1
# HELP vehicle_plugin_starts_total Processes that came to life.
# TYPE vehicle_plugin_starts_total counter
vehicle_plugin_starts_total{plugin="kia"} 3
# HELP vehicle_plugin_state 1 for the state that the plugin is in, 0 for the others.
# TYPE vehicle_plugin_state gauge
vehicle_plugin_state{plugin="kia",state="backoff"} 0
vehicle_plugin_state{plugin="kia",state="crashed"} 0
vehicle_plugin_state{plugin="kia",state="degraded"} 0
vehicle_plugin_state{plugin="kia",state="draining"} 0
vehicle_plugin_state{plugin="kia",state="initializing"} 0
vehicle_plugin_state{plugin="kia",state="quarantined"} 0
vehicle_plugin_state{plugin="kia",state="ready"} 1
vehicle_plugin_state{plugin="kia",state="starting"} 0
vehicle_plugin_state{plugin="kia",state="stopped"} 0
vehicle_plugin_state{plugin="kia",state="verifying"} 0
# HELP vehicle_plugin_uptime_seconds Age of the process; 0 without one.
# TYPE vehicle_plugin_uptime_seconds gauge
vehicle_plugin_uptime_seconds{plugin="kia"} 90
# HELP vehicle_plugin_vehicles Cars that the plugin has.
# TYPE vehicle_plugin_vehicles gauge
vehicle_plugin_vehicles{plugin="kia"} 2
`)))
	problems, err := testutil.CollectAndLint(c)
	require.NoError(t, err)
	assert.Empty(t, problems)
}

// TestWhatAPluginTells of itself is shown, and no more.
func TestWhatAPluginTells(t *testing.T) {
	c := collector(one(host.PluginStatus{
		Name: "kia", State: host.Degraded, Health: "needs_human", Breaker: "half-open",
		Figures: host.Figures{
			Counters: map[string]int64{"vendor_calls.wake": 4, "coalesced": 2, "made_up": 1},
			Gauges:   map[string]int64{"queue_callers": 9, "budget_left.people": -1},
			Timings:  map[string]host.Timing{"run.force": {Bounds: []float64{.5, 2}, Counts: []int64{1, 0, 2}, Sum: 61}},
		},
	}))
	names := []string{"health", "breaker_state", "vendor_calls_total", "coalesced_total", "queue_callers", "budget_left", "run_duration_seconds"}
	for i := range names {
		names[i] = "vehicle_plugin_" + names[i]
	}
	require.NoError(t, testutil.CollectAndCompare(c, strings.NewReader(`
# HELP vehicle_plugin_breaker_state 1 for the state of the account's circuit breaker, 0 for the others; none while it is not known.
# TYPE vehicle_plugin_breaker_state gauge
vehicle_plugin_breaker_state{plugin="kia",state="closed"} 0
vehicle_plugin_breaker_state{plugin="kia",state="half-open"} 1
vehicle_plugin_breaker_state{plugin="kia",state="open"} 0
# HELP vehicle_plugin_budget_left Requests that are left of the day, for commands of people and for what comes by itself; -1: there is no limit.
# TYPE vehicle_plugin_budget_left gauge
vehicle_plugin_budget_left{for="people",plugin="kia"} -1
# HELP vehicle_plugin_coalesced_total Commands that shared the work of an equal one.
# TYPE vehicle_plugin_coalesced_total counter
vehicle_plugin_coalesced_total{plugin="kia"} 2
# HELP vehicle_plugin_health 1 for what the plugin says of itself, 0 for the rest; none while it says nothing.
# TYPE vehicle_plugin_health gauge
vehicle_plugin_health{plugin="kia",state="degraded"} 0
vehicle_plugin_health{plugin="kia",state="draining"} 0
vehicle_plugin_health{plugin="kia",state="needs_human"} 1
vehicle_plugin_health{plugin="kia",state="ready"} 0
vehicle_plugin_health{plugin="kia",state="starting"} 0
# HELP vehicle_plugin_queue_callers Commands that wait for an answer in the plugin.
# TYPE vehicle_plugin_queue_callers gauge
vehicle_plugin_queue_callers{plugin="kia"} 9
# HELP vehicle_plugin_run_duration_seconds Time that jobs took in their worker.
# TYPE vehicle_plugin_run_duration_seconds histogram
vehicle_plugin_run_duration_seconds_bucket{mode="force",plugin="kia",le="0.5"} 1
vehicle_plugin_run_duration_seconds_bucket{mode="force",plugin="kia",le="2"} 1
vehicle_plugin_run_duration_seconds_bucket{mode="force",plugin="kia",le="+Inf"} 3
vehicle_plugin_run_duration_seconds_sum{mode="force",plugin="kia"} 61
vehicle_plugin_run_duration_seconds_count{mode="force",plugin="kia"} 3
# HELP vehicle_plugin_vendor_calls_total Calls of the vendor's client, by what they are for.
# TYPE vehicle_plugin_vendor_calls_total counter
vehicle_plugin_vendor_calls_total{class="wake",plugin="kia"} 4
`), names...))
	problems, err := testutil.CollectAndLint(c)
	require.NoError(t, err)
	assert.Empty(t, problems)
}

func TestAPluginThatNeverStarted(t *testing.T) {
	c := collector(one(host.PluginStatus{Name: "kia", State: host.Quarantined}))
	require.NoError(t, testutil.CollectAndCompare(c, strings.NewReader(`
# HELP vehicle_plugin_restarts_total Processes that came to life after the first.
# TYPE vehicle_plugin_restarts_total counter
vehicle_plugin_restarts_total{plugin="kia"} 0
# HELP vehicle_plugin_serving 1 while calls reach a process that has its settings.
# TYPE vehicle_plugin_serving gauge
vehicle_plugin_serving{plugin="kia"} 0
# HELP vehicle_plugin_uptime_seconds Age of the process; 0 without one.
# TYPE vehicle_plugin_uptime_seconds gauge
vehicle_plugin_uptime_seconds{plugin="kia"} 0
`), "vehicle_plugin_restarts_total", "vehicle_plugin_serving", "vehicle_plugin_uptime_seconds"))
}

// TestCalls also shows a collector without a host: it has the calls and nothing
// else.
func TestCalls(t *testing.T) {
	c := collector(nil)
	for _, call := range []host.Call{
		{Plugin: "kia", Mode: shared.ModeCached, Duration: time.Millisecond},
		{Plugin: "kia", Mode: shared.ModeCached, Duration: 500 * time.Millisecond},
		{Plugin: "kia", Mode: shared.ModeForce, Reason: shared.ReasonQueueFull, Duration: 2 * time.Second},
		{Plugin: "kia", Mode: "telepathy", Reason: "made up by a plugin", Duration: 2 * time.Second},
	} {
		c.CallDone(call)
	}
	require.NoError(t, testutil.CollectAndCompare(c, strings.NewReader(`
# HELP vehicle_plugin_call_duration_seconds Time until refreshes were answered, with all waits and attempts. Reason is ok, or why it failed.
# TYPE vehicle_plugin_call_duration_seconds histogram
vehicle_plugin_call_duration_seconds_bucket{mode="cached",plugin="kia",reason="ok",le="0.01"} 1
vehicle_plugin_call_duration_seconds_bucket{mode="cached",plugin="kia",reason="ok",le="1"} 2
vehicle_plugin_call_duration_seconds_bucket{mode="cached",plugin="kia",reason="ok",le="+Inf"} 2
vehicle_plugin_call_duration_seconds_sum{mode="cached",plugin="kia",reason="ok"} 0.501
vehicle_plugin_call_duration_seconds_count{mode="cached",plugin="kia",reason="ok"} 2
vehicle_plugin_call_duration_seconds_bucket{mode="force",plugin="kia",reason="queue_full",le="0.01"} 0
vehicle_plugin_call_duration_seconds_bucket{mode="force",plugin="kia",reason="queue_full",le="1"} 0
vehicle_plugin_call_duration_seconds_bucket{mode="force",plugin="kia",reason="queue_full",le="+Inf"} 1
vehicle_plugin_call_duration_seconds_sum{mode="force",plugin="kia",reason="queue_full"} 2
vehicle_plugin_call_duration_seconds_count{mode="force",plugin="kia",reason="queue_full"} 1
vehicle_plugin_call_duration_seconds_bucket{mode="other",plugin="kia",reason="other",le="0.01"} 0
vehicle_plugin_call_duration_seconds_bucket{mode="other",plugin="kia",reason="other",le="1"} 0
vehicle_plugin_call_duration_seconds_bucket{mode="other",plugin="kia",reason="other",le="+Inf"} 1
vehicle_plugin_call_duration_seconds_sum{mode="other",plugin="kia",reason="other"} 2
vehicle_plugin_call_duration_seconds_count{mode="other",plugin="kia",reason="other"} 1
`)))
}

func TestTheLabelsAreBounded(t *testing.T) {
	c := collector(nil)
	for n := range 10_000 {
		c.CallDone(host.Call{Plugin: "kia", Mode: shared.Mode(fmt.Sprint("mode", n)), Reason: shared.Reason(fmt.Sprint("reason", n))})
	}
	for _, r := range shared.Reasons() {
		c.CallDone(host.Call{Plugin: "kia", Mode: shared.ModeSmart, Reason: r})
	}
	assert.Equal(t, 1+len(shared.Reasons()), testutil.CollectAndCount(c))
}

func TestTheDefaultBucketsHoldEveryCall(t *testing.T) {
	c := metrics.New(metrics.Options{})
	c.CallDone(host.Call{Plugin: "kia", Mode: shared.ModeForce, Duration: 180 * time.Second})
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(c))
	families, err := registry.Gather()
	require.NoError(t, err)
	require.Len(t, families, 1)
	buckets := families[0].GetMetric()[0].GetHistogram().GetBucket()
	assert.InDelta(t, 0.001, buckets[0].GetUpperBound(), 1e-9)
	last := buckets[len(buckets)-1]
	assert.InDelta(t, 180, last.GetUpperBound(), 1e-9)
	assert.Equal(t, uint64(1), last.GetCumulativeCount())
}

func TestGatheredTwiceIsTheSame(t *testing.T) {
	asked := 0
	c := collector(reporter(func() []host.PluginStatus {
		asked++
		return []host.PluginStatus{{Name: "kia", State: host.Ready, Starts: 1}, {Name: "hyundai", State: host.Backoff, Starts: 4}}
	}))
	c.CallDone(host.Call{Plugin: "kia", Mode: shared.ModeCached, Duration: time.Second})
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(c))
	asked = 0
	first, err := registry.Gather()
	require.NoError(t, err)
	assert.Equal(t, 1, asked, "one look at the host for all figures")
	second, err := registry.Gather()
	require.NoError(t, err)
	require.Len(t, second, len(first))
	for n := range first {
		assert.Equal(t, first[n].String(), second[n].String())
	}
}

func TestConcurrentUse(t *testing.T) {
	const callers, calls = 8, 200
	c := collector(nil)
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(c))
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for n := range calls {
				c.CallDone(host.Call{Plugin: "kia", Mode: shared.ModeCached, Duration: time.Duration(n) * time.Millisecond})
			}
		})
		all.Go(func() {
			c.Watch(one(host.PluginStatus{Name: "kia", State: host.Ready}))
			for range 20 {
				_, err := registry.Gather()
				assert.NoError(t, err)
			}
		})
	}
	all.Wait()
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "vehicle_plugin_call_duration_seconds" {
			assert.Equal(t, uint64(callers*calls), f.GetMetric()[0].GetHistogram().GetSampleCount())
			return
		}
	}
	t.Fatal("no histogram")
}
