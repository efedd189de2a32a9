package shared

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Attribute is one value of the schema: what it is, and how to get at it.
type Attribute struct {
	// Path of the field: "battery.soc". Stable; the key in JSON forms.
	Path string
	// Info is the description that stands in the schema. Treat it as read-only.
	Info *vehiclev1.Attribute

	group, field protoreflect.FieldDescriptor
	kind         Kind
}

// Choice is a value of an enumeration.
type Choice struct {
	Word   string
	Number int32
}

// TimeOfDay is minutes after midnight in the car's own zone.
type TimeOfDay int32

// String is HH:MM.
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", t/60, t%60) }

// Attributes is the walk over the schema, in the order of publishing. The slice
// is shared: do not change it.
func Attributes() []Attribute { return schema() }

var schema = sync.OnceValue(func() []Attribute {
	var all []Attribute
	groups := (&vehiclev1.VehicleData{}).ProtoReflect().Descriptor().Fields()
	for i := range groups.Len() {
		group := groups.Get(i)
		if group.Message() == nil || group.IsList() {
			continue
		}
		fields := group.Message().Fields()
		for j := range fields.Len() {
			field := fields.Get(j)
			if !proto.HasExtension(field.Options(), vehiclev1.E_Attribute) {
				continue
			}
			info, _ := proto.GetExtension(field.Options(), vehiclev1.E_Attribute).(*vehiclev1.Attribute)
			all = append(all, Attribute{
				Path: string(group.Name()) + "." + string(field.Name()), Info: info,
				group: group, field: field, kind: kindOf(field, info.GetQuantity()),
			})
		}
	}
	return all
})

// Group is the part of Path before the dot.
func (a Attribute) Group() string {
	group, _, _ := strings.Cut(a.Path, ".")
	return group
}

// Get returns the attribute's value in data, and whether it is set. Its type is that of
// the attribute's [Kind].
func (a Attribute) Get(data *vehiclev1.VehicleData) (any, bool) {
	m := data.ProtoReflect()
	if !m.Has(a.group) {
		return nil, false
	}
	m = m.Get(a.group).Message()
	if !m.Has(a.field) {
		return nil, false
	}
	v := m.Get(a.field)
	switch a.kind {
	case KindList:
		return listJSON(v.List()), true
	case KindStructure:
		return messageJSON(v.Message().Interface()), true
	case KindWeekdays:
		return weekdayWords(v.Message()), true
	case KindChoice:
		return choice(a.field.Enum(), v.Enum()), true
	case KindTime:
		return time.UnixMilli(v.Int()).UTC(), true
	case KindTimeOfDay:
		return TimeOfDay(v.Int()), true
	case KindInteger:
		return v.Int(), true
	default:
		return v.Interface(), true
	}
}

// Clear makes the attribute unknown.
func (a Attribute) Clear(data *vehiclev1.VehicleData) {
	if m := data.ProtoReflect(); m.Has(a.group) {
		m.Get(a.group).Message().Clear(a.field)
	}
}

// Values yields what there is to show of data, in the order of publishing:
// every attribute that is set, less the zeros that mean "not measured", and the
// vendor's extra attributes last but for the group refresh.
func Values(data *vehiclev1.VehicleData) iter.Seq2[Attribute, any] {
	return func(yield func(Attribute, any) bool) {
		extraDone := false
		for _, a := range Attributes() {
			if a.Group() == "refresh" && !extraDone {
				extraDone = true
				for _, x := range data.GetExtra() {
					if v, ok := extraValue(x); ok && !yield(Attribute{Path: "extra." + x.GetKey(), Info: x.GetAttribute()}, v) {
						return
					}
				}
			}
			v, ok := a.Get(data)
			if !ok || (a.Info.GetZeroIsUnknown() && v == 0.0) {
				continue
			}
			if !yield(a, v) {
				return
			}
		}
	}
}

func extraValue(x *vehiclev1.ExtraAttribute) (any, bool) {
	if x.GetKey() == "" || x.GetAttribute() == nil {
		return nil, false
	}
	switch v := x.GetValue().(type) {
	case *vehiclev1.ExtraAttribute_Number:
		return v.Number, true
	case *vehiclev1.ExtraAttribute_Flag:
		return v.Flag, true
	case *vehiclev1.ExtraAttribute_Text:
		return v.Text, true
	case *vehiclev1.ExtraAttribute_Time:
		return time.UnixMilli(v.Time).UTC(), true
	}
	return nil, false
}

// Word is the text that stands for an enumeration's value in payloads.
func Word(e protoreflect.Enum) string { return choice(e.Descriptor(), e.Number()).Word }

func choice(d protoreflect.EnumDescriptor, n protoreflect.EnumNumber) Choice {
	v := d.Values().ByNumber(n)
	if v == nil {
		return Choice{Word: "unknown", Number: int32(n)}
	}
	if word, _ := proto.GetExtension(v.Options(), vehiclev1.E_Word).(string); word != "" {
		return Choice{Word: word, Number: int32(n)}
	}
	// By the naming rule of protobuf the zero value ends in UNSPECIFIED behind
	// the prefix that all names share.
	zero := string(d.Values().ByNumber(0).Name())
	prefix := strings.TrimSuffix(zero, "UNSPECIFIED")
	return Choice{Word: strings.ToLower(strings.TrimPrefix(string(v.Name()), prefix)), Number: int32(n)}
}

func weekdayWords(days protoreflect.Message) []string {
	field := days.Descriptor().Fields().ByName("days")
	list := days.Get(field).List()
	words := make([]string, list.Len())
	for n := range words {
		words[n] = choice(field.Enum(), list.Get(n).Enum()).Word
	}
	return words
}

var structureJSON = protojson.MarshalOptions{UseProtoNames: true}

func messageJSON(m proto.Message) json.RawMessage {
	b, err := structureJSON.Marshal(m)
	if err != nil {
		return json.RawMessage("null")
	}
	// protojson varies its white space on purpose; payloads must not.
	var compact bytes.Buffer
	if err := json.Compact(&compact, b); err != nil {
		return json.RawMessage("null")
	}
	return compact.Bytes()
}

func listJSON(l protoreflect.List) json.RawMessage {
	items := make([]json.RawMessage, 0, l.Len())
	for i := range l.Len() {
		items = append(items, messageJSON(l.Get(i).Message().Interface()))
	}
	b, err := json.Marshal(items)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}
