package mqtt_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant"
	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant/rules"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// announcing is a bridge that tells Home Assistant of its cars, which it reads once, and
// that greets it at once.
func announcing(t *testing.T) func(*mqtt.Options) {
	t.Helper()
	return func(o *mqtt.Options) {
		announcer, err := homeassistant.New(homeassistant.Options{})
		require.NoError(t, err)
		o.Announcer, o.NoInitialRefresh, o.GreetWithin = announcer, false, time.Millisecond
	}
}

// discovery waits for the next message that announces something, and checks it.
func (w *world) discovery(holds string) paho.Message {
	w.t.Helper()
	for {
		m := w.next("the announcement of " + holds)
		if !strings.HasPrefix(m.Topic(), "homeassistant/device/") || !strings.Contains(string(m.Payload()), holds) {
			continue
		}
		require.NoError(w.t, rules.CheckTopic(m.Topic(), "homeassistant"))
		require.NoError(w.t, rules.CheckDevice(m.Payload()))
		assert.EqualValues(w.t, 1, m.Qos())
		return m
	}
}

// TestHomeAssistantHearsOfTheCars: of each one from when it is listed, of what it has from
// when it is read, and of its new name; nothing is said twice.
func TestHomeAssistantHearsOfTheCars(t *testing.T) {
	f := newFleet("car1")
	w := newWorldAt(t, newMosquitto(t).URL(), f, announcing(t))
	first := w.discovery("hyundai/car1/commands/refresh")
	full := first
	if !strings.Contains(string(first.Payload()), "battery_soc") { // it was listed before it was read
		full = w.discovery("value_json.battery.soc")
	}
	assert.Equal(t, first.Topic(), full.Topic())
	for _, has := range []string{"extra_in_park", `"location":`, "windows_front_left_open"} {
		assert.Contains(t, string(full.Payload()), has)
	}
	for _, hasNot := range []string{"KMHSECRET", "fuel_level", "battery_soh", "52.5"} {
		assert.NotContains(t, string(full.Payload()), hasNot)
	}
	held := w.held("homeassistant/#")
	assert.Equal(t, string(full.Payload()), held[full.Topic()], "the broker keeps it")

	f.mu.Lock()
	f.cars[0] = &vehiclev1.Vehicle{Id: "car1", Name: proto.String("Señorita")}
	f.mu.Unlock()
	f.add("car2")
	renamed := w.discovery(`"name":"Señorita"`)
	assert.Equal(t, full.Topic(), renamed.Topic())
	assert.Contains(t, string(renamed.Payload()), "sensor.senorita_state_of_charge")
	assert.Equal(t, count(string(full.Payload()), `"unique_id"`), count(string(renamed.Payload()), `"unique_id"`))
	await.True(t, "the other car", func() bool {
		for topic, m := range w.latest {
			if strings.HasPrefix(topic, "homeassistant/") && strings.Contains(string(m.Payload()), "hyundai/car2/commands/refresh") {
				return true
			}
		}
		w.next("the announcement of the other car")
		return false
	})
}

func count(text, part string) int { return strings.Count(text, part) }

// TestHomeAssistantIsToldAgain when it has started, and then of what the broker does not
// keep: where the car is.
func TestHomeAssistantIsToldAgain(t *testing.T) {
	w := newWorldAt(t, newMosquitto(t).URL(), newFleet("car1"), announcing(t))
	w.discovery("value_json.battery.soc")
	w.holds("hyundai/car1/location", `{"latitude":52.5,"longitude":13.4`)

	for range 3 {
		w.publish("homeassistant/status", "offline", false) // it says nothing of a start
		w.publish("homeassistant/status", "online", false)
		car, places := w.discovery("value_json.battery.soc"), 0
		assert.False(t, car.Retained())
		for places == 0 {
			if m := w.next("where the car is"); m.Topic() == "hyundai/car1/location" {
				places++
			}
		}
	}
}

// TestHomeAssistantHearsOfWhatARefusalCarries: the newest data that there is of the car.
func TestHomeAssistantHearsOfWhatARefusalCarries(t *testing.T) {
	f := newFleet("car1")
	f.refresh = func(_ context.Context, mode shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		return nil, &shared.RefreshError{Mode: mode, VehicleID: id, Err: shared.NewError(shared.ReasonBudgetSpent), Last: snapshot(id)}
	}
	w := newWorldAt(t, newMosquitto(t).URL(), f, announcing(t))
	w.discovery("value_json.battery.soc")
}

// TestAFleetIsAnnounced, each car's message once, in so many bytes.
func TestAFleetIsAnnounced(t *testing.T) {
	ids := make([]string, 200)
	for n := range ids {
		ids[n] = fmt.Sprint("car", n)
	}
	t.Run("before it is read", func(t *testing.T) {
		seen := announced(t, newFleet(ids...), true, "commands/refresh")
		for topic, times := range seen {
			assert.Equal(t, 1, times, topic)
		}
	})
	t.Run("read at the start", func(t *testing.T) {
		body, err := os.ReadFile("../../shared/testdata/cars/eu_kia_ev9_2024_ccs2.json")
		require.NoError(t, err)
		recorded := &vehiclev1.VehicleData{}
		require.NoError(t, protojson.Unmarshal(body, recorded))
		f := newFleet(ids...)
		f.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
			data := proto.CloneOf(recorded)
			data.Vehicle.Id = id
			return data, nil
		}
		for topic, times := range announced(t, f, false, "value_json.battery.soc") {
			assert.LessOrEqual(t, times, 2, "when it was listed and when it was read: %s", topic)
		}
	})
}

// announced waits until 200 cars are announced by a message that holds some text, and
// returns how often each topic got one.
func announced(t *testing.T, f *fleet, unread bool, text string) map[string]int {
	t.Helper()
	begun := time.Now()
	w := newWorldAt(t, newMosquitto(t).URL(), f, func(o *mqtt.Options) {
		announcing(t)(o)
		o.NoInitialRefresh = unread
	})
	seen, whole, bytes := map[string]int{}, map[string]bool{}, 0
	for len(whole) < 200 {
		m := w.discovery("commands/refresh")
		seen[m.Topic()]++
		bytes += len(m.Payload())
		if strings.Contains(string(m.Payload()), text) {
			whole[m.Topic()] = true
		}
	}
	took := time.Since(begun)
	w.distributed()
	t.Log(bytes, "bytes for 200 cars, after", took)
	assert.Less(t, bytes, 200*64<<10)
	return seen
}

// TestAnnouncementsOutliveARestart: the first message of a new run has all that the car had
// reported in the former one.
func TestAnnouncementsOutliveARestart(t *testing.T) {
	f, dir := newFleet("car1"), t.TempDir()
	w := newWorldAt(t, newMosquitto(t).URL(), f, func(o *mqtt.Options) {
		announcing(t)(o)
		o.StateDir = dir
	})
	before := w.discovery("value_json.battery.soc")
	require.NoError(t, w.bridge.Stop(await.Context(t, "the bridge stops")))

	o := mqtt.Options{Client: w.hub, Fleet: f, ProbeInterval: -1, StateDir: dir}
	announcing(t)(&o)
	o.NoInitialRefresh = true
	w.start(o)
	assert.JSONEq(t, string(before.Payload()), string(w.discovery("hyundai/car1/commands/refresh").Payload()))
}
