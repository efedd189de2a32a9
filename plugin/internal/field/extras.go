package field

import vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"

// Extras collects what a document knows beyond the schema, in the schema's own
// terms. All of it is diagnostic and kept by the broker, and has its topic below
// extra/. What is not set is left out. The zero Extras is empty and ready.
type Extras struct{ all []*vehiclev1.ExtraAttribute }

// All returns what was collected, nil if it is nothing.
func (x *Extras) All() []*vehiclev1.ExtraAttribute { return x.all }

// Hidden makes an extra attribute one that is shown only to who asks for it.
func Hidden(a *vehiclev1.Attribute) { a.Hidden = true }

// Precision is how many digits after the decimal point a number is shown with.
func Precision(digits uint32) func(*vehiclev1.Attribute) {
	return func(a *vehiclev1.Attribute) { a.Precision = digits }
}

// Flag adds a truth value.
func (x *Extras) Flag(key, name string, quantity vehiclev1.Quantity, value *bool, change ...func(*vehiclev1.Attribute)) {
	if value != nil {
		x.add(key, &vehiclev1.Attribute{Name: name, Quantity: quantity}, change).Value = &vehiclev1.ExtraAttribute_Flag{Flag: *value}
	}
}

// Number adds a present level in that unit.
func (x *Extras) Number(key, name string, quantity vehiclev1.Quantity, unit string, value *float64, change ...func(*vehiclev1.Attribute)) {
	if value == nil {
		return
	}
	a := &vehiclev1.Attribute{Name: name, Quantity: quantity, Unit: unit, Accumulation: vehiclev1.Accumulation_ACCUMULATION_MEASUREMENT}
	x.add(key, a, change).Value = &vehiclev1.ExtraAttribute_Number{Number: *value}
}

// Text adds a text.
func (x *Extras) Text(key, name string, value *string, change ...func(*vehiclev1.Attribute)) {
	if value == nil {
		return
	}
	a := &vehiclev1.Attribute{Name: name, Quantity: vehiclev1.Quantity_QUANTITY_TEXT}
	x.add(key, a, change).Value = &vehiclev1.ExtraAttribute_Text{Text: *value}
}

func (x *Extras) add(key string, a *vehiclev1.Attribute, change []func(*vehiclev1.Attribute)) *vehiclev1.ExtraAttribute {
	a.Topic, a.Diagnostic, a.Retained = "extra/"+key, true, true
	for _, f := range change {
		f(a)
	}
	added := &vehiclev1.ExtraAttribute{Key: key, Attribute: a}
	x.all = append(x.all, added)
	return added
}
