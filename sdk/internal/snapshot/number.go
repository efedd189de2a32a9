package snapshot

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// number is an attribute of a snapshot that is a number.
type number struct {
	snapshot     protoreflect.Message
	group, field protoreflect.FieldDescriptor
}

// numberOf takes the path of the schema, for example battery.soc.
func numberOf(d *vehiclev1.VehicleData, path string) number {
	m := d.ProtoReflect()
	groupName, name, _ := strings.Cut(path, ".")
	group := m.Descriptor().Fields().ByName(protoreflect.Name(groupName))
	return number{snapshot: m, group: group, field: group.Message().Fields().ByName(protoreflect.Name(name))}
}

func (n number) isSet() bool { return n.snapshot.Get(n.group).Message().Has(n.field) }

func (n number) get() float64 { return n.snapshot.Get(n.group).Message().Get(n.field).Float() }

func (n number) set(v float64) {
	n.snapshot.Mutable(n.group).Message().Set(n.field, protoreflect.ValueOfFloat64(v))
}

func (n number) unset() { n.snapshot.Mutable(n.group).Message().Clear(n.field) }
