package shared

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Kind is the type of an attribute's values, as [Attribute.Get] returns them.
type Kind int

// The kinds, with their types in Go.
const (
	KindNumber    Kind = iota // float64
	KindInteger               // int64
	KindFlag                  // bool
	KindText                  // string
	KindTime                  // time.Time, UTC
	KindTimeOfDay             // [TimeOfDay]
	KindChoice                // [Choice]
	KindWeekdays              // []string
	KindStructure             // json.RawMessage, an object
	KindList                  // json.RawMessage, a list of objects
)

// Kind of the attribute's values.
func (a Attribute) Kind() Kind { return a.kind }

// Words are those that a [Choice] or weekdays may have, each once; nil: the attribute is
// neither.
func (a Attribute) Words() []string {
	var enum protoreflect.EnumDescriptor
	switch a.kind {
	case KindChoice:
		enum = a.field.Enum()
	case KindWeekdays:
		enum = vehiclev1.Weekday(0).Descriptor()
	default:
		return nil
	}
	var words []string
	for n := range enum.Values().Len() {
		word := choice(enum, enum.Values().Get(n).Number()).Word
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

func kindOf(field protoreflect.FieldDescriptor, q vehiclev1.Quantity) Kind {
	switch {
	case field.IsList():
		return KindList
	case field.Message() != nil && field.Message().FullName() == (&vehiclev1.Weekdays{}).ProtoReflect().Descriptor().FullName():
		return KindWeekdays
	case field.Message() != nil:
		return KindStructure
	case field.Enum() != nil:
		return KindChoice
	case q == vehiclev1.Quantity_QUANTITY_TIMESTAMP:
		return KindTime
	case q == vehiclev1.Quantity_QUANTITY_TIME_OF_DAY:
		return KindTimeOfDay
	}
	switch field.Kind() {
	case protoreflect.BoolKind:
		return KindFlag
	case protoreflect.StringKind:
		return KindText
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		return KindNumber
	}
	return KindInteger
}
