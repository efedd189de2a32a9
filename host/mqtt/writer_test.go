package mqtt_test

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// kept is what a broker keeps below a topic.
func kept(server *mochi.Server, base string) map[string]string {
	all := map[string]string{}
	for topic, m := range server.Topics.Retained.GetAll() {
		if rest, ok := strings.CutPrefix(topic, base+"/"); ok {
			all[rest] = string(m.Payload)
		}
	}
	return all
}

// wired gives the bridge a client of its own, which connects when the bridge is there.
func wired(t *testing.T, broker string) func(*mqtt.Options) {
	t.Helper()
	return func(o *mqtt.Options) {
		hub, err := mqtt.NewPaho(options(broker, "wired"), "hyundai")
		require.NoError(t, err)
		t.Cleanup(func() { hub.Client().Disconnect(100) })
		connected := make(chan struct{})
		go func() {
			defer close(connected)
			_ = hub.Connect(t.Context()) // it is looked at whether it is there
		}()
		t.Cleanup(func() { <-connected })
		o.Client = hub
	}
}

// TestOnlyWhatChangedIsSent: a reading without news is a handful of messages.
func TestOnlyWhatChangedIsSent(t *testing.T) {
	f := newFleet("car1")
	soc := atomic.Int64{}
	soc.Store(76)
	f.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		data := snapshot(id)
		data.Battery.Soc = proto.Float64(float64(soc.Load()))
		return data, nil
	}
	w := newWorld(t, f, nil)
	read := func() map[string]any {
		w.publish("hyundai/car1/commands/refresh", "cached", false)
		all := map[string]any{}
		for _, m := range w.until("hyundai/car1/status/last_updated") {
			all[strings.TrimPrefix(m.Topic(), "hyundai/car1/")] = decode(t, m)["value"]
		}
		return all
	}
	assert.Greater(t, len(read()), 100, "all of it at first, with null for what the car lacks")
	again := read()
	for topic := range again {
		switch topic {
		case "status/error", "status/last_updated", "ev/charge_time_target", "ev/charge_time_100", "status/climate/air_control": // the answer, and what the broker does not keep
		default:
			assert.True(t, topic == "location" || strings.HasPrefix(topic, "status/location/"), topic)
		}
	}
	soc.Store(75)
	third := read()
	assert.Len(t, third, len(again)+1)
	assert.InDelta(t, 75, third["battery/level"], 0)
}

// TestEverythingAfterABrokerThatForgot: without a command, and commands come again.
func TestEverythingAfterABrokerThatForgot(t *testing.T) {
	first, at := newBroker(t, new(auth.AllowHook), nil)
	second, next := newBroker(t, new(auth.AllowHook), nil)
	line := lay(t, at)
	w := newWorldAt(t, line.url, newFleet("car1", "car2"), func(o *mqtt.Options) { o.NoInitialRefresh = false })
	for range 2 {
		require.NoError(t, (<-w.served).Unpublished)
	}
	before := kept(first, "hyundai")
	assert.Greater(t, len(before), 200)
	assert.Equal(t, "online", before["bridge/state"])

	line.lead(next)
	await.True(t, "the new broker has it all", func() bool { return len(kept(second, "hyundai")) == len(before) })
	assert.Equal(t, before, kept(second, "hyundai"))
	await.True(t, "the bridge is subscribed again", func() bool { return w.bridge.Trouble() == nil })
	await.True(t, "the listener is back", w.listener.IsConnectionOpen)
	w.subscribe("#")
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	s := <-w.served
	require.NoError(t, s.Err)
	require.NoError(t, s.Unpublished)
}

// TestNoMixOfOldAndNew: a state that the broker got and never acknowledged must not
// come after the one that follows it, and nothing counts as published before.
func TestNoMixOfOldAndNew(t *testing.T) {
	for round := range 5 {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			server, at := newBroker(t, new(auth.AllowHook), nil)
			line := lay(t, at)
			f := newFleet("car1")
			soc := atomic.Int64{}
			f.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
				data := snapshot(id)
				data.Battery.Soc = proto.Float64(float64(soc.Load()))
				return data, nil
			}
			w := newWorldAt(t, "tcp://"+at, f, wired(t, line.url))
			refresh := func(level int64) {
				soc.Store(level)
				w.publish("hyundai/car1/commands/refresh", "cached", false)
			}
			refresh(1)
			require.NoError(t, (<-w.served).Unpublished)

			line.deafen() // the broker's acknowledgements are lost, and the commands too
			data := snapshot("car1")
			data.Battery.Soc = proto.Float64(2)
			f.updates <- data
			await.True(t, "the broker has the second state", func() bool { return strings.Contains(kept(server, "hyundai")["car1/battery/level"], ":2,") })
			data = snapshot("car1")
			data.Battery.Soc = proto.Float64(3)
			f.updates <- data
			assert.Empty(t, w.served, "nothing was acknowledged")
			line.lead(at)
			for range 2 {
				require.NoError(t, (<-w.served).Unpublished)
			}
			assert.Contains(t, kept(server, "hyundai")["car1/battery/level"], ":3,")
			refresh(4)
			require.NoError(t, (<-w.served).Unpublished)
			assert.Contains(t, kept(server, "hyundai")["car1/battery/level"], ":4,", "and nothing old comes later")
		})
	}
}

// TestCommandsWhileTheHubWasAway are answered when it is back.
func TestCommandsWhileTheHubWasAway(t *testing.T) {
	_, at := newBroker(t, new(auth.AllowHook), nil)
	line := lay(t, at)
	w := newWorldAt(t, "tcp://"+at, newFleet("car1"), wired(t, line.url))
	line.lead("")
	await.True(t, "the hub is away", func() bool { return w.bridge.Trouble() != nil })
	for range 20 {
		w.publish("hyundai/car1/commands/refresh", "cached", false)
	}
	line.lead(at)
	for range 20 {
		require.NoError(t, (<-w.served).Err)
	}
	assert.Empty(t, w.served)
}

// TestWhatIsTooLongIsLeftOut, and the rest is published.
func TestWhatIsTooLongIsLeftOut(t *testing.T) {
	long := func(name string, size int) *fleet {
		f := newFleet("car1")
		f.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
			data := snapshot(id)
			data.Vehicle.Model = proto.String(strings.Repeat("x", size))
			x := extra("extra/" + name)
			x.Value = &vehiclev1.ExtraAttribute_Text{Text: strings.Repeat("y", size)}
			data.Extra = append(data.Extra, x)
			return data, nil
		}
		return f
	}
	t.Run("for anybody", func(t *testing.T) {
		server, at := newBroker(t, new(auth.AllowHook), nil)
		var log await.Log
		w := newWorldAt(t, "tcp://"+at, long("huge", 3<<20), func(o *mqtt.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		w.publish("hyundai/car1/commands/refresh", "cached", false)
		require.NoError(t, (<-w.served).Unpublished)
		assert.Contains(t, kept(server, "hyundai")["car1/battery/level"], "76.5")
		assert.Contains(t, kept(server, "hyundai")["car1/info/model"], "null")
		assert.NotContains(t, kept(server, "hyundai"), "car1/extra/huge")
		assert.Equal(t, 1, strings.Count(log.String(), "too long for MQTT"))
	})
	t.Run("for this broker", func(t *testing.T) {
		capabilities := mochi.NewDefaultServerCapabilities()
		capabilities.MaximumPacketSize = 4096
		server, at := newBroker(t, new(auth.AllowHook), &mochi.Options{Capabilities: capabilities})
		var log await.Log
		w := newWorldAt(t, "tcp://"+at, long("big", 10<<10), func(o *mqtt.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		w.publish("hyundai/car1/commands/refresh", "cached", false)
		<-w.served // perhaps before the limit was found
		await.True(t, "the rest is there", func() bool { return strings.Contains(kept(server, "hyundai")["car1/status/last_updated"], "2026") })
		assert.Contains(t, kept(server, "hyundai")["car1/battery/level"], "76.5")
		assert.NotContains(t, kept(server, "hyundai"), "car1/extra/big")
		assert.Contains(t, log.String(), "packet limit")
	})
}

// TestTheBridgeSaysWhetherItIsThere: its last word, and the broker's when it has none.
func TestTheBridgeSaysWhetherItIsThere(t *testing.T) {
	server, at := newBroker(t, new(auth.AllowHook), nil)
	line := lay(t, at)
	w := newWorldAt(t, "tcp://"+at, newFleet("car1"), wired(t, line.url))
	says := func(word string) {
		t.Helper()
		await.True(t, "it says "+word, func() bool { return kept(server, "hyundai")["bridge/state"] == word })
	}
	says("online")
	line.lead("")
	says("offline")
	line.lead(at)
	says("online")
	require.NoError(t, w.bridge.Stop(await.Context(t, "the bridge stops")))
	assert.Equal(t, "offline", kept(server, "hyundai")["bridge/state"])
}

// TestStopWithoutABroker does not wait for one.
func TestStopWithoutABroker(t *testing.T) {
	hub, err := mqtt.NewPaho(options("tcp://127.0.0.1:1", "x"), "hyundai")
	require.NoError(t, err)
	served := make(chan mqtt.Served, 1)
	b, err := mqtt.New(mqtt.Options{Client: hub, Fleet: newFleet("car1"), OnCommand: func(s mqtt.Served) { served <- s }})
	require.NoError(t, err)
	b.Start()
	require.NoError(t, b.Stop(await.Context(t, "the bridge stops")))
	for len(served) > 0 {
		require.ErrorIs(t, (<-served).Unpublished, mqtt.ErrUnacknowledged)
	}
}
