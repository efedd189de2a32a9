package shared

import (
	"math"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Normalize changes data to what everybody is to see. It takes out what this build
// cannot know or nobody can mean: values of enumerations that have no name here, and
// numbers that are none. It rounds all other numbers as their attributes say, so that a
// value is the same wherever it is shown. It is called where a reading is taken up, and
// needs no other call after that.
func Normalize(data *vehiclev1.VehicleData) { sane(data.ProtoReflect()) }

func sane(m protoreflect.Message) {
	extra, _ := m.Interface().(*vehiclev1.ExtraAttribute)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.IsList() || f.IsMap() {
			saneElements(f, v)
			return true
		}
		switch f.Kind() {
		case protoreflect.MessageKind:
			sane(v.Message())
		case protoreflect.EnumKind:
			if f.Enum().Values().ByNumber(v.Enum()) == nil {
				m.Clear(f)
			}
		case protoreflect.DoubleKind, protoreflect.FloatKind:
			x, info := v.Float(), attributeOf(f)
			if extra != nil {
				info = extra.GetAttribute()
			}
			if math.IsNaN(x) || math.IsInf(x, 0) {
				m.Clear(f)
			} else if r := rounded(x, info.GetPrecision()); info != nil && math.Float64bits(r) != math.Float64bits(x) {
				m.Set(f, protoreflect.ValueOfFloat64(r))
			}
		}
		return true
	})
}

// saneElements looks into the messages of a list.
func saneElements(f protoreflect.FieldDescriptor, v protoreflect.Value) {
	if f.IsMap() || f.Kind() != protoreflect.MessageKind {
		return
	}
	for n := range v.List().Len() {
		sane(v.List().Get(n).Message())
	}
}

// rounded to so many digits. What is too great for that has none.
func rounded(x float64, digits uint32) float64 {
	scale := math.Pow10(int(min(digits, 15)))
	if r := math.Round(x*scale) / scale; !math.IsInf(r, 0) {
		return r + 0 // no negative zero
	}
	return x
}

// attributeOf is what the schema says of a number; nil: nothing.
func attributeOf(f protoreflect.FieldDescriptor) *vehiclev1.Attribute { return numbers()[f.FullName()] }

// numbers are all of the schema that are attributes, or parts of one.
var numbers = sync.OnceValue(func() map[protoreflect.FullName]*vehiclev1.Attribute {
	all := map[protoreflect.FullName]*vehiclev1.Attribute{}
	messages := vehiclev1.File_vehicle_v1_vehicle_proto.Messages()
	for i := range messages.Len() {
		fields := messages.Get(i).Fields()
		for j := range fields.Len() {
			if field := fields.Get(j); field.Kind() == protoreflect.DoubleKind && proto.HasExtension(field.Options(), vehiclev1.E_Attribute) {
				all[field.FullName()], _ = proto.GetExtension(field.Options(), vehiclev1.E_Attribute).(*vehiclev1.Attribute)
			}
		}
	}
	return all
})
