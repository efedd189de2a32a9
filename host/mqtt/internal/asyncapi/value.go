package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// value is the object on an attribute's topic.
func (s *schemas) value(p mqtt.Payload) *jsonschema.Schema {
	a := *p.Attribute
	name, unit, members := shared.Word(a.Info.GetQuantity()), a.Info.GetUnit(), map[string]*jsonschema.Schema{"timestamp": timeSchema()}
	value := plain(a)
	switch q := a.Info.GetQuantity(); {
	case p.As == vehiclev1.Derivation_DERIVATION_UNIT:
		name, value, unit = "unit_of_"+unit, enumOf("string", unit), ""
	case p.As == vehiclev1.Derivation_DERIVATION_PER_100_KM:
		unit = "kWh/100km"
	case p.As == vehiclev1.Derivation_DERIVATION_AGE:
		name, value, unit = "age", &jsonschema.Schema{Type: "integer"}, "min"
	case q == vehiclev1.Quantity_QUANTITY_CHARGING:
		value = enumOf("string", "charging", "not_charging")
	case q == vehiclev1.Quantity_QUANTITY_PLUG:
		value = enumOf("string", "connected", "disconnected")
	case q == vehiclev1.Quantity_QUANTITY_WINDOW:
		value, members["state"] = enumOf("integer", 0, 1), enumOf("string", "CLOSED", "OPEN")
		if p.Vented {
			name += "_vented"
			value, members["state"] = enumOf("integer", 0, 1, 2), enumOf("string", "CLOSED", "OPEN", "VENTILATION")
		}
	case q == vehiclev1.Quantity_QUANTITY_SEAT_CLIMATE:
		value = &jsonschema.Schema{Type: "integer"}
		members["level"], members["mode"] = &jsonschema.Schema{Type: "string"}, &jsonschema.Schema{Type: "string"}
	case a.Kind() == shared.KindChoice, a.Kind() == shared.KindStructure, a.Kind() == shared.KindList:
		name = strings.ReplaceAll(a.Path, ".", "_")
	}
	if unit != "" {
		name += "_" + unit
		members["unit"] = enumOf("string", unit)
	}

	object := closedObject()
	member(object, "value", orNull(value), true)
	for _, m := range slices.Sorted(maps.Keys(members)) {
		member(object, m, members[m], m == "timestamp")
	}
	return s.reference(inWords(name), object)
}

// inWords spells units as names may have them.
func inWords(name string) string {
	return strings.NewReplacer("%", "percent", "°C", "celsius", "°", "degrees", "/", "_per_", " ", "_").Replace(name)
}

// plain is an attribute's value without the words that its topic has for it.
func plain(a shared.Attribute) *jsonschema.Schema {
	switch a.Kind() {
	case shared.KindNumber:
		return &jsonschema.Schema{Type: "number"}
	case shared.KindInteger:
		return &jsonschema.Schema{Type: "integer"}
	case shared.KindFlag:
		return &jsonschema.Schema{Type: "boolean"}
	case shared.KindTime:
		return timeSchema()
	case shared.KindTimeOfDay:
		return &jsonschema.Schema{Type: "string", Pattern: "^[0-2][0-9]:[0-5][0-9]$"}
	case shared.KindChoice:
		return enumOf("string", anyOf(a.Words())...)
	case shared.KindWeekdays:
		return &jsonschema.Schema{Type: "array", Items: enumOf("string", anyOf(a.Words())...)}
	case shared.KindStructure:
		return &jsonschema.Schema{Type: "object"}
	case shared.KindList:
		return &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "object"}}
	default:
		return &jsonschema.Schema{Type: "string"}
	}
}

// stateOf is the object of all attributes.
func stateOf(attributes []shared.Attribute) *jsonschema.Schema {
	state := closedObject()
	for _, a := range attributes {
		if a.Info.GetPersonal() {
			continue
		}
		group, ok := state.Properties[a.Group()]
		if !ok {
			group = closedObject()
			member(state, a.Group(), group, true)
		}
		name := strings.TrimPrefix(a.Path, a.Group()+".")
		value := orNull(plain(a))
		value.Title = a.Info.GetName()
		if unit := a.Info.GetUnit(); unit != "" {
			value.Title += " in " + unit
		}
		member(group, name, value, true)
	}
	member(state, "extra", &jsonschema.Schema{Types: []string{"object", "null"}, Description: "What the plugin has named"}, true)
	return state
}

func timeSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Format: "date-time"}
}

func enumOf(kind string, values ...any) *jsonschema.Schema {
	return &jsonschema.Schema{Type: kind, Enum: values}
}

func anyOf(words []string) []any {
	all := make([]any, len(words))
	for n, word := range words {
		all[n] = word
	}
	return all
}

// orNull lets a value be null.
func orNull(s *jsonschema.Schema) *jsonschema.Schema {
	s.Types, s.Type = []string{s.Type, "null"}, ""
	if s.Enum != nil {
		s.Enum = append(s.Enum, nil)
	}
	return s
}
