package metrics_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/metrics"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

type busy mqtt.Stats

func (b busy) Stats() mqtt.Stats { return mqtt.Stats(b) }

func TestABridge(t *testing.T) {
	b := metrics.NewBridge()
	b.Watch(busy{Serving: 3, Waiting: 2, Dropped: 1, LoopDelay: 1500 * time.Millisecond, Connected: true})
	b.Served(mqtt.Served{Command: "smart:60", Duration: 200 * time.Second})
	b.Served(mqtt.Served{Command: "lock", Duration: 200 * time.Second, Err: errors.New("who knows")})
	b.Served(mqtt.Served{Command: "force", Duration: 200 * time.Second, Err: shared.NewError(shared.ReasonQueueFull)})
	b.Served(mqtt.Served{Command: mqtt.CommandScheduled, Unpublished: errors.New("no broker")})
	b.Served(mqtt.Served{Command: mqtt.CommandInitial, Duration: time.Second})
	b.Probed(700 * time.Microsecond)
	require.NoError(t, testutil.CollectAndCompare(b, strings.NewReader(`
# HELP vehicle_bridge_commands_dropped_total Commands that could not even be answered, because far too many came at once.
# TYPE vehicle_bridge_commands_dropped_total counter
vehicle_bridge_commands_dropped_total 1
# HELP vehicle_bridge_commands_serving Commands that are being served.
# TYPE vehicle_bridge_commands_serving gauge
vehicle_bridge_commands_serving 3
# HELP vehicle_bridge_commands_waiting Commands that wait to be served.
# TYPE vehicle_bridge_commands_waiting gauge
vehicle_bridge_commands_waiting 2
# HELP vehicle_bridge_loop_delay_current_seconds The last such time, or how long the message that is under way has been taking.
# TYPE vehicle_bridge_loop_delay_current_seconds gauge
vehicle_bridge_loop_delay_current_seconds 1.5
`), "vehicle_bridge_commands_dropped_total", "vehicle_bridge_commands_serving", "vehicle_bridge_commands_waiting", "vehicle_bridge_loop_delay_current_seconds"))
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(b))
	page := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	for _, line := range []string{
		`vehicle_bridge_command_duration_seconds_count{mode="smart",reason="ok"} 1`,
		`vehicle_bridge_command_duration_seconds_count{mode="force",reason="queue_full"} 1`,
		`vehicle_bridge_command_duration_seconds_count{mode="other",reason="internal_error"} 1`,
		`vehicle_bridge_command_duration_seconds_count{mode="other",reason="ok"} 1`, // not the schedule's
		"vehicle_bridge_unpublished_total 1",
		"vehicle_bridge_connected 1",
		`vehicle_bridge_loop_delay_seconds_bucket{le="0.001"} 1`,
		`vehicle_bridge_loop_delay_seconds_bucket{le="0.0005"} 0`,
	} {
		assert.Contains(t, page.Body.String(), line)
	}
	problems, err := testutil.CollectAndLint(b)
	require.NoError(t, err)
	assert.Empty(t, problems)
}

// TestABridgeThatIsNotKnown shows what it was told.
func TestABridgeThatIsNotKnown(t *testing.T) {
	assert.Equal(t, 2, testutil.CollectAndCount(metrics.NewBridge()), "the histogram of the loop, and what was not published")
}
