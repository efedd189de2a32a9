package mqtt_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestWhatComesWithoutACommandIsPublished, and is no answer to the last command.
func TestWhatComesWithoutACommandIsPublished(t *testing.T) {
	f := newFleet("car1")
	w := newWorld(t, f, nil)
	d := snapshot("car1")
	d.Battery.Soc = proto.Float64(81)
	f.updates <- d
	for _, m := range w.until("hyundai/car1/status/last_updated") {
		assert.NotEqual(t, "hyundai/car1/status/error", m.Topic())
		if m.Topic() == "hyundai/car1/battery/level" {
			assert.InDelta(t, 81, decode(t, m)["value"], 0)
			assert.True(t, m.Retained() || m.Qos() == 1)
		}
	}
	assert.Equal(t, "scheduled", (<-w.served).Command)
	strange := snapshot("no topic/#")
	f.updates <- strange // left out
	f.updates <- d
	w.until("hyundai/car1/status/last_updated")
}

// TestARefusalWithNewerDataShowsIt, and the reason.
func TestARefusalWithNewerDataShowsIt(t *testing.T) {
	f := newFleet("car1")
	last := snapshot("car1")
	last.Refresh.Verdict = vehiclev1.Verdict_VERDICT_STALE.Enum()
	f.refresh = func(_ context.Context, mode shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		return nil, &shared.RefreshError{Mode: mode, VehicleID: id, Last: last, Err: shared.NewError(shared.ReasonGuardRefused)}
	}
	w := newWorld(t, f, nil)
	topics := func(last string) map[string]any {
		all := map[string]any{}
		for _, m := range w.until("hyundai/car1/" + last) {
			all[m.Topic()] = decode(t, m)["value"]
		}
		return all
	}
	w.publish("hyundai/car1/commands/refresh", "force", false)
	first := topics("status/last_updated")
	assert.InDelta(t, 76.5, first["hyundai/car1/battery/level"], 0.1)
	assert.Equal(t, "stale", first["hyundai/car1/status/verdict"])
	w.publish("hyundai/car1/commands/refresh", "force", false)
	assert.Len(t, topics("status/error"), 1, "what is shown already is not shown again")
	last.Refresh.ObservedAt = proto.Int64(observed.Add(time.Minute).UnixMilli())
	w.publish("hyundai/car1/commands/refresh", "force", false)
	assert.Greater(t, len(topics("status/last_updated")), 10)
}

// TestScheduleIsShownFromTheStart, with a word for it, and set in part.
func TestScheduleIsShownFromTheStart(t *testing.T) {
	f := newFleet("car1")
	inForce := func(schedule, preset string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.schedule = shared.Schedule{JSON: json.RawMessage(schedule), Preset: preset}
	}
	inForce(`{"idle":"4h0m0s"}`, "recommended")
	w := newWorldAt(t, newMosquitto(t).URL(), f, announcing(t))
	assert.Contains(t, string(w.discovery("hyundai/car1/schedule/preset").Payload()), `"plan_idle"`)
	w.holds("hyundai/car1/schedule", `{"idle":"4h0m0s"}`)
	w.holds("hyundai/car1/schedule/preset", "recommended")

	inForce(`{"idle":"1h0m0s"}`, "custom")
	w.publish("hyundai/car1/commands/schedule", `{"change":{"idle":"60m"}}`, false)
	w.holds("hyundai/car1/schedule/preset", "custom")
	w.holds("hyundai/car1/schedule", `{"idle":"1h0m0s"}`)
	w.publish("hyundai/car1/commands/schedule", "custom", false)
	w.holds("hyundai/car1/status/error", "Which one?")

	inForce(`{"idle":"2h0m0s"}`, "custom")
	f.add() // the plugin has started anew, or has other settings
	w.holds("hyundai/car1/schedule", `{"idle":"2h0m0s"}`)
}

func TestScheduleByCommand(t *testing.T) {
	w := newWorld(t, newFleet("car1"), nil)
	for _, c := range []struct{ payload, want string }{
		{`{"idle":"4h"}`, `{"idle":"4h"}`}, {" off ", `{}`}, {"recommended", `{"idle":"6h0m0s"}`}, {"default", `{"idle":"4h0m0s"}`},
	} {
		w.publish("hyundai/car1/commands/schedule", c.payload, false)
		all := w.until("hyundai/car1/schedule")
		m := all[len(all)-1]
		assert.JSONEq(t, c.want, string(m.Payload()), c.payload)
		assert.Equal(t, "hyundai/car1/status/error", all[0].Topic())
		assert.Nil(t, decode(t, all[0])["error"])
		require.NoError(t, (<-w.served).Err)
	}
	for payload, reason := range map[string]string{" ": "invalid_command", "often": "invalid_command", `{"idle":`: "invalid_command", string(make([]byte, 5000)): "invalid_command"} {
		w.publish("hyundai/car1/commands/schedule", payload, false)
		all := w.until("hyundai/car1/status/error")
		assert.Equal(t, reason, decode(t, all[len(all)-1])["reason"])
		assert.Equal(t, "schedule", decode(t, all[len(all)-1])["command_type"])
		require.Error(t, (<-w.served).Err)
	}
	w.publish("hyundai/typo/commands/schedule", "off", false)
	assert.Equal(t, "unknown_vehicle", decode(t, w.until("hyundai/typo/status/error")[0])["reason"])
}
