package mqtt_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// counting is a fleet that counts how often a car was asked for.
func counting(cars ...string) (*fleet, *atomic.Int64) {
	f, calls := newFleet(cars...), &atomic.Int64{}
	f.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		calls.Add(1)
		return snapshot(id), nil
	}
	return f, calls
}

// TestALiveRetainedCommandIsRefused as well: who has subscribed gets it like any other,
// and it would wake the car again at each start of another hub.
func TestALiveRetainedCommandIsRefused(t *testing.T) {
	server, at := newBroker(t, new(auth.AllowHook), nil)
	f, calls := counting("car1")
	w := newWorldAt(t, "tcp://"+at, f, nil)
	for range 3 {
		w.publish("hyundai/car1/commands/refresh", `{"mode":"force","id":"r"}`, true)
		answers := w.answers("car1")
		require.Len(t, answers, 1)
		assert.Equal(t, []any{"r", "refused", "retained"}, []any{answers[0]["id"], answers[0]["state"], answers[0]["code"]})
		require.Error(t, (<-w.served).Err)
		await.True(t, "it is off the broker", func() bool { return kept(server, "hyundai/car1/commands")["refresh"] == "" })
	}
	assert.Zero(t, calls.Load())
	w.publish("hyundai/car1/commands/refresh", `{"mode":"force","id":"r"}`, false)
	require.NoError(t, (<-w.served).Err)
	assert.Empty(t, w.served)
}

// TestRetainedCommandsAmongOthers: each is known for what it is, however many come.
func TestRetainedCommandsAmongOthers(t *testing.T) {
	const cars, each = 20, 5
	ids := make([]string, cars)
	for n := range ids {
		ids[n] = fmt.Sprint("car", n)
	}
	f, calls := counting(ids...)
	w := newWorld(t, f, nil)
	for n := range each {
		for c, id := range ids {
			w.listener.Publish("hyundai/"+id+"/commands/refresh", 1, c%2 == 0 && n == 2, fmt.Sprintf(`{"mode":"cached","id":"%d"}`, n))
		}
	}
	refused := map[string]int{}
	for range cars * each {
		s := await.Value(t, "a command is answered", w.served)
		if s.Err != nil {
			refused[s.ID]++
		}
	}
	assert.Equal(t, map[string]int{"2": cars / 2}, refused)
	assert.EqualValues(t, cars*each-cars/2, calls.Load())
	assert.Empty(t, w.served)
}

// oneWay lets a client publish to the bridge's own topics, and not read them.
type oneWay struct{ auth.AllowHook }

func (oneWay) OnACLCheck(_ *mochi.Client, topic string, write bool) bool {
	return write || !strings.Contains(topic, "/bridge/")
}

// TestCommandsWithoutAFence: a broker that hides the bridge's own topics from it.
func TestCommandsWithoutAFence(t *testing.T) {
	_, at := newBroker(t, new(oneWay), nil)
	f, calls := counting("car1")
	w := newWorldAt(t, "tcp://"+at, f, nil)
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	require.NoError(t, (<-w.served).Err)
	assert.EqualValues(t, 1, calls.Load())
}

// TestCommandsForAHubThatWasOff have expired: nobody knows for how long.
func TestCommandsForAHubThatWasOff(t *testing.T) {
	server, at := newBroker(t, new(auth.AllowHook), nil)
	f, calls := counting("car1")
	w := newWorldAt(t, "tcp://"+at, f, nil)
	require.NoError(t, w.bridge.Stop(await.Context(t, "the bridge stops")))
	w.hub.Client().Disconnect(100)
	gone(t, server, "hub")
	for n := range 5 {
		w.publish("hyundai/car1/commands/refresh", fmt.Sprintf(`{"mode":"force","id":"%d"}`, n), false)
	}
	w.distributed()
	w.start(mqtt.Options{Client: w.paho("hub", "hyundai"), Fleet: f, NoInitialRefresh: true, OnCommand: func(s mqtt.Served) { w.served <- s }})
	for range 5 {
		require.ErrorIs(t, await.Value(t, "an answer", w.served).Err, shared.ReasonDeadlineExceeded)
		assert.Equal(t, "expired", w.answers("car1")[0]["state"])
	}
	assert.Zero(t, calls.Load())
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	require.NoError(t, await.Value(t, "an answer", w.served).Err)
	assert.Empty(t, w.served)
}
