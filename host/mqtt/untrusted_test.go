package mqtt_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func extra(topic string) *vehiclev1.ExtraAttribute {
	return &vehiclev1.ExtraAttribute{
		Key: "x", Value: &vehiclev1.ExtraAttribute_Flag{Flag: true},
		Attribute: &vehiclev1.Attribute{Name: "X", Topic: topic, Quantity: vehiclev1.Quantity_QUANTITY_SWITCH, Retained: true},
	}
}

// TestTopicsThatAPluginMayNotHave: a name that MQTT forbids would make the broker
// hang up on the hub, one of ours would take it over.
func TestTopicsThatAPluginMayNotHave(t *testing.T) {
	wrong := []string{
		"a/#", "#", "+", "a/+/b", "/a", "a/", "a//b", "$SYS/a", "a\x00b", "commands/refresh", "commands", "a b", "é",
		"responses/refresh", "state", "availability/x", "evcc/soc", "action/lock",
		"status/error", "status/age", "schedule", "availability", "status/last_updated", "battery/level", strings.Repeat("a", 201),
	}
	var log await.Log
	f := newFleet("car1")
	f.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		data := snapshot(id)
		for _, topic := range wrong {
			data.Extra = append(data.Extra, extra(topic))
		}
		data.Extra = append(data.Extra, extra("extra/right"), &vehiclev1.ExtraAttribute{Key: "bare"})
		return data, nil
	}
	w := newWorld(t, f, func(o *mqtt.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	for round := range 3 {
		w.publish("hyundai/car1/commands/refresh", "cached", false)
		topics := map[string]int{}
		for _, m := range w.until("hyundai/car1/status/last_updated") {
			topics[strings.TrimPrefix(m.Topic(), "hyundai/car1/")]++
		}
		for _, topic := range wrong[:18] {
			assert.NotContains(t, topics, topic)
		}
		once := map[bool]int{true: 1}[round == 0] // what the broker holds is not sent again
		assert.Equal(t, once, topics["battery/level"])
		assert.Equal(t, once, topics["extra/right"])
		served := <-w.served
		require.NoError(t, served.Err)
		require.NoError(t, served.Unpublished)
	}
	assert.Equal(t, 1, strings.Count(log.String(), "cannot have"), "told once a car")

	// One that goes is nulled.
	f.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		return snapshot(id), nil
	}
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	for _, m := range w.until("hyundai/car1/status/last_updated") {
		if m.Topic() == "hyundai/car1/extra/right" {
			assert.Nil(t, decode(t, m)["value"])
		}
	}
	require.NoError(t, (<-w.served).Unpublished)
}

func TestTooManyExtras(t *testing.T) {
	f := newFleet("car1")
	f.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		data := snapshot(id)
		for n := range 5000 {
			data.Extra = append(data.Extra, extra(fmt.Sprintf("extra/n%d", n)))
		}
		return data, nil
	}
	w := newWorld(t, f, nil)
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	assert.Less(t, len(w.until("hyundai/car1/status/last_updated")), 700)
}

// TestIDsThatAreNoTopics: such a car is left out, the others are served.
func TestIDsThatAreNoTopics(t *testing.T) {
	w := newWorld(t, newFleet("a/#", "+", "", "car/1", "car1"), func(o *mqtt.Options) { o.NoInitialRefresh = false })
	served := <-w.served
	assert.Equal(t, "car1", served.Vehicle)
	require.NoError(t, served.Unpublished)
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	assert.Equal(t, "car1", (<-w.served).Vehicle)
	assert.Empty(t, w.served)
}

// TestOlderStateDoesNotReplaceNewer: a read that takes long may end after a wake.
func TestOlderStateDoesNotReplaceNewer(t *testing.T) {
	states := make(chan *vehiclev1.VehicleData, 1)
	f := newFleet("car1")
	f.refresh = func(context.Context, shared.Mode, string, time.Duration) (*vehiclev1.VehicleData, error) {
		return <-states, nil
	}
	w := newWorld(t, f, nil)
	show := func(soc float64, at time.Time) (levels []any, marker any) {
		data := snapshot("car1")
		data.Battery.Soc, data.Refresh.ObservedAt = proto.Float64(soc), proto.Int64(at.UnixMilli())
		states <- data
		w.publish("hyundai/car1/commands/refresh", "cached", false)
		for _, m := range w.until("hyundai/car1/status/last_updated") {
			switch m.Topic() {
			case "hyundai/car1/battery/level":
				levels = append(levels, decode(t, m)["value"])
			case "hyundai/car1/status/last_updated":
				marker = decode(t, m)["value"]
			}
		}
		return levels, marker
	}
	const at = "2026-03-01T11:30:00.000000Z"
	levels, marker := show(50, observed)
	assert.Equal(t, []any{50.0}, levels)
	assert.Equal(t, at, marker)
	levels, marker = show(80, observed.Add(-time.Hour))
	assert.Empty(t, levels, "it is older")
	assert.Equal(t, at, marker, "the answer is marked all the same")
	levels, _ = show(49, observed)
	assert.Equal(t, []any{49.0}, levels, "as old is not older")
	_, _ = show(1, observed.Add(10*time.Hour)) // a car whose clock is wrong for once
	levels, _ = show(48, observed.Add(time.Minute))
	assert.Equal(t, []any{48.0}, levels, "the future is no obstacle")
}

// TestFailureOutlivesTheFirstRead: the bridge's own read is nobody's command.
func TestFailureOutlivesTheFirstRead(t *testing.T) {
	w := newWorld(t, newFleet("car1"), func(o *mqtt.Options) { o.NoInitialRefresh = false })
	for _, m := range w.until("hyundai/car1/status/last_updated") {
		assert.NotEqual(t, "hyundai/car1/status/error", m.Topic())
	}
}
