package homeassistant

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant/rules"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// groupIcons are those of entities that have neither a class nor an icon that says more.
func groupIcons() map[string]string {
	return map[string]string{
		"charging": "mdi:ev-station", "range": "mdi:map-marker-distance", "schedule": "mdi:calendar-clock", "climate": "mdi:air-conditioner",
		"drive": "mdi:car", "fuel": "mdi:gas-station", "tires": "mdi:car-tire-alert", "lamps": "mdi:lightbulb-alert-outline", "service": "mdi:car-wrench",
		"aux_battery": "mdi:car-battery", "trips": "mdi:map-marker-path", "refresh": "mdi:cloud-refresh",
	}
}

// described is what an entity follows from: an attribute of the schema, or one that a
// plugin has named. The zero value is one that has no entity.
type described struct {
	// path is the attribute's, value the expression of its value in the state of a car.
	path, value string
	info        *vehiclev1.Attribute
	kind        shared.Kind
	// words that a choice may have.
	words []string
}

// look is how everything is shown: the options, and what follows from the schema.
type look struct {
	Options
	faces  map[vehiclev1.Quantity]face
	states map[vehiclev1.Accumulation]string
	icons  map[string]string
	// schema are the schema's attributes, in its order.
	schema []described
}

func newLook(o Options) *look {
	l := &look{Options: o, faces: faces(), states: stateClasses(), icons: groupIcons()}
	for _, a := range shared.Attributes() {
		l.schema = append(l.schema, l.ofSchema(a))
	}
	return l
}

// ofSchema describes an attribute. Those of the group vehicle stand in the device's
// description.
func (o *look) ofSchema(a shared.Attribute) described {
	if _, hasFace := o.faces[a.Info.GetQuantity()]; !hasFace || a.Info.GetPersonal() || a.Group() == "vehicle" {
		return described{}
	}
	return described{path: a.Path, value: "value_json." + a.Path, info: a.Info, kind: a.Kind(), words: a.Words()}
}

// extraKey is what the name of a plugin's attribute has to look like to have an entity.
var extraKey = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)

// ofPlugin describes an attribute that a plugin has named. One that Home Assistant would
// refuse has no entity.
func (o *look) ofPlugin(name string, info *vehiclev1.Attribute, kind shared.Kind) described {
	f, hasFace := o.faces[info.GetQuantity()]
	if !hasFace || !extraKey.MatchString(name) || strings.TrimSpace(info.GetName()) == "" || info.GetPersonal() {
		return described{}
	}
	d := described{path: "extra." + name, value: fmt.Sprintf("(value_json.extra or {}).get('%s')", name), info: info, kind: kind}
	if f.platform == binarySensor != (d.kind == shared.KindFlag) || (f.class == "timestamp") != (d.kind == shared.KindTime) || f.class == "enum" {
		return described{}
	}
	b, _ := json.Marshal((&car{}).attribute(o, d)) // plain fields
	if rules.CheckComponent(b) != nil {
		return described{}
	}
	return d
}

// kindOf the value of an attribute that a plugin has named.
func kindOf(x *vehiclev1.ExtraAttribute) shared.Kind {
	switch x.GetValue().(type) {
	case *vehiclev1.ExtraAttribute_Number:
		return shared.KindNumber
	case *vehiclev1.ExtraAttribute_Flag:
		return shared.KindFlag
	case *vehiclev1.ExtraAttribute_Time:
		return shared.KindTime
	}
	return shared.KindText
}

// hasEntity says whether there is one; the zero value has none.
func (d described) hasEntity() bool { return d.info != nil }

// key of the entity.
func (d described) key() string { return strings.ReplaceAll(d.path, ".", "_") }

func (d described) group() string {
	group, _, _ := strings.Cut(d.path, ".")
	return group
}

// attribute is the entity of a car's attribute.
func (c *car) attribute(o *look, d described) component {
	f, info := o.faces[d.info.GetQuantity()], d.info
	one := c.component(f.platform, d.key(), info.GetName())
	one.StateTopic, one.DeviceClass, one.Icon = c.topic(o, "state"), f.class, f.icon
	if icon, ok := o.icons[d.group()]; ok && one.DeviceClass == "" {
		one.Icon = icon
	}
	if info.GetDiagnostic() {
		one = one.diagnostic()
	}
	if info.GetHidden() {
		one = one.disabled()
	}

	value := d.value
	if f.platform == binarySensor {
		// As templates write truth values; null becomes None, which is unknown.
		one.PayloadOn, one.PayloadOff, one.ValueTemplate = "True", "False", template(value)
		if f.inverted {
			one.PayloadOn, one.PayloadOff = one.PayloadOff, one.PayloadOn
		}
		return one
	}
	if info.GetQuantity() == vehiclev1.Quantity_QUANTITY_STATE_OF_CHARGE && d.path != c.mainBattery(o) {
		one.DeviceClass, one.Icon = "", o.icons["aux_battery"] // Home Assistant shows one battery for a device
	}
	switch d.kind {
	case shared.KindNumber, shared.KindInteger:
		one.measures(o, d, c.shown)
	case shared.KindChoice:
		one.Options = slices.Clone(d.words)
		if !slices.Contains(one.Options, unknown) {
			one.Options = append(one.Options, unknown)
		}
		one.ValueTemplate = template(value + " or '" + unknown + "'")
	case shared.KindWeekdays:
		one.ValueTemplate = template(fmt.Sprintf("'%s' if %s is none else %s | join(', ') or 'none'", unknown, value, value))
	case shared.KindTime:
		one.ValueTemplate = template(value)
	default:
		one.ValueTemplate = template(value + " or '" + unknown + "'")
	}
	return one
}

// unknown is the state of text that is not known: Home Assistant's own word.
const unknown = "unknown"

// measures makes the component that of a number.
func (one *component) measures(o *look, d described, shown *vehiclev1.DisplayUnits) {
	unit, digits := d.info.GetUnit(), d.info.GetPrecision()
	one.UnitOfMeasurement, one.StateClass, one.ValueTemplate = unit, o.states[d.info.GetAccumulation()], template(d.value)
	if c, ok := o.conversionOf(unit, shown); ok {
		one.UnitOfMeasurement, digits, one.ValueTemplate = c.unit, c.digits, template(c.expression(d.value))
	}
	if one.UnitOfMeasurement != "" || one.StateClass != "" {
		one.Precision = &digits
	}
}

func template(expression string) string { return "{{ " + expression + " }}" }
