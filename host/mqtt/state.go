package mqtt

import (
	"encoding/json"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// A car's state is one JSON object with a member for each group of the schema, which has
// one for each attribute, null if it is not known, and a member "extra" of what the
// plugin has named. What is personal is left out: the broker keeps the state.

// stateOf encodes the state of a car. What does not fit into a payload is null: first the
// attributes that are structures, then extra.
func stateOf(values []any, extras map[string]any) []byte {
	body := encodeState(values, extras, true)
	if len(body) > maxPayload {
		body = encodeState(values, extras, false)
	}
	if len(body) > maxPayload {
		body = encodeState(values, nil, false)
	}
	return body
}

func encodeState(values []any, extras map[string]any, structures bool) []byte {
	b, group := make([]byte, 0, 8<<10), ""
	for n, a := range shared.Attributes() {
		if a.Info.GetPersonal() {
			continue
		}
		name, _ := strings.CutPrefix(a.Path, a.Group()+".")
		switch {
		case group == "":
			b = append(b, `{"`...)
			b = append(append(b, a.Group()...), `":{"`...)
		case group != a.Group():
			b = append(b, `},"`...)
			b = append(append(b, a.Group()...), `":{"`...)
		default:
			b = append(b, `,"`...)
		}
		group = a.Group()
		b = append(append(b, name...), `":`...)

		value := values[n]
		if _, ok := value.(json.RawMessage); ok && !structures {
			value = nil
		}
		b = appendValue(b, value)
	}
	b = append(b, `},"extra":`...)
	b = appendValue(b, extras)
	return append(b, '}')
}

// plainExtra returns the extra values of a car that have a place in its state.
func plainExtra(all map[string]any, a shared.Attribute, value any) map[string]any {
	if a.Info.GetPersonal() {
		return all
	}
	if all == nil {
		all = map[string]any{}
	}
	if len(all) < maxExtra {
		all[strings.TrimPrefix(a.Path, extraGroup+".")] = json.RawMessage(appendValue(nil, value))
	}
	return all
}
