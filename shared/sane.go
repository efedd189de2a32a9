package shared

import (
	"math"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// sane takes out of a message what this build cannot know or nobody can mean:
// values of enumerations that have no name here, and numbers that are none. Such
// an attribute is unknown, like one that was never there.
func sane(m protoreflect.Message) {
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
			if x := v.Float(); math.IsNaN(x) || math.IsInf(x, 0) {
				m.Clear(f)
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
