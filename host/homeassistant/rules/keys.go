package rules

import (
	"maps"
	"sync"
)

// kind is the type of a key's value.
type kind string

// The kinds, as they are called in a fault.
const (
	text    kind = "a text"
	boolean kind = "a truth value"
	number  kind = "a number"
	list    kind = "a list"
	nested  kind = "an object"
	// name may be null: the entity is the main thing of its device.
	name kind = "a text or null"
)

func (k kind) fits(value any) bool {
	switch value.(type) {
	case nil:
		return k == name
	case string:
		return k == text || k == name
	case bool:
		return k == boolean
	case float64:
		return k == number
	case []any:
		return k == list
	case object:
		return k == nested
	}
	return false
}

// rootKeys are those of a device's message. Others refuse the whole message.
func rootKeys() map[string]kind {
	return map[string]kind{
		"device": nested, "origin": nested, "components": nested,
		"availability": list, "availability_mode": text, "availability_template": text, "availability_topic": text,
		"payload_available": text, "payload_not_available": text, "state_topic": text, "command_topic": text, "encoding": text,
		// qos is taken there, and then not passed on: it is refused here.
	}
}

func deviceKeys() map[string]kind {
	return map[string]kind{
		"configuration_url": text, "connections": list, "hw_version": text, "identifiers": list, "manufacturer": text, "model": text,
		"model_id": text, "name": text, "serial_number": text, "suggested_area": text, "sw_version": text, "via_device": text,
	}
}

func originKeys() map[string]kind {
	return map[string]kind{"name": text, "sw_version": text, "support_url": text}
}

func availabilityKeys() map[string]kind {
	return map[string]kind{"topic": text, "payload_available": text, "payload_not_available": text, "value_template": text}
}

// commonKeys are those of every component.
func commonKeys() map[string]kind {
	return map[string]kind{
		"platform": text, "unique_id": text, "default_entity_id": text, "name": name, "icon": text, "entity_category": text,
		"enabled_by_default": boolean, "entity_picture": text, "json_attributes_topic": text, "json_attributes_template": text,
		"availability": list, "availability_mode": text, "availability_template": text, "availability_topic": text,
		"payload_available": text, "payload_not_available": text, "qos": number, "encoding": text,
	}
}

// platform is what one kind of entity takes.
type platform struct {
	// keys that it takes, those of every component among them.
	keys map[string]kind
	// needs are the keys that it cannot do without.
	needs []string
	// reads: it cannot be of the category config.
	reads bool
	// classes are its device classes; nil: it has none.
	classes map[string]class
}

// platforms are those that are of use for cars, by name.
var platforms = sync.OnceValue(func() map[string]platform {
	reading := map[string]kind{"state_topic": text, "value_template": text}
	commanded := map[string]kind{"command_topic": text, "command_template": text, "retain": boolean, "optimistic": boolean}
	measured := map[string]kind{"device_class": text, "unit_of_measurement": text, "suggested_display_precision": number}
	all := map[string]platform{
		"sensor": {
			reads: true, needs: []string{"state_topic"}, classes: sensorClasses(),
			keys: union(reading, measured, map[string]kind{
				"state_class": text, "options": list, "expire_after": number, "force_update": boolean, "last_reset_value_template": text,
			}),
		},
		"binary_sensor": {
			reads: true, needs: []string{"state_topic"}, classes: truthClasses(),
			keys: union(reading, map[string]kind{
				"device_class": text, "payload_on": text, "payload_off": text, "off_delay": number, "expire_after": number, "force_update": boolean,
			}),
		},
		"button": {
			needs: []string{"command_topic"}, classes: plainClasses("identify", "restart", "update"),
			keys: union(commanded, map[string]kind{"device_class": text, "payload_press": text}),
		},
		"number": {
			needs: []string{"command_topic"}, classes: sensorClasses(),
			keys: union(reading, commanded, map[string]kind{
				"device_class": text, "unit_of_measurement": text, "min": number, "max": number, "step": number, "mode": text, "payload_reset": text,
			}),
		},
		"select": {needs: []string{"command_topic", "options"}, keys: union(reading, commanded, map[string]kind{"options": list})},
		"switch": {
			needs: []string{"command_topic"}, classes: plainClasses("outlet", "switch"),
			keys: union(reading, commanded, map[string]kind{"device_class": text, "payload_on": text, "payload_off": text, "state_on": text, "state_off": text}),
		},
		"text": {
			needs: []string{"command_topic"},
			keys:  union(reading, commanded, map[string]kind{"min": number, "max": number, "mode": text, "pattern": text}),
		},
		"device_tracker": {
			reads: true, keys: map[string]kind{"source_type": text, "payload_reset": text},
			needs: []string{"json_attributes_topic"},
		},
		"event": {
			reads: true, needs: []string{"state_topic", "event_types"}, classes: plainClasses("button", "doorbell", "motion"),
			keys: union(reading, map[string]kind{"device_class": text, "event_types": list}),
		},
		"update": {
			needs: []string{"state_topic"}, classes: plainClasses("firmware"),
			keys: union(reading, map[string]kind{
				"device_class": text, "latest_version_topic": text, "latest_version_template": text, "title": text, "release_url": text,
				"release_summary": text, "command_topic": text, "payload_install": text, "retain": boolean,
			}),
		},
	}
	for _, p := range all {
		maps.Copy(p.keys, commonKeys())
	}
	return all
})

func union(all ...map[string]kind) map[string]kind {
	keys := map[string]kind{}
	for _, one := range all {
		maps.Copy(keys, one)
	}
	return keys
}
