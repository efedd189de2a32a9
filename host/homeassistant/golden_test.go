package homeassistant_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant"
	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant/rules"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// recorded are snapshots of real cars, by name.
func recorded(t *testing.T) map[string]*vehiclev1.VehicleData {
	t.Helper()
	files, err := filepath.Glob("../../shared/testdata/cars/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	files = append(files, "testdata/cars/ccs1_phev_miles.json") // made up, all the rest is of real cars
	cars := map[string]*vehiclev1.VehicleData{}
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		data := &vehiclev1.VehicleData{}
		require.NoError(t, protojson.Unmarshal(body, data))
		data.Vehicle.Name, data.Vehicle.Vin = new("Our car"), new("KNAC381AFN5012345")
		data.Refresh.NextWakeAt = new(data.GetRefresh().GetPolledAt()) // as engines add it
		data.Vehicle.Brand, data.Vehicle.Model, data.Vehicle.ModelYear = new("Kia"), new("EV 9"), new(int32(2024))
		cars[strings.TrimSuffix(filepath.Base(file), ".json")] = data
	}
	return cars
}

// announce returns what announces a car, after its list and one snapshot.
func announce(t *testing.T, o homeassistant.Options, data *vehiclev1.VehicleData) (topic string, payload []byte) {
	t.Helper()
	a, err := homeassistant.New(o)
	require.NoError(t, err)
	assert.True(t, a.Saw(mqtt.Sight{Listed: data.GetVehicle()}))
	assert.True(t, a.Saw(mqtt.Sight{Data: data}))
	assert.True(t, a.Saw(mqtt.Sight{Scheduled: data.GetVehicle().GetId()}))
	assert.False(t, a.Saw(mqtt.Sight{Scheduled: data.GetVehicle().GetId()}))
	assert.False(t, a.Saw(mqtt.Sight{Listed: data.GetVehicle()}), "the same again is no news")
	assert.False(t, a.Saw(mqtt.Sight{Data: data}))
	return a.Message(data.GetVehicle().GetId())
}

// golden compares a payload with a file, which is for people to read. With GOLDEN=write it
// writes what there is now.
func golden(t *testing.T, name string, payload []byte) {
	t.Helper()
	var readable bytes.Buffer
	require.NoError(t, json.Indent(&readable, payload, "", "  "))
	readable.WriteByte('\n')
	file := filepath.Join("testdata", name+".json")
	if os.Getenv("GOLDEN") == "write" {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(file, readable.Bytes(), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "GOLDEN=write writes it")
	assert.Equal(t, string(want), readable.String())
}

// TestCars: every message is as it was, keeps all rules, and holds nobody's VIN.
func TestCars(t *testing.T) {
	for name, data := range recorded(t) {
		for _, units := range []homeassistant.Units{homeassistant.UnitsMetric, homeassistant.UnitsImperial, homeassistant.UnitsOfCar} {
			t.Run(name+" "+string(units), func(t *testing.T) {
				topic, payload := announce(t, homeassistant.Options{Units: units, Version: "v1.2.3"}, data)
				require.NoError(t, rules.CheckTopic(topic, "homeassistant"))
				require.NoError(t, rules.CheckDevice(payload))
				assert.NotContains(t, string(payload), data.GetVehicle().GetVin())
				switch {
				case units == homeassistant.UnitsMetric:
					golden(t, name, payload)
				case strings.Contains(name, "miles"):
					golden(t, name+"_"+string(units), payload)
				}
				t.Log(len(payload), "bytes")
			})
		}
	}
}

func TestHub(t *testing.T) {
	a, err := homeassistant.New(homeassistant.Options{Version: "v1.2.3"})
	require.NoError(t, err)
	assert.True(t, a.Saw(mqtt.Sight{Plugins: []host.PluginStatus{{Name: "hyundai"}, {Name: "acme"}}}))
	assert.False(t, a.Saw(mqtt.Sight{Plugins: []host.PluginStatus{{Name: "hyundai", Crashes: 3}, {Name: "acme"}}}))
	topic, payload := a.Message("")
	require.NoError(t, rules.CheckTopic(topic, "homeassistant"))
	require.NoError(t, rules.CheckDevice(payload))
	golden(t, "hub", payload)
}
