package mqtt_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestStateTopics is the golden record of a car's topics.
func TestStateTopics(t *testing.T) {
	w := newWorld(t, newFleet("car1"), nil)
	w.publish("hyundai/car1/commands/refresh", "force", false)
	all := w.until("hyundai/car1/status/last_updated")
	got, null := map[string]string{}, map[string]string{}
	for _, m := range all {
		topic := strings.TrimPrefix(m.Topic(), "hyundai/car1/")
		assert.EqualValues(t, 1, m.Qos(), topic)
		if strings.HasPrefix(string(m.Payload()), `{"value":null,"timestamp"`) || strings.HasPrefix(string(m.Payload()), `{"value":null,"unit"`) {
			null[topic] = string(m.Payload())
		} else {
			got[topic] = string(m.Payload())
		}
	}
	const at = `"timestamp":"2026-03-01T11:30:00.000000Z"`  // the car's own time
	const now = `"timestamp":"2026-03-01T12:00:00.000000Z"` // the time of the refresh
	const fix = `"timestamp":"2026-03-01T10:30:00.000000Z"` // the time of the position
	assert.Equal(t, map[string]string{
		"info/name":                              `{"value":"My car",` + now + `}`,
		"info/engine_type":                       `{"value":"EV",` + now + `}`,
		"battery/level":                          `{"value":76.5,"unit":"%",` + at + `}`,
		"battery/energy":                         `{"value":61.21,"unit":"kWh",` + at + `}`,
		"battery/charging_status":                `{"value":"charging",` + at + `}`,
		"battery/plug_status":                    `{"value":"connected",` + at + `}`,
		"battery/aux_level":                      `{"value":85,"unit":"%",` + at + `}`,
		"ev/charge_time_target":                  `{"value":45,"unit":"min",` + at + `}`,
		"ev/charge_time_100":                     `{"value":45,"unit":"min",` + at + `}`,
		"ev/range":                               `{"value":310,"unit":"km",` + at + `}`,
		"schedule/off_peak_start":                `{"value":"22:00",` + at + `}`,
		"schedule/departure1_days":               `{"value":["monday","friday"],` + at + `}`,
		"status/doors/locked":                    `{"value":true,` + at + `}`,
		"status/windows/front_left":              `{"value":1,"state":"OPEN",` + at + `}`,
		"status/windows/front_right":             `{"value":0,"state":"CLOSED",` + at + `}`,
		"status/climate/is_on":                   `{"value":false,` + at + `}`,
		"status/climate/air_control":             `{"value":false,` + at + `}`,
		"status/climate/front_left_seat_status":  `{"value":7,"level":"MED","mode":"heat",` + at + `}`,
		"status/climate/front_right_seat_status": `{"value":0,"level":"OFF","mode":"off",` + at + `}`,
		"location":                               `{"latitude":52.5,"longitude":13.4,"observed_at":"2026-03-01T10:30:00.000000Z"}`,
		"status/location/latitude":               `{"value":52.5,"unit":"°",` + fix + `}`,
		"status/location/longitude":              `{"value":13.4,"unit":"°",` + fix + `}`,
		"status/location/last_updated":           `{"value":"2026-03-01T10:30:00.000000Z",` + fix + `}`,
		"extra/in_park":                          `{"value":true,` + at + `}`,
		"status/verdict":                         `{"value":"fresh",` + now + `}`,
		"status/data_source":                     `{"value":"fresh",` + now + `}`,
		"status/update_method":                   `{"value":"force",` + now + `}`,
		"status/age":                             `{"value":30,"unit":"min",` + now + `}`,
		"status/error":                           `{"value":null,"error":null,` + now + `}`,
		"status/last_updated":                    `{"value":"2026-03-01T11:30:00.000000Z",` + now + `}`,
	}, got)
	assert.NotContains(t, fmt.Sprint(got), "KMHSECRET", "the VIN has no topic")
	for _, a := range shared.Attributes() { // what the car lacks, the broker may have of another time
		if topic := a.Info.GetTopic(); topic != "" && a.Info.GetRetained() && got[topic] == "" {
			assert.Contains(t, null, topic)
			delete(null, topic)
		}
		for _, d := range a.Info.GetDerived() {
			if d.GetRetained() {
				assert.True(t, null[d.GetTopic()] != "" || got[d.GetTopic()] != "", d.GetTopic())
			} else {
				assert.NotContains(t, null, d.GetTopic())
			}
			delete(null, d.GetTopic())
		}
	}
	assert.Empty(t, null, "what is not kept needs no null")
	served := <-w.served
	assert.Equal(t, "force", served.Command)
	assert.NoError(t, served.Err)
	assert.NotEmpty(t, served.RequestID)

	// Who connects later gets what is retained, and that is not the position.
	late := w.client("late")
	kept := make(chan paho.Message, 1000)
	token := late.Subscribe("hyundai/car1/#", 1, func(_ paho.Client, m paho.Message) { kept <- m })
	confirmed(t, token)
	topics := map[string]bool{}
	for !topics["status/last_updated"] || !topics["battery/level"] || !topics["status/error"] {
		m := <-kept
		topics[strings.TrimPrefix(m.Topic(), "hyundai/car1/")] = m.Retained()
	}
	assert.NotContains(t, topics, "status/location/latitude")
}

func TestModesReachThePlugin(t *testing.T) {
	f := newFleet("car1")
	type call struct {
		mode shared.Mode
		age  time.Duration
		id   string
	}
	calls := make(chan call, 10)
	f.refresh = func(ctx context.Context, mode shared.Mode, id string, maxAge time.Duration) (*vehiclev1.VehicleData, error) {
		calls <- call{mode, maxAge, shared.CallInfoFrom(ctx).RequestID}
		return snapshot(id), nil
	}
	w := newWorld(t, f, nil)
	for payload, want := range map[string]call{
		"cached": {mode: shared.ModeCached}, "force": {mode: shared.ModeForce}, " smart ": {mode: shared.ModeSmart},
		"smart:60": {mode: shared.ModeSmart, age: time.Minute}, "smart: 604800 ": {mode: shared.ModeSmart, age: 7 * 24 * time.Hour},
	} {
		w.publish("hyundai/car1/commands/refresh", payload, false)
		got, served := <-calls, <-w.served
		assert.Equal(t, want.mode, got.mode, payload)
		assert.Equal(t, want.age, got.age, payload)
		assert.Equal(t, served.RequestID, got.id)
	}
}

// TestRetainedCommandIsRefused: what the broker kept may be old; nobody wants a
// car woken by it at each start.
func TestRetainedCommandIsRefused(t *testing.T) {
	f := newFleet("car1")
	f.refresh = func(context.Context, shared.Mode, string, time.Duration) (*vehiclev1.VehicleData, error) {
		t.Error("the command was carried out")
		return nil, shared.NewError(shared.ReasonInternal)
	}
	w := newWorld(t, newFleet("car1"), func(o *mqtt.Options) { o.BaseTopic = "elsewhere" })
	w.publish("hyundai/car1/commands/refresh", "force", true)
	// The broker confirms a message before it hands it out. Once it has confirmed
	// the next one, nobody gets the first as a new one.
	w.publish("another/car1/commands/refresh", "next", false)
	served := make(chan mqtt.Served, 1)
	w.start(mqtt.Options{Client: w.paho("second", "hyundai"), Fleet: f, NoInitialRefresh: true, OnCommand: func(s mqtt.Served) { served <- s }})
	require.ErrorIs(t, (<-served).Err, shared.ReasonInvalidCommand)
	assert.Contains(t, decode(t, w.until("hyundai/car1/status/error")[0])["error"], "retain")
}

func TestFailuresAreTyped(t *testing.T) {
	f := newFleet("car1")
	f.refresh = func(context.Context, shared.Mode, string, time.Duration) (*vehiclev1.VehicleData, error) {
		e := shared.NewError(shared.ReasonCircuitOpen)
		e.Rule, e.RetryAfter = "circuit_open", 42500*time.Millisecond
		return nil, &shared.RefreshError{Mode: shared.ModeSmart, VehicleID: "car1", Err: e}
	}
	w := newWorld(t, f, nil)
	w.publish("hyundai/car1/commands/refresh", "smart:60", false)
	v := decode(t, w.until("hyundai/car1/status/error")[0])
	assert.Equal(t, "circuit_open", v["reason"])
	assert.Equal(t, "RefreshError", v["error_type"])
	assert.Equal(t, "smart", v["command_type"])
	assert.Equal(t, "circuit_open", v["rule"])
	assert.EqualValues(t, 43, v["retry_after"])
}

// TestValuesThatBecomeUnknown are published as null and do not live on.
func TestValuesThatBecomeUnknown(t *testing.T) {
	f := newFleet("car1")
	w := newWorld(t, f, nil)
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	w.until("hyundai/car1/status/last_updated")
	f.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		d := snapshot(id)
		d.Battery.Soc = nil
		d.Refresh.ObservedAt = nil
		return d, nil
	}
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	all := w.until("hyundai/car1/status/last_updated")
	byTopic := map[string]map[string]any{}
	for _, m := range all {
		byTopic[m.Topic()] = decode(t, m)
	}
	soc := byTopic["hyundai/car1/battery/level"]
	require.NotNil(t, soc)
	assert.Contains(t, soc, "value")
	assert.Nil(t, soc["value"])
	assert.Nil(t, byTopic["hyundai/car1/status/last_updated"]["value"], "the marker comes also without a time")
}

func TestBaseTopicOfSeveralLevels(t *testing.T) {
	w := newWorld(t, newFleet("car1"), func(o *mqtt.Options) { o.BaseTopic = "home/garage/cars" })
	w.publish("home/garage/cars/car1/commands/refresh", "cached", false)
	w.until("home/garage/cars/car1/status/last_updated")
	for _, base := range []string{"a/+/b", "a/#", "/a", "a/", "$SYS"} {
		_, err := mqtt.New(mqtt.Options{Client: w.hub, Fleet: newFleet(), BaseTopic: base})
		require.ErrorContains(t, err, "base topic", base)
	}
	_, err := mqtt.New(mqtt.Options{})
	require.Error(t, err)
}

// TestInitialRefresh: every car is read once when it is first seen, from the
// cloud's copy.
func TestInitialRefresh(t *testing.T) {
	f := newFleet("car1", "car2")
	modes := make(chan shared.Mode, 10)
	f.refresh = func(_ context.Context, mode shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		modes <- mode
		return snapshot(id), nil
	}
	w := newWorld(t, f, func(o *mqtt.Options) { o.NoInitialRefresh = false })
	seen := map[string]bool{}
	for range 2 {
		s := <-w.served
		assert.Equal(t, "initial", s.Command)
		assert.Equal(t, shared.ModeCached, <-modes)
		seen[s.Vehicle] = true
	}
	f.add("car3")
	s := <-w.served
	seen[s.Vehicle] = true
	assert.Equal(t, map[string]bool{"car1": true, "car2": true, "car3": true}, seen)
	f.add() // the list again
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	assert.Equal(t, "cached", (<-w.served).Command, "nobody was read twice")
}

// TestFirstReadsOfAFleet are no more at a time than leave room for commands.
func TestFirstReadsOfAFleet(t *testing.T) {
	const cars, most = 300, 256
	ids := make([]string, cars)
	for i := range ids {
		ids[i] = "car" + strconv.Itoa(i)
	}
	f := newFleet(ids...)
	var running, peak atomic.Int32
	full := make(chan struct{})
	fill := sync.OnceFunc(func() { close(full) })
	f.refresh = func(ctx context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		n := running.Add(1)
		defer running.Add(-1)
		peak.Store(max(peak.Load(), n))
		if n == most {
			fill()
		}
		select {
		case <-full:
		case <-ctx.Done():
		}
		return snapshot(id), nil
	}
	w := newWorld(t, f, func(o *mqtt.Options) { o.NoInitialRefresh = false })
	for range cars {
		require.NoError(t, (<-w.served).Err)
	}
	assert.LessOrEqual(t, peak.Load(), int32(most))
}

// TestCallbackNeverBlocks: with every refresh stuck, the hub's MQTT loop goes on.
func TestCallbackNeverBlocks(t *testing.T) {
	f := newFleet("car1")
	release := make(chan struct{})
	f.refresh = func(ctx context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		select {
		case <-release:
			return snapshot(id), nil
		case <-ctx.Done():
			return nil, shared.AsAPIError(ctx.Err())
		}
	}
	pong := make(chan struct{}, 1)
	w := newWorld(t, f, nil)
	token := w.hub.Client().Subscribe("ping", 1, func(paho.Client, paho.Message) { pong <- struct{}{} })
	confirmed(t, token)
	const commands = 500
	for range commands {
		w.listener.Publish("hyundai/car1/commands/refresh", 1, false, "force")
	}
	w.publish("ping", "", false)
	<-pong // the hub's loop has seen 500 commands and the ping
	close(release)
	for range commands {
		require.NoError(t, (<-w.served).Err)
	}
}

func TestStopAnswersWhatRuns(t *testing.T) {
	f := newFleet("car1")
	entered := make(chan struct{})
	f.refresh = func(ctx context.Context, mode shared.Mode, _ string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		close(entered)
		<-ctx.Done()
		return nil, &shared.RefreshError{Mode: mode, VehicleID: "car1", Err: shared.AsAPIError(ctx.Err())}
	}
	w := newWorld(t, f, nil)
	served := make(chan mqtt.Served, 1)
	b := w.start(mqtt.Options{Client: w.paho("second", "second"), Fleet: f, NoInitialRefresh: true, BaseTopic: "second", OnCommand: func(s mqtt.Served) { served <- s }})
	w.publish("second/car1/commands/refresh", "force", false)
	<-entered
	require.NoError(t, b.Stop(await.Context(t, "the bridge stops")))
	s := <-served
	require.ErrorIs(t, s.Err, shared.ReasonCanceled)
	assert.NoError(t, s.Unpublished, "there is time for that")
}

// TestCommandsWhileTheBridgeStops are answered: the client has acknowledged them.
func TestCommandsWhileTheBridgeStops(t *testing.T) {
	s := newSupervised("car1")
	begun, release := make(chan struct{}), make(chan struct{})
	s.refresh = func(context.Context, shared.Mode, string, time.Duration) (*vehiclev1.VehicleData, error) {
		close(begun)
		<-release // whatever is cancelled
		return nil, shared.NewError(shared.ReasonInternal)
	}
	w := superviseWorld(t, s, nil)
	w.publish("hyundai/car1/commands/refresh", `{"mode":"cached","id":"first"}`, false)
	await.Value(t, "the call", begun)
	stopped := make(chan error, 1)
	go func() { stopped <- w.bridge.Stop(await.Context(t, "the bridge stops")) }()

	// The bridge says when it stops only at the end: ask until it does.
	for n, refused := 0, false; !refused; n++ {
		a := w.ask("ping", fmt.Sprintf(`{"transaction":"%d"}`, n))
		assert.Equal(t, fmt.Sprint(n), a["transaction"])
		refused = a["reason"] == "draining"
	}
	w.publish("hyundai/car1/commands/refresh", `{"mode":"cached","id":"second"}`, false)
	answer := decode(t, w.holds("hyundai/car1/responses/refresh", "second"))
	assert.Equal(t, []any{"refused", "draining", "cached"}, []any{answer["state"], answer["reason"], answer["command"]})
	w.publish("hyundai/car1/commands/refresh", `nonsense`, false)
	w.holds("hyundai/car1/responses/refresh", `"command":"refresh"`)
	w.publish("hyundai/car1/commands/schedule", "off", false)
	w.holds("hyundai/car1/responses/schedule", "draining")
	close(release)
	require.NoError(t, await.Value(t, "the end", stopped))
	w.holds("hyundai/car1/responses/refresh", `"id":"first"`)
	w.holds("hyundai/bridge/state", "offline")
}
