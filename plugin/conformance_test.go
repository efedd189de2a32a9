package plugin_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/ccs1"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/ccs2"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// conformance is the block of that name in a fixture.
type conformance struct {
	Dialect   string `json:"dialect"`
	TimeZone  string `json:"time_zone"`
	StatePath string `json:"state_path"`
	Vehicle   struct {
		EngineType *string `json:"engine_type"`
		CCS2       *int32  `json:"ccu_ccs2_protocol_support"`
		Year       *int32  `json:"year"`
	} `json:"vehicle"`
}

// dialects that are built, by their names in the fixtures.
func dialects() map[string]func(field.Object, conformance, *time.Location) *vehiclev1.VehicleData {
	return map[string]func(field.Object, conformance, *time.Location) *vehiclev1.VehicleData{
		"ccs2": parseCCS2, "eu_ccs2": parseCCS2,
		"eu_ccs1": func(state field.Object, c conformance, zone *time.Location) *vehiclev1.VehicleData {
			return ccs1.Parse(state, ccs1.Known{EngineType: c.engineType(), Clock: field.Clock{Zone: zone}})
		},
	}
}

func parseCCS2(state field.Object, c conformance, zone *time.Location) *vehiclev1.VehicleData {
	return ccs2.Parse(state, ccs2.Known{EngineType: c.engineType(), Clock: field.Clock{Zone: zone}})
}

func (c conformance) engineType() vehiclev1.EngineType {
	if c.Vehicle.EngineType == nil {
		return vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED
	}
	return vehiclev1.EngineType(vehiclev1.EngineType_value["ENGINE_TYPE_"+*c.Vehicle.EngineType])
}

// referenceAttribute is a row of attributes.json.
type referenceAttribute struct {
	Source        string `json:"source"`
	Type          string `json:"type"`
	UnitAttribute string `json:"unit_attribute"`
}

// TestConformance parses every case of the folder VEHICLE_FIXTURES and compares
// all attributes with the expected file, by the rules of the folder's README.
func TestConformance(t *testing.T) {
	folder := os.Getenv("VEHICLE_FIXTURES")
	if folder == "" {
		t.Skip("VEHICLE_FIXTURES is not set: it names the absolute path of a folder of fixtures")
	}
	runConformance(t, folder, compareCar)
}

// TestOwnConformance runs the project's own cases the same way: flags on, every
// sentinel, values of the wrong type.
func TestOwnConformance(t *testing.T) { runConformance(t, "testdata/conformance", nil) }

// runConformance looks at each car beyond that with also, unless it is nil.
func runConformance(t *testing.T, folder string, also func(t *testing.T, name string, data *vehiclev1.VehicleData)) {
	t.Helper()
	attributes := map[string]referenceAttribute{}
	readJSON(t, attributesFile(folder), &attributes)
	bodies, err := filepath.Glob(filepath.Join(folder, "*.json"))
	require.NoError(t, err)
	cases := 0
	for _, body := range bodies {
		expected := strings.TrimSuffix(body, ".json") + ".expected.json"
		if _, err := os.Stat(expected); err != nil || strings.HasSuffix(body, ".expected.json") {
			continue
		}
		cases++
		name := strings.TrimSuffix(filepath.Base(body), ".json")
		t.Run(name, func(t *testing.T) {
			if data := runCase(t, body, expected, attributes); also != nil {
				also(t, name, data)
			}
		})
	}
	require.NotZero(t, cases, "no case in %s", folder)
}

// attributesFile is the folder's own, or this project's if it has none.
func attributesFile(folder string) string {
	file := filepath.Join(folder, "attributes.json")
	if _, err := os.Stat(file); err != nil {
		return "testdata/conformance/attributes.json"
	}
	return file
}

func runCase(t *testing.T, bodyFile, expectedFile string, attributes map[string]referenceAttribute) *vehiclev1.VehicleData {
	t.Helper()
	raw, err := os.ReadFile(bodyFile)
	require.NoError(t, err)
	var meta struct {
		Meta struct {
			Conformance conformance `json:"conformance"`
		} `json:"_fixture_meta"`
	}
	require.NoError(t, json.Unmarshal(raw, &meta))
	c := meta.Meta.Conformance
	parse, built := dialects()[c.Dialect]
	if !built {
		t.Skipf("dialect %s is not built yet", c.Dialect)
	}
	zone, err := zoneOf(c.TimeZone)
	require.NoError(t, err)
	body, err := field.Decode(raw)
	require.NoError(t, err)
	pristine, err := field.Decode(raw)
	require.NoError(t, err)
	state := body.At(c.StatePath)

	var report field.Report
	data := parse(state.Reporting(&report, ""), c, zone)
	assert.True(t, proto.Equal(data, parse(state, c, zone)), "parsing twice gives two results")
	assert.Equal(t, pristine, body, "parsing changed the body")

	data.Vehicle = &vehiclev1.Vehicle{Ccs2Support: c.Vehicle.CCS2, ModelYear: c.Vehicle.Year}
	if e := c.engineType(); e != 0 {
		data.Vehicle.EngineType = &e
	}
	expected := map[string]any{}
	readJSON(t, expectedFile, &expected)
	for _, line := range append(compare(expected, attributes, data), compareRejected(expected, &report)...) {
		t.Error(line)
	}
	return data
}

// compareRejected compares what was not understood with the list _rejected, if
// the case has one: the paths of the values, in any order.
func compareRejected(expected map[string]any, report *field.Report) []string {
	if _, asked := expected["_rejected"]; !asked {
		return nil
	}
	want := names(expected["_rejected"])
	var differences, got []string
	for _, v := range report.Rejected() {
		got = append(got, v.Path)
		if !slices.Contains(want, v.Path) {
			differences = append(differences, fmt.Sprintf("_rejected: %s (%s) should be understood", v.Path, v.Raw))
		}
	}
	for _, path := range want {
		if !slices.Contains(got, path) {
			differences = append(differences, "_rejected: "+path+" should not be understood")
		}
	}
	return differences
}

// compare returns one line for each attribute that differs.
func compare(expected map[string]any, attributes map[string]referenceAttribute, data *vehiclev1.VehicleData) []string {
	defaulted, beyond := names(expected["_defaulted"]), names(expected["_beyond_reference"])
	parsed := byReference(data)
	var differences []string
	for name, want := range expected {
		if strings.HasPrefix(name, "_") {
			continue
		}
		a, known := attributes[name]
		if !known {
			differences = append(differences, name+" is not in attributes.json")
			continue
		}
		if word, shown := shownUnit(name, data); shown && want != nil && want != word {
			differences = append(differences, fmt.Sprintf("%s: want %v, the car shows %q", name, want, word))
		}
		if skipped(name, a) {
			continue
		}
		got, set := parsed[name]
		switch {
		case !set && want != nil && slices.Contains(defaulted, name):
			continue // false and unset both pass
		case set && want == nil && slices.Contains(beyond, name):
			continue // any value of the right type passes; the schema sees to the type
		case !set && (want == nil || emptyList(want)):
			continue
		}
		unit, _ := expected[a.UnitAttribute].(string)
		if want = canonical(name, want, unit); !equal(want, got) {
			differences = append(differences, fmt.Sprintf("%s: want %v, got %v (nil: unset)", name, want, got))
		}
	}
	slices.Sort(differences)
	return differences
}

// shownUnit is what display_units says in place of an attribute that is a unit.
// One attribute of each kind is compared, and only if it is set: a car may name
// its unit without a value, but the reference has units of values only. The
// others repeat the same flag, or are fixed (the odometer of CCS2, the battery's
// temperatures), and say nothing of what the car shows.
func shownUnit(name string, data *vehiclev1.VehicleData) (word string, shown bool) {
	u := data.GetDisplayUnits()
	switch name {
	case "total_driving_range_unit":
		return map[vehiclev1.DistanceUnit]string{
			vehiclev1.DistanceUnit_DISTANCE_UNIT_KILOMETERS: "km", vehiclev1.DistanceUnit_DISTANCE_UNIT_MILES: "mi",
		}[u.GetDistance()], true
	case "air_temperature_unit":
		return map[vehiclev1.TemperatureUnit]string{
			vehiclev1.TemperatureUnit_TEMPERATURE_UNIT_CELSIUS: "°C", vehiclev1.TemperatureUnit_TEMPERATURE_UNIT_FAHRENHEIT: "°F",
		}[u.GetTemperature()], true
	case "tire_pressure_unit":
		return map[vehiclev1.PressureUnit]string{
			vehiclev1.PressureUnit_PRESSURE_UNIT_PSI: "psi", vehiclev1.PressureUnit_PRESSURE_UNIT_KPA: "kPa", vehiclev1.PressureUnit_PRESSURE_UNIT_BAR: "bar",
		}[u.GetPressure()], true
	}
	return "", false
}

// skipped are attributes that no status body fills, and units: in this schema
// every attribute has one canonical unit and none travels with it.
func skipped(name string, a referenceAttribute) bool {
	switch a.Source {
	case "vehicle_list", "other_request", "client", "never":
		return name != "ccu_ccs2_protocol_support" && name != "year"
	}
	return strings.HasSuffix(name, "_unit")
}

// byReference renders what is set, by the reference's names.
func byReference(data *vehiclev1.VehicleData) map[string]any {
	out := map[string]any{}
	for _, a := range shared.Attributes() {
		if v, ok := a.Get(data); ok && a.Info.GetReference() != "" {
			out[a.Info.GetReference()] = v
		}
	}
	return out
}

// canonical converts an expected value to the schema's unit and form.
func canonical(name string, want any, unit string) any {
	if want == nil {
		return nil
	}
	f, isNumber := want.(float64)
	switch unit {
	case "mi":
		return f * field.KilometersPerMile
	case "°F":
		return (f - 32) / 1.8
	case "psi":
		return f * field.KilopascalsPerPSI
	case "bar":
		return f * field.KilopascalsPerBar
	}
	switch {
	case isNumber && f >= 1000 && (name == "ev_battery_remain" || name == "ev_battery_capacity"):
		return f / field.KilojoulesPerKWh
	case name == "ev_charging_current":
		// Code 0 says that there is no setting.
		return map[float64]any{1: 100.0, 2: 90.0, 3: 60.0}[f]
	}
	return want
}

func equal(want, got any) bool {
	switch g := got.(type) {
	case nil:
		return want == nil
	case bool:
		switch w := want.(type) {
		case bool:
			return w == g
		case float64:
			return (w != 0) == g
		}
	case float64:
		w, ok := number(want)
		return ok && math.Abs(w-g) <= 1e-6*math.Max(1, math.Abs(w))
	case int64:
		w, ok := number(want)
		return ok && w == float64(g)
	case string:
		return want == g
	case shared.Choice:
		return want == g.Word
	case time.Time:
		w, err := time.Parse(time.RFC3339, fmt.Sprint(want))
		return err == nil && w.Equal(g.Truncate(time.Second))
	case shared.TimeOfDay:
		return want == g.String()+":00"
	case []string:
		return equalDays(want, g)
	}
	return false
}

// number reads a number; a truth value counts as a code.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// equalDays compares the reference's day numbers, where 9 stands for none.
func equalDays(want any, got []string) bool {
	list, ok := want.([]any)
	if !ok {
		return false
	}
	var days []string
	for _, n := range list {
		if f, ok := n.(float64); ok && f >= 0 && f <= 6 {
			days = append(days, shared.Word(vehiclev1.Weekday(int32(f)+1)))
		}
	}
	return slices.Equal(days, got)
}

func emptyList(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) == 0
}

func names(v any) []string {
	var out []string
	list, _ := v.([]any)
	for _, n := range list {
		out = append(out, fmt.Sprint(n))
	}
	return out
}

func zoneOf(name string) (*time.Location, error) {
	if rest, ok := strings.CutPrefix(name, "UTC"); ok && rest != "" {
		at, err := time.Parse("-07:00", rest)
		if err != nil {
			return nil, err
		}
		_, offset := at.Zone()
		return time.FixedZone(name, offset), nil
	}
	return time.LoadLocation(name)
}

func readJSON(t *testing.T, file string, v any) {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, v))
}
