package rules_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant/rules"
)

// good is a message that keeps all rules, with an entity of each platform.
func good(t *testing.T) map[string]any {
	t.Helper()
	body, err := os.ReadFile("testdata/good.json")
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(body, &m))
	return m
}

func check(t *testing.T, m map[string]any) error {
	t.Helper()
	body, err := json.Marshal(m)
	require.NoError(t, err)
	return rules.CheckDevice(body)
}

func TestGoodMessage(t *testing.T) {
	require.NoError(t, check(t, good(t)))
	require.NoError(t, rules.CheckDevice(nil), "it removes the device")
}

// gone takes a key away.
type gone struct{}

// mutation breaks one rule.
type mutation struct {
	// at is where: keys with dots between them.
	at    string
	value any
	// says is a part of what is said about it.
	says string
}

// mutations are all ways to break a message that the rules name.
func mutations() []mutation {
	list := func(words ...any) []any { return append([]any{}, words...) }
	return []mutation{
		// The device's message.
		{"device", gone{}, "device: is needed"},
		{"device.identifiers", list(), ""}, // there is a connection
		{"device.name", gone{}, "device.name: is needed"},
		{"device.vin", "KNA", "device.vin: is no key"},
		{"device.name", 5, "device.name: is not a text"},
		{"device.configuration_url", "hub", "is no URL"},
		{"origin", gone{}, "origin: is needed"},
		{"origin.name", gone{}, "origin.name: is needed"},
		{"origin.url", "https://example.com", "origin.url: is no key"},
		{"origin.support_url", "example", "is no URL"},
		{"components", gone{}, "components: is no object"},
		{"components", list(), "components: is not an object"},
		{"qos", 2, "qos: is no key"},
		{"~", "cars", "~: is no key"},
		{"group", "cars", "group: is no key"},
		{"availability_topic", "cars/x", "both availability and availability_topic"},
		{"availability_mode", "some", "is none of all, any and latest"},
		{"availability", list(map[string]any{"value_template": "{{ value }}"}), "needs a topic"},
		{"availability", list(map[string]any{"topic": "a", "payload": "on"}), "payload: is no key"},
		{"availability", list("cars/x"), "is no object"},
		{"availability", list(map[string]any{"topic": "a", "value_template": "{{ value }"}), "{{ without }}"},
		{"command_topic", "cars/#", "has a wildcard"},
		{"state_topic", "cars/#/x", "# before its end"},

		// Keys and identities.
		{"components.a:b", map[string]any{"platform": "sensor"}, "other characters"},
		{"components.soc", 5, "is no object"},
		{"components.soc.platform", gone{}, "platform: is none"},
		{"components.soc.platform", "gauge", "platform: is none"},
		{"components.soc.unique_id", gone{}, "unique_id: is needed"},
		{"components.soc.unique_id", 5, "unique_id: is not a text"},
		{"components.soc.unique_id", "car 1", "unique_id: is needed"},
		{"components.soc.unique_id", "car_1_energy", "has the unique_id of"},
		{"components.soc.default_entity_id", "kona_soc", "is not of the form sensor.name"},
		{"components.soc.default_entity_id", "switch.kona_soc", "is not of the form sensor.name"},
		{"components.soc.default_entity_id", "sensor.Kona-SoC", "is not of the form sensor.name"},
		{"components.soc.object_id", "kona_soc", "object_id: is no key"},
		{"components.soc.name", " ", "name: is empty"},
		{"components.soc.icon", "battery", "is not of the form mdi:name"},
		{"components.soc.valu_template", "{{ value }}", "valu_template: is no key"},
		{"components.soc.command_topic", "cars/x", "command_topic: is no key"},
		{"components.soc.value_template", "{{ value_json.soc }", "{{ without }}"},
		{"components.soc.value_template", "value_json.soc", "there is no {{"},
		{"components.soc.value_template", "{{ value_json['soc] }}", "quotation mark"},
		{"components.soc.value_template", "{{ float(value_json.soc }}", "( without )"},
		{"components.soc.enabled_by_default", "no", "is not a truth value"},
		{"components.soc.qos", 3, "none of 0, 1 and 2"},
		{"components.soc.availability_topic", "cars/x", "excludes the availability of the device"},
		{"components.soc.~", "cars", "~: is no key"},

		// Sensors: class, unit, state class, options.
		{"components.soc.state_topic", gone{}, "state_topic: is needed"},
		{"components.soc.state_topic", "", "is no topic"},
		{"components.soc.unit_of_measurement", "km", "does not fit the device class battery"},
		{"components.soc.unit_of_measurement", gone{}, "is needed for the device class battery"},
		{"components.soc.unit_of_measurement", " %", "is no unit"},
		{"components.soc.device_class", "charge", "is none that Home Assistant 2024.11 has"},
		{"components.soc.device_class", "energy_distance", "is none that Home Assistant 2024.11 has"},
		{"components.soc.device_class", "door", "is none that Home Assistant 2024.11 has"},
		{"components.soc.device_class", "timestamp", "does not fit the device class timestamp"},
		{"components.soc.state_class", "rising", "is none of measurement"},
		{"components.soc.state_class", "total", "does not fit the device class battery"},
		{"components.soc.options", list("a"), "for the device class enum only"},
		{"components.soc.expire_after", -1, "is negative"},
		{"components.soc.suggested_display_precision", -1, "a number of digits"},
		{"components.soc.suggested_display_precision", 1.5, "a number of digits"},
		{"components.soc.entity_category", "config", "cannot be config"},
		{"components.soc.entity_category", "system", "neither config nor diagnostic"},
		{"components.energy.state_class", "measurement", "does not fit the device class energy"},
		{"components.energy.state_class", "total_increasing", "for the state class total only"},
		{"components.verdict.options", gone{}, "options: is needed"},
		{"components.verdict.options", list(), "options: is needed"},
		{"components.verdict.options", list("fresh", "fresh"), "there twice"},
		{"components.verdict.options", list(1), "is no word"},
		{"components.verdict.unit_of_measurement", "%", "does not fit the device class enum"},
		{"components.verdict.state_class", "measurement", "does not fit the device class enum"},
		{"components.verdict.suggested_display_precision", 1, "is for numbers"},

		// The others.
		{"components.door.state_topic", gone{}, "state_topic: is needed"},
		{"components.door.device_class", "boot", "is none that Home Assistant 2024.11 has"},
		{"components.door.entity_category", "config", "cannot be config"},
		{"components.door.payload_on", true, "payload_on: is not a text"},
		{"components.door.unit_of_measurement", "%", "unit_of_measurement: is no key"},
		{"components.refresh.command_topic", gone{}, "command_topic: is needed"},
		{"components.refresh.command_topic", "cars/+/commands/refresh", "has a wildcard"},
		{"components.refresh.payload_press", map[string]any{"mode": "cached"}, "payload_press: is not a text"},
		{"components.refresh.retain", true, "would carry a command out again"},
		{"components.refresh.device_class", "refresh", "is none that Home Assistant 2024.11 has"},
		{"components.idle.max", 0, "is less than min"},
		{"components.idle.step", 0.0001, "is less than 0.001"},
		{"components.idle.mode", "dial", "is none of auto"},
		{"components.idle.state_class", "measurement", "state_class: is no key"},
		{"components.idle.unit_of_measurement", "km", "does not fit the device class duration"},
		{"components.schedule.options", gone{}, "options: is needed"},
		{"components.schedule.command_topic", gone{}, "command_topic: is needed"},
		{"components.location.json_attributes_topic", gone{}, "json_attributes_topic: is needed"},
		{"components.location.state_topic", "cars/1/place", "state_topic: is no key"},
		{"components.location.source_type", "satellite", "is none of gps"},
		{"components.command.event_types", gone{}, "event_types: is needed"},
		{"components.command.state_topic", gone{}, "state_topic: is needed"},
		{"components.version.state_topic", gone{}, "state_topic: is needed"},
		{"components.charging.command_topic", gone{}, "command_topic: is needed"},
		{"components.code.command_topic", gone{}, "command_topic: is needed"},
		{"components.sunroof.name", "Sunroof", "unique_id: is needed"},
	}
}

// TestMutations breaks a message in every way, and each has to be noticed, for the reason
// for which it is wrong.
func TestMutations(t *testing.T) {
	count := 0
	for _, m := range mutations() {
		name := m.at
		t.Run(name, func(t *testing.T) {
			message := good(t)
			mutate(t, message, strings.Split(m.at, "."), m.value)
			err := check(t, message)
			if m.says == "" {
				require.NoError(t, err)
				return
			}
			count++
			require.ErrorContains(t, err, m.says)
		})
	}
	t.Log(count, "mutations were refused")

	alone := good(t)
	mutate(t, alone, []string{"device", "identifiers"}, gone{})
	mutate(t, alone, []string{"device", "connections"}, gone{})
	require.ErrorContains(t, check(t, alone), "needs identifiers or connections")
}

func mutate(t *testing.T, o map[string]any, path []string, value any) {
	t.Helper()
	key := path[0]
	if len(path) > 1 {
		inner, ok := o[key].(map[string]any)
		require.True(t, ok, key)
		mutate(t, inner, path[1:], value)
		return
	}
	if _, removed := value.(gone); removed {
		require.Contains(t, o, key)
		delete(o, key)
		return
	}
	o[key] = value
}

func TestTopics(t *testing.T) {
	for topic, fine := range map[string]bool{
		"homeassistant/device/car_1/config":     true,
		"homeassistant/device/hub/car_1/config": true,
		"homeassistant/device/a/b/c/config":     false,
		"homeassistant/device/car.1/config":     false,
		"homeassistant/device/car:1/config":     false,
		"homeassistant/device//config":          false,
		"homeassistant/device/car_1":            false,
		"homeassistant/sensor/car_1/soc/config": false,
		"other/device/car_1/config":             false,
	} {
		assert.Equal(t, fine, rules.CheckTopic(topic, "homeassistant") == nil, topic)
	}
}

func TestComponents(t *testing.T) {
	require.NoError(t, rules.CheckComponent([]byte(`{"platform":"sensor","unique_id":"a","state_topic":"b","name":"C"}`)))
	require.ErrorContains(t, rules.CheckComponent([]byte(`{"platform":"sensor","unique_id":"a","state_topic":"b","device_class":"power","unit_of_measurement":"hp"}`)), "does not fit")
	require.Error(t, rules.CheckComponent([]byte(`[]`)))
	require.Error(t, rules.CheckDevice([]byte(`{`)))
}

func FuzzCheck(f *testing.F) {
	body, err := os.ReadFile("testdata/good.json")
	require.NoError(f, err)
	f.Add(body)
	f.Add([]byte(`{"components":{"a":{"platform":"sensor","options":null,"name":null}}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		// Whatever it is, it is judged.
		if rules.CheckDevice(payload) == nil && len(payload) > 0 {
			require.True(t, json.Valid(payload))
		}
	})
}
