package shared_test

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// units that belong to a quantity; a quantity that is not here has none.
var units = map[vehiclev1.Quantity][]string{
	vehiclev1.Quantity_QUANTITY_STATE_OF_CHARGE:     {"%"},
	vehiclev1.Quantity_QUANTITY_STATE_OF_HEALTH:     {"%"},
	vehiclev1.Quantity_QUANTITY_RATIO:               {"%"},
	vehiclev1.Quantity_QUANTITY_DISTANCE:            {"km"},
	vehiclev1.Quantity_QUANTITY_DURATION:            {"min"},
	vehiclev1.Quantity_QUANTITY_TEMPERATURE:         {"°C"},
	vehiclev1.Quantity_QUANTITY_SET_TEMPERATURE:     {"°C"},
	vehiclev1.Quantity_QUANTITY_PRESSURE:            {"kPa"},
	vehiclev1.Quantity_QUANTITY_ENERGY:              {"Wh"},
	vehiclev1.Quantity_QUANTITY_ENERGY_STORED:       {"kWh"},
	vehiclev1.Quantity_QUANTITY_ENERGY_PER_DISTANCE: {"Wh/km"},
	vehiclev1.Quantity_QUANTITY_POWER:               {"kW", "W"},
	vehiclev1.Quantity_QUANTITY_VOLTAGE:             {"V"},
	vehiclev1.Quantity_QUANTITY_ROTATIONAL_SPEED:    {"rpm"},
	vehiclev1.Quantity_QUANTITY_SPEED:               {"km/h"},
	vehiclev1.Quantity_QUANTITY_HEADING:             {"°"},
	vehiclev1.Quantity_QUANTITY_LATITUDE:            {"°"},
	vehiclev1.Quantity_QUANTITY_LONGITUDE:           {"°"},
	vehiclev1.Quantity_QUANTITY_ALTITUDE:            {"m"},
}

// TestSchemaIsSound holds the rules that everything derived relies on.
func TestSchemaIsSound(t *testing.T) {
	paths, topics, references := map[string]bool{}, map[string]bool{}, map[string]bool{}
	topic := regexp.MustCompile(`^[a-z0-9_]+(/[a-z0-9_]+)+$`)
	all := shared.Attributes()
	assert.Greater(t, len(all), 140)
	for _, a := range all {
		assert.False(t, paths[a.Path], a.Path)
		paths[a.Path] = true
		assert.NotEmpty(t, a.Info.GetName(), a.Path)
		assert.NotZero(t, a.Info.GetQuantity(), a.Path)
		if want := units[a.Info.GetQuantity()]; want == nil {
			assert.Empty(t, a.Info.GetUnit(), a.Path)
		} else {
			assert.Contains(t, want, a.Info.GetUnit(), a.Path)
		}
		if a.Info.GetAccumulation() != 0 && a.Info.GetQuantity() != vehiclev1.Quantity_QUANTITY_COUNT {
			assert.NotEmpty(t, a.Info.GetUnit(), "%s is a number over time", a.Path)
		}
		for _, tp := range append([]string{a.Info.GetTopic()}, a.Info.GetAliases()...) {
			if tp == "" {
				continue
			}
			assert.Regexp(t, topic, tp, a.Path)
			assert.False(t, topics[tp], "%s: topic %s stands twice", a.Path, tp)
			topics[tp] = true
		}
		if r := a.Info.GetReference(); r != "" {
			assert.False(t, references[r], "%s: %s stands twice", a.Path, r)
			references[r] = true
		}
		if a.Group() == "location" {
			assert.True(t, a.Info.GetPersonal() && !a.Info.GetRetained(), "%s: positions are not kept by a broker", a.Path)
		}
	}
	assert.Equal(t, "refresh.observed_at", all[len(all)-1].Path, "the proof of freshness is published last")
	for _, r := range []string{"key", "password"} {
		assert.False(t, references[r], "%s must not be in the data", r)
	}
}

// TestEveryScalarHasPresence: unset differs from 0, false and "".
func TestEveryScalarHasPresence(t *testing.T) {
	groups := (&vehiclev1.VehicleData{}).ProtoReflect().Descriptor().Fields()
	for i := range groups.Len() {
		if groups.Get(i).IsList() {
			continue
		}
		fields := groups.Get(i).Message().Fields()
		for j := range fields.Len() {
			f := fields.Get(j)
			if f.IsList() || f.FullName() == "vehicle.v1.Vehicle.id" {
				continue
			}
			assert.True(t, f.HasPresence(), string(f.FullName()))
		}
	}
}

// TestEveryAttributeIsReadBack sets each field by reflection and reads it by the
// walk, so that a type that the walk does not know cannot enter the schema.
func TestEveryAttributeIsReadBack(t *testing.T) {
	ofKind := map[shared.Kind]any{
		shared.KindNumber: 0.0, shared.KindInteger: int64(0), shared.KindFlag: false, shared.KindText: "", shared.KindTime: time.Time{},
		shared.KindTimeOfDay: shared.TimeOfDay(0), shared.KindChoice: shared.Choice{}, shared.KindWeekdays: []string{},
		shared.KindStructure: json.RawMessage{}, shared.KindList: json.RawMessage{},
	}
	for _, a := range shared.Attributes() {
		data := &vehiclev1.VehicleData{}
		_, set := a.Get(data)
		assert.False(t, set, a.Path)
		group, field, _ := strings.Cut(a.Path, ".")
		m := data.ProtoReflect()
		g := m.Mutable(m.Descriptor().Fields().ByName(protoreflect.Name(group))).Message()
		f := g.Descriptor().Fields().ByName(protoreflect.Name(field))
		switch {
		case f.IsList():
			g.Mutable(f).List().AppendMutable()
		case f.Message() != nil:
			g.Mutable(f)
		case f.Enum() != nil:
			g.Set(f, protoreflect.ValueOfEnum(1))
		case f.Kind() == protoreflect.DoubleKind:
			g.Set(f, protoreflect.ValueOfFloat64(1.5))
		case f.Kind() == protoreflect.BoolKind:
			g.Set(f, protoreflect.ValueOfBool(true))
		case f.Kind() == protoreflect.Int32Kind:
			g.Set(f, protoreflect.ValueOfInt32(90))
		case f.Kind() == protoreflect.Int64Kind:
			g.Set(f, protoreflect.ValueOfInt64(1767225600123))
		case f.Kind() == protoreflect.StringKind:
			g.Set(f, protoreflect.ValueOfString("text"))
		}
		v, set := a.Get(data)
		require.True(t, set, a.Path)
		assert.Equal(t, reflect.TypeOf(ofKind[a.Kind()]), reflect.TypeOf(v), a.Path)
		switch v := v.(type) {
		case shared.Choice:
			assert.Contains(t, a.Words(), v.Word, a.Path)
		case json.RawMessage:
			assert.True(t, json.Valid(v), a.Path)
			assert.NotContains(t, string(v), " ", "%s: compact", a.Path)
			assert.Equal(t, a.Kind() == shared.KindList, v[0] == '[', a.Path)
		}
		if a.Info.GetQuantity() == vehiclev1.Quantity_QUANTITY_TIME_OF_DAY {
			assert.Equal(t, "01:30", v.(shared.TimeOfDay).String())
		}
		if a.Info.GetQuantity() == vehiclev1.Quantity_QUANTITY_TIMESTAMP {
			assert.Equal(t, time.Date(2026, 1, 1, 0, 0, 0, 123e6, time.UTC), v)
		}
	}
}

func TestValuesAreWhatThereIsToShow(t *testing.T) {
	data := &vehiclev1.VehicleData{
		Battery: &vehiclev1.Battery{Soc: proto.Float64(0), Soh: proto.Float64(0), Energy: proto.Float64(12)},
		Doors:   &vehiclev1.Doors{Locked: proto.Bool(false)},
		Extra: []*vehiclev1.ExtraAttribute{
			{Key: "frunk", Attribute: &vehiclev1.Attribute{Name: "Frunk", Topic: "extra/frunk"}, Value: &vehiclev1.ExtraAttribute_Flag{Flag: true}},
			{Key: "nothing", Attribute: &vehiclev1.Attribute{Name: "Nothing"}},
			{Key: "", Value: &vehiclev1.ExtraAttribute_Text{Text: "no key"}},
		},
		Refresh: &vehiclev1.Refresh{ObservedAt: proto.Int64(1), Source: vehiclev1.Source_SOURCE_MEMORY.Enum(), PolledAt: proto.Int64(2)},
	}
	var paths []string
	words := map[string]any{}
	for a, v := range shared.Values(data) {
		paths = append(paths, a.Path)
		words[a.Path] = v
	}
	assert.Equal(t, []string{
		"battery.soc", "battery.energy", "doors.locked", "extra.frunk",
		"refresh.polled_at", "refresh.source", "refresh.observed_at",
	}, paths, "0 % SoC is a value, 0 % SoH is none; the refresh comes last")
	assert.Equal(t, 0.0, words["battery.soc"])
	assert.Equal(t, shared.Choice{Word: "cached", Number: 1}, words["refresh.source"], "listeners know two words for the source")
	for range shared.Values(data) {
		break // stops early without harm
	}
}

func TestWords(t *testing.T) {
	for _, a := range shared.Attributes() {
		switch a.Path {
		case "refresh.source":
			assert.Equal(t, []string{"unspecified", "cached", "fresh"}, a.Words(), "each once")
		case "schedule.departure1_days":
			assert.Contains(t, a.Words(), "monday")
		case "battery.soc":
			assert.Nil(t, a.Words())
		}
	}
	assert.Equal(t, "EV", shared.Word(vehiclev1.EngineType_ENGINE_TYPE_EV))
	assert.Equal(t, "Low Heat", shared.Word(vehiclev1.SeatClimate_SEAT_CLIMATE_LOW_HEAT))
	assert.Equal(t, "monday", shared.Word(vehiclev1.Weekday_WEEKDAY_MONDAY))
	assert.Equal(t, "fresh", shared.Word(vehiclev1.Source_SOURCE_FRESH))
	assert.Equal(t, "stale", shared.Word(vehiclev1.Verdict_VERDICT_STALE))
	assert.Equal(t, "unknown", shared.Word(vehiclev1.Verdict(99)))
	assert.True(t, slices.Contains([]string{"unspecified"}, shared.Word(vehiclev1.Verdict_VERDICT_UNSPECIFIED)))
}
