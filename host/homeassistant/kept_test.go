package homeassistant_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant"
	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant/rules"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func newAnnouncer(t *testing.T, o homeassistant.Options) *homeassistant.Announcer {
	t.Helper()
	a, err := homeassistant.New(o)
	require.NoError(t, err)
	return a
}

// TestEntitiesOutliveARestart: what a car does not report just now is not gone.
func TestEntitiesOutliveARestart(t *testing.T) {
	for name, data := range recorded(t) {
		t.Run(name, func(t *testing.T) {
			o := homeassistant.Options{Units: homeassistant.UnitsOfCar}
			before := newAnnouncer(t, o)
			before.Saw(mqtt.Sight{Listed: data.GetVehicle()})
			before.Saw(mqtt.Sight{Data: data})
			before.Saw(mqtt.Sight{Scheduled: data.GetVehicle().GetId()})
			kept := before.Keep()
			assert.NotContains(t, string(kept), data.GetVehicle().GetVin())

			after := newAnnouncer(t, o)
			after.Restore(kept)
			assert.JSONEq(t, string(kept), string(after.Keep()), "and also if the car is not seen in this run")
			assert.True(t, after.Saw(mqtt.Sight{Listed: data.GetVehicle()}), "it is announced once a run")
			assert.False(t, after.Saw(mqtt.Sight{Data: data}))
			_, want := before.Message(data.GetVehicle().GetId())
			_, got := after.Message(data.GetVehicle().GetId())
			assert.JSONEq(t, string(want), string(got))
			assert.JSONEq(t, string(kept), string(after.Keep()))
		})
	}
}

// TestEntitiesThatAreNoMore are removed by the first message of a run, and then forgotten.
func TestEntitiesThatAreNoMore(t *testing.T) {
	a := newAnnouncer(t, homeassistant.Options{})
	a.Restore(json.RawMessage(`{"cars":{"car1":{"entities":{"battery_soc":"sensor","sunroof":"binary_sensor","a.b":"sensor","x":"gauge"}}}}`))
	a.Saw(mqtt.Sight{Listed: &vehiclev1.Vehicle{Id: "car1"}})
	_, payload := a.Message("car1")
	require.NoError(t, rules.CheckDevice(payload))
	assert.Contains(t, string(payload), `"sunroof":{"platform":"binary_sensor"}`)
	assert.Contains(t, string(payload), "value_json.battery.soc")
	assert.NotContains(t, string(a.Keep()), "sunroof")
}

func TestWhatIsDamagedSaysNothing(t *testing.T) {
	for _, kept := range []string{``, `{`, `[]`, `{"cars":{"car1":5}}`, `{"cars":{"car1":{"entities":[],"extras":{"x":{"attribute":"y"}}}}}`, `{"cars":{"car1":{"shown":"far"}}}`} {
		a := newAnnouncer(t, homeassistant.Options{})
		a.Restore(json.RawMessage(kept))
		a.Saw(mqtt.Sight{Listed: &vehiclev1.Vehicle{Id: "car1"}})
		_, payload := a.Message("car1")
		require.NoError(t, rules.CheckDevice(payload), kept)
	}
}

// TestAttributesOfAPlugin have an entity if Home Assistant takes it.
func TestAttributesOfAPlugin(t *testing.T) {
	flag, number, text := &vehiclev1.ExtraAttribute_Flag{Flag: true}, &vehiclev1.ExtraAttribute_Number{Number: 5}, &vehiclev1.ExtraAttribute_Text{Text: "x"}
	door := &vehiclev1.Attribute{Name: "Tailgate", Quantity: vehiclev1.Quantity_QUANTITY_DOOR}
	power := &vehiclev1.Attribute{Name: "Heater", Quantity: vehiclev1.Quantity_QUANTITY_POWER, Unit: "W", Accumulation: vehiclev1.Accumulation_ACCUMULATION_MEASUREMENT}
	data := &vehiclev1.VehicleData{Vehicle: &vehiclev1.Vehicle{Id: "car1"}, Extra: []*vehiclev1.ExtraAttribute{
		{Key: "good_door", Attribute: door, Value: flag},
		{Key: "good_power", Attribute: power, Value: number},
		{Key: "good_text", Attribute: &vehiclev1.Attribute{Name: "Words", Quantity: vehiclev1.Quantity_QUANTITY_TEXT}, Value: text},
		{Key: "bad_door", Attribute: door, Value: number},
		{Key: "bad_power", Attribute: power, Value: flag},
		{Key: "bad_unit", Attribute: &vehiclev1.Attribute{Name: "Horses", Quantity: vehiclev1.Quantity_QUANTITY_POWER, Unit: "hp"}, Value: number},
		{Key: "bad_sum", Attribute: &vehiclev1.Attribute{
			Name: "Energy", Quantity: vehiclev1.Quantity_QUANTITY_ENERGY, Unit: "kWh", Accumulation: vehiclev1.Accumulation_ACCUMULATION_MEASUREMENT,
		}, Value: number},
		{Key: "bad'key", Attribute: door, Value: flag},
		{Key: "bad_name", Attribute: &vehiclev1.Attribute{Name: " ", Quantity: vehiclev1.Quantity_QUANTITY_DOOR}, Value: flag},
		{Key: "bad_secret", Attribute: &vehiclev1.Attribute{Name: "Owner", Quantity: vehiclev1.Quantity_QUANTITY_TEXT, Personal: true}, Value: text},
		{Key: "bad_nothing"},
	}}
	a := newAnnouncer(t, homeassistant.Options{})
	a.Saw(mqtt.Sight{Data: data})
	_, payload := a.Message("car1")
	require.NoError(t, rules.CheckDevice(payload))
	assert.Equal(t, 3, strings.Count(string(payload), `"extra_good`))
	assert.NotContains(t, string(payload), "bad")
}
