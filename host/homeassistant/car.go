package homeassistant

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// car is what is known of a car that its message follows from.
type car struct {
	id string
	// description is as its account lists it.
	description
	// seen are the attributes that it has reported so far, by their place in the schema;
	// located: a position was among them.
	seen    []bool
	located bool
	// scheduled: it can be set when the car is refreshed by itself.
	scheduled bool
	// extras are those that the plugin has named, by name; some have no entity.
	extras map[string]described
	shown  *vehiclev1.DisplayUnits
	// announced: it was seen in this run.
	announced bool
	// former are the entities that it had in a former run, by key, with their platforms.
	former map[string]string
	// keeps is what is to be remembered; nil: to be found out.
	keeps json.RawMessage
}

// maxExtras is how many attributes of a plugin's a car may have.
const maxExtras = 500

// describe takes in what the car's account lists, and says whether that is new.
func (c *car) describe(v *vehiclev1.Vehicle) (news bool) {
	d := description{brand: v.GetBrand(), model: v.GetModel()}
	d.name = cmp.Or(strings.TrimSpace(v.GetName()), d.model, "Car")
	if v.GetModelYear() > 0 {
		d.year = fmt.Sprint(v.GetModelYear())
	}
	if c.announced && d == c.description {
		return false
	}
	c.description, c.announced, c.keeps = d, true, nil
	return true
}

// saw takes in a snapshot, and says whether it tells what the message depends on.
func (c *car) saw(o *look, data *vehiclev1.VehicleData) (news bool) {
	news = c.sawAttributes(o, data) || !c.announced
	c.announced = true
	for _, x := range data.GetExtra() {
		news = c.sawExtra(o, x.GetKey(), x.GetAttribute(), kindOf(x)) || news
	}
	if at := data.GetLocation(); !c.located && at != nil && at.Latitude != nil && at.Longitude != nil {
		c.located, news = true, true
	}
	if units := data.GetDisplayUnits(); units != nil && !proto.Equal(units, c.shown) {
		c.shown, news = proto.CloneOf(units), true
	}
	if news {
		c.keeps = nil
	}
	return news
}

// sawAttributes takes in which attributes of the schema the car reports, and says whether
// one is new.
func (c *car) sawAttributes(o *look, data *vehiclev1.VehicleData) (news bool) {
	electric := data.GetVehicle().GetEngineType() == vehiclev1.EngineType_ENGINE_TYPE_EV
	for n, a := range shared.Attributes() {
		if c.seen[n] || !o.schema[n].hasEntity() || electric && ofFuel(a) {
			continue
		}
		if v, known := a.Get(data); known && (v != 0.0 || !a.Info.GetZeroIsUnknown()) {
			c.seen[n], news = true, true
		}
	}
	return news
}

// sawExtra takes in an attribute that the plugin has named, if there is room, and says
// whether it is a new one that has an entity.
func (c *car) sawExtra(o *look, name string, info *vehiclev1.Attribute, kind shared.Kind) (news bool) {
	if _, known := c.extras[name]; known || len(c.extras) >= maxExtras {
		return false
	}
	if c.extras == nil {
		c.extras = map[string]described{}
	}
	d := o.ofPlugin(name, info, kind)
	c.extras[name] = d
	return d.hasEntity()
}

// ofFuel says whether an attribute is about fuel, of which electric cars report zeros.
func ofFuel(a shared.Attribute) bool { return a.Group() == "fuel" || a.Path == "range.fuel" }

// description is what a device's message says of the car itself.
type description struct{ name, brand, model, year string }

// mainBattery is the state of charge that is the device's: the traction battery's, if the
// car has one.
func (c *car) mainBattery(o *look) string {
	for n, d := range o.schema {
		if len(c.seen) > 0 && c.seen[n] && d.info.GetQuantity() == vehiclev1.Quantity_QUANTITY_STATE_OF_CHARGE {
			return d.path
		}
	}
	return ""
}

func (c *car) topic(o *look, below string) string { return o.BaseTopic + "/" + c.id + "/" + below }

// component begins an entity of the car's.
func (c *car) component(platform, key, name string) component {
	return newComponent(carID(c.id), c.name, platform, key, name)
}

// message announces the car.
func (c *car) message(o *look) message {
	m := message{
		Device: device{
			Identifiers: []string{carID(c.id)}, Name: cmp.Or(c.name, "Car"), Manufacturer: c.brand, Model: c.model, ModelID: c.year, ViaDevice: hubID(o.BaseTopic),
		},
		Origin: o.origin(), Components: map[string]component{},
		AvailabilityMode: "all",
		Availability: []availability{
			{Topic: o.BaseTopic + "/bridge/state"},
			// A car that sleeps is still there, as are its values.
			{Topic: c.topic(o, "availability"), ValueTemplate: "{{ 'offline' if value == 'lost' else 'online' }}"},
		},
	}
	for n, d := range o.schema {
		if c.seen[n] {
			m.Components[d.key()] = c.attribute(o, d)
		}
	}
	for _, d := range c.extras {
		if d.hasEntity() {
			m.Components[d.key()] = c.attribute(o, d)
		}
	}
	c.addBeyond(o, m.Components)
	for key, platform := range c.former {
		if _, still := m.Components[key]; !still {
			m.Components[key] = component{Platform: platform} // which removes it
		}
	}
	return m
}

// keyLocation is that of the entity of where the car is.
const keyLocation = "location"

// addBeyond adds what is no attribute: buttons, the position, and how the car is looked
// after.
func (c *car) addBeyond(o *look, all map[string]component) {
	for _, b := range []struct{ mode, name, icon string }{
		{"cached", "Refresh", "mdi:cloud-refresh"},
		{"smart", "Refresh if needed", "mdi:refresh-auto"},
		{"force", "Wake and refresh", "mdi:car-connected"},
	} {
		one := c.component(button, "refresh_"+b.mode, b.name)
		one.CommandTopic, one.PayloadPress, one.Icon = c.topic(o, "commands/refresh"), b.mode, b.icon
		all["refresh_"+b.mode] = one
	}

	if c.located {
		one := c.component(deviceTracker, keyLocation, "Location")
		one.AttributesTopic, one.SourceType = c.topic(o, "location"), "gps"
		all[keyLocation] = one
	}

	if c.scheduled {
		c.addSchedule(o, all)
	}

	age := c.component(sensor, "age", "Age of the data")
	age.StateTopic, age.ValueTemplate = c.topic(o, "status/age"), "{{ value_json.value }}"
	age.DeviceClass, age.UnitOfMeasurement, age.StateClass, age.Precision = "duration", "min", "measurement", new(uint32(0))
	all["age"] = age.diagnostic()

	condition := c.component(sensor, "availability", "Condition")
	condition.StateTopic, condition.DeviceClass, condition.Icon = c.topic(o, "availability"), "enum", "mdi:car-info"
	condition.Options = []string{"ready", "sleeping", "alert", "lost"}
	all["availability"] = condition.diagnostic().always()

	failed := c.component(binarySensor, "last_command_failed", "Last command")
	failed.StateTopic, failed.DeviceClass = c.topic(o, "status/error"), "problem"
	failed.PayloadOn, failed.PayloadOff, failed.ValueTemplate = "True", "False", "{{ value_json.error is not none }}"
	failed.AttributesTopic, failed.AttributesTemplate = failed.StateTopic, "{{ (value_json.value or {}) | to_json }}"
	all["last_command_failed"] = failed.diagnostic().always()

	results := c.component(eventEntity, "command", "Command")
	results.StateTopic, results.Icon = c.topic(o, "responses/refresh"), "mdi:message-reply-text"
	results.EventTypes = []string{"done", "refused", "failed", "expired"}
	results.ValueTemplate = "{{ dict(value_json, event_type=value_json.state) | to_json if value_json.state in ('done', 'refused', 'failed', 'expired') else '' }}"
	all["command"] = results.diagnostic().always()
}
