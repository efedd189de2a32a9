package mqtt_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// evccReads is what evcc reads of a vehicle of type custom, each in the way in which it
// reads it.
func evccReads() map[string]func(string) error {
	decimal := func(s string) error { _, err := strconv.ParseFloat(s, 64); return err }
	whole := func(s string) error { _, err := strconv.ParseInt(s, 10, 64); return err }
	return map[string]func(string) error{
		"soc": decimal, "limitSoc": whole, "range": whole, "odometer": decimal,
		"status":     func(s string) error { _, err := strconv.ParseUint(s, 16, 4); return err }, // A to F
		"climater":   func(s string) error { _, err := strconv.ParseBool(s); return err },
		"finishTime": func(s string) error { _, err := time.Parse(time.RFC3339, s); return err },
	}
}

// TestTheConfigurationForEVCC in the document names what evcc reads, and topics that hold it.
func TestTheConfigurationForEVCC(t *testing.T) {
	document, err := os.ReadFile("../../docs/evcc.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(document)
	require.Len(t, block, 2)
	var config struct {
		Vehicles []map[string]any `yaml:"vehicles"`
	}
	require.NoError(t, yaml.Unmarshal(block[1], &config))
	require.Len(t, config.Vehicles, 1)
	vehicle := config.Vehicles[0]
	assert.Equal(t, "custom", vehicle["type"])

	data := snapshot("car1")
	data.Charging.LimitAc, data.Drive, data.Range.Electric = proto.Float64(80), &vehiclev1.Drive{Odometer: proto.Float64(12345.6)}, proto.Float64(309.6)
	f := answering(func() *vehiclev1.VehicleData { return data })
	w := newWorld(t, f, nil)
	topicOf := func(name string) string {
		source, ok := vehicle[name].(map[string]any)
		require.True(t, ok, name)
		assert.Equal(t, "mqtt", source["source"])
		assert.NotContains(t, source, "timeout")
		return strings.ReplaceAll(source["topic"].(string), "VEHICLE", "car1")
	}
	wakeup := topicOf("wakeup")
	w.publish(wakeup, vehicle["wakeup"].(map[string]any)["payload"].(string), false)
	assert.Equal(t, "force", (<-w.served).Command)
	w.holds("hyundai/car1/status/last_updated", "")

	got, known := map[string]string{}, evccReads()
	for name := range vehicle {
		switch name {
		case "name", "type", "title", "capacity", "wakeup":
			continue
		}
		require.Contains(t, known, name)
		m := w.holds(topicOf(name), "")
		got[name] = string(m.Payload())
		require.NoError(t, known[name](got[name]), "%s: %s", name, got[name])
	}
	assert.Equal(t, map[string]string{
		"soc": "76.5", "limitSoc": "80", "status": "C", "range": "310", "odometer": "12345.6", "climater": "false", "finishTime": "2026-03-01T12:15:00Z",
	}, got)

	// Unplugged, and little is known: nothing old stays.
	data = &vehiclev1.VehicleData{Vehicle: data.GetVehicle(), Charging: &vehiclev1.Charging{Charging: proto.Bool(false), PluggedIn: proto.Bool(false)}, Refresh: data.GetRefresh()}
	w.read()
	for name := range known {
		want := map[string]string{"status": "A"}[name]
		assert.Equal(t, want, string(w.latest["hyundai/car1/evcc/"+name].Payload()), name)
	}
}

// read has the car read, and waits until its topics hold what came.
func (w *world) read() {
	w.t.Helper()
	const marker = "hyundai/car1/status/last_updated"
	delete(w.latest, marker)
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	w.holds(marker, "")
}

func TestStatusForEVCC(t *testing.T) {
	no, yes := proto.Bool(false), proto.Bool(true)
	var data *vehiclev1.VehicleData
	w := newWorld(t, answering(func() *vehiclev1.VehicleData { return data }), nil)
	for want, c := range map[string]*vehiclev1.Charging{
		"A": {PluggedIn: no}, "B": {PluggedIn: yes, Charging: no}, "C": {PluggedIn: yes, Charging: yes}, "": {Charging: no},
	} {
		data = &vehiclev1.VehicleData{Vehicle: &vehiclev1.Vehicle{Id: "car1"}, Charging: c, Refresh: &vehiclev1.Refresh{}}
		w.read()
		assert.Equal(t, want, string(w.latest["hyundai/car1/evcc/status"].Payload()))
	}
}
