package homeassistant

import (
	"encoding/json"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant/rules"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// A car does not report everything each time: how long it still charges, only while it
// does. Its entities must not go when the hub starts anew, and so they are remembered. What
// is remembered and not there any more, because the schema has changed, is removed.

// kept is what is remembered of the cars, by their ids.
type kept struct {
	Cars map[string]json.RawMessage `json:"cars"` // each a keptCar
}

type keptCar struct {
	// Entities by key, with their platforms.
	Entities map[string]string `json:"entities"`
	// Extras are the attributes that the plugin has named, by name.
	Extras map[string]keptExtra `json:"extras,omitempty"`
	// Shown are the units that the car shows, as protojson.
	Shown json.RawMessage `json:"shown,omitempty"`
}

type keptExtra struct {
	// Attribute as protojson.
	Attribute json.RawMessage `json:"attribute"`
	Kind      shared.Kind     `json:"kind"`
}

// Keep implements [mqtt.Keeper].
func (a *Announcer) Keep() json.RawMessage {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := kept{Cars: make(map[string]json.RawMessage, len(a.cars))}
	for id, c := range a.cars {
		if c.keeps == nil {
			c.keeps, _ = json.Marshal(c.keep(a.look)) // text
		}
		k.Cars[id] = c.keeps
	}
	b, _ := json.Marshal(k) // JSON
	return b
}

func (c *car) keep(o *look) keptCar {
	k := keptCar{Entities: map[string]string{}, Extras: map[string]keptExtra{}}
	for key, one := range c.message(o).Components {
		if one.UniqueID != "" || !c.announced {
			k.Entities[key] = one.Platform
		}
	}
	for name, d := range c.extras {
		if d.hasEntity() {
			k.Extras[name] = keptExtra{Attribute: plain(d.info), Kind: d.kind}
		}
	}
	if c.shown != nil {
		k.Shown = plain(c.shown)
	}
	return k
}

// plain is a message's JSON without the white space that protojson varies; null if it has
// none.
func plain(m proto.Message) json.RawMessage {
	b, err := protojson.Marshal(m)
	var value any
	if err != nil || json.Unmarshal(b, &value) != nil {
		return nil
	}
	b, _ = json.Marshal(value) // JSON
	return b
}

// Restore implements [mqtt.Keeper]. What is damaged says nothing.
func (a *Announcer) Restore(former json.RawMessage) {
	var k kept
	if json.Unmarshal(former, &k) != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, body := range k.Cars {
		var one keptCar
		if json.Unmarshal(body, &one) == nil {
			a.car(id).restore(a.look, one)
		}
	}
}

func (c *car) restore(o *look, k keptCar) {
	c.former = map[string]string{}
	for key, platform := range k.Entities {
		if rules.CheckRemoval(key, platform) == nil {
			c.former[key] = platform
		}
	}
	_, c.located = c.former[keyLocation]
	_, c.scheduled = c.former[keyPreset]
	for n, d := range o.schema {
		if d.hasEntity() {
			_, c.seen[n] = c.former[d.key()]
		}
	}
	for name, x := range k.Extras {
		info := &vehiclev1.Attribute{}
		if protojson.Unmarshal(x.Attribute, info) == nil {
			c.sawExtra(o, name, info, x.Kind)
		}
	}
	shown := &vehiclev1.DisplayUnits{}
	if len(k.Shown) > 0 && protojson.Unmarshal(k.Shown, shown) == nil {
		c.shown = shown
	}
}
