package mqtt_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// renamed is a plugin of another name.
type renamed struct{ *supervised }

func (r *renamed) Status() []host.PluginStatus {
	st := *r.status.Load()
	st.Name = "q"
	return []host.PluginStatus{st}
}

// TestLeftoversOfAFormerRun: topics that the plugin does not name any more and accounts of
// plugins that are gone are taken off the broker, and cars that are gone are lost, when
// the plugins have had time to list them.
func TestLeftoversOfAFormerRun(t *testing.T) {
	broker, dir := newMosquitto(t), t.TempDir() // the embedded one may not be looked at while it is told
	first := newSupervised("car1", "car2")
	data := snapshot("car1")
	data.Extra = append(data.Extra, &vehiclev1.ExtraAttribute{
		Key: "gone", Value: &vehiclev1.ExtraAttribute_Number{Number: 7}, Attribute: &vehiclev1.Attribute{Name: "Gone", Topic: "extra/gone", Retained: true},
	}, &vehiclev1.ExtraAttribute{
		Key: "live", Value: &vehiclev1.ExtraAttribute_Number{Number: 7}, Attribute: &vehiclev1.Attribute{Name: "Live", Topic: "extra/live"},
	})
	first.refresh = answering(func() *vehiclev1.VehicleData { return data }).refresh
	w := newWorldAt(t, broker.URL(), first.fleet, func(o *mqtt.Options) { o.Fleet, o.StateDir = first, dir })
	for _, car := range []string{"car1", "car2"} {
		data = proto.CloneOf(data)
		data.Vehicle.Id = car
		w.publish("hyundai/"+car+"/commands/refresh", "cached", false)
		require.NoError(t, (<-w.served).Unpublished)
	}
	require.NoError(t, w.bridge.Stop(await.Context(t, "the bridge stops")))
	w.hub.Client().Disconnect(100)
	held := w.held("hyundai/#")
	require.Contains(t, held, "hyundai/car1/extra/gone")
	require.Contains(t, held, "hyundai/bridge/account/p")

	second, minutes := &renamed{newSupervised("car1")}, &atomic.Int64{}
	second.refresh = answering(func() *vehiclev1.VehicleData { return snapshot("car1") }).refresh
	w.start(mqtt.Options{
		Client: w.paho("hub", "hyundai"), Fleet: second, NoInitialRefresh: true, ProbeInterval: -1, StateDir: dir, AgeInterval: time.Millisecond,
		OnCommand: func(s mqtt.Served) { w.served <- s },
		Now:       func() time.Time { return observed.Add(30*time.Minute + time.Duration(minutes.Load())*time.Minute) },
	})
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	require.NoError(t, (<-w.served).Unpublished)
	await.True(t, "what is gone is off the broker", func() bool {
		held = w.held("hyundai/#")
		return held["hyundai/car1/extra/gone"] == "" && held["hyundai/bridge/account/p"] == "" && held["hyundai/bridge/account/q"] != ""
	})
	assert.Contains(t, held["hyundai/car1/extra/in_park"], "true")
	assert.Equal(t, "ready", held["hyundai/car2/availability"], "the plugins may be starting")
	minutes.Store(1)
	w.holds("hyundai/car2/availability", "lost")
	assert.Contains(t, w.held("hyundai/car2/#"), "hyundai/car2/battery/level", "its values stay what they were")
	var kept []byte
	await.True(t, "it is noted since when the car is gone", func() bool {
		var err error
		kept, err = os.ReadFile(filepath.Join(dir, "mqtt-topics.json"))
		require.NoError(t, err)
		return strings.Contains(string(kept), "gone\":")
	})
	assert.JSONEq(t, `{"cars":{"car1":["extra/in_park"],"car2":["extra/gone","extra/in_park"]},"plugins":["q"],"gone":{"car2":"2026-03-01T12:01:00Z"}}`, string(kept))
}

// TestLeftoversThatCannotBeRead are none, and none of them becomes a topic that it may not be.
func TestLeftoversThatCannotBeRead(t *testing.T) {
	for name, content := range map[string]string{
		"no JSON": "{", "no car": `{"cars":{"no/car":["x"],"bridge":["y"]}}`, "no topics": `{"cars":{"car1":["commands/refresh","a/#","state"]}}`,
		"no announcements": `{"announcements":{"":"a/#","car1":"+/b","no/car":"c","car2":""},"unwanted":["d/#","","$SYS/x"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "mqtt-topics.json"), []byte(content), 0o600))
			w := newWorldAt(t, newMosquitto(t).URL(), newFleet("car1"), func(o *mqtt.Options) { o.StateDir = dir })
			w.publish("hyundai/car1/commands/refresh", "cached", false)
			require.NoError(t, (<-w.served).Unpublished)
			w.answers("car1")
			held := w.held("hyundai/#")
			assert.NotEmpty(t, held["hyundai/car1/state"])
			for topic := range held {
				assert.True(t, strings.HasPrefix(topic, "hyundai/car1/") || strings.HasPrefix(topic, "hyundai/bridge/"), topic)
			}
		})
	}
}
