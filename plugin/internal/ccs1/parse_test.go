package ccs1_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/ccs1"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/parsetest"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// inside stands in the tables too often for its full name.
var inside = parsetest.Inside

// with is the parser for a car of which this is known.
func with(known ccs1.Known) parsetest.Parse {
	return func(info field.Object) *vehiclev1.VehicleData { return ccs1.Parse(info, known) }
}

// inBerlin is the parser for a car in Berlin.
func inBerlin(tb testing.TB) parsetest.Parse {
	tb.Helper()
	return with(ccs1.Known{Clock: field.Clock{Zone: parsetest.Berlin(tb)}})
}

// parse reads a body as from a car in Berlin.
func parse(tb testing.TB, body string) *vehiclev1.VehicleData {
	tb.Helper()
	return inBerlin(tb)(parsetest.Decode(tb, body))
}

const (
	vehicleStatus = "vehicleStatus"
	evStatus      = "vehicleStatus.evStatus"
	reservations  = "vehicleStatus.evStatus.reservChargeInfos"
)

func TestNothingIsSetWithoutData(t *testing.T) {
	parsetest.AssertNothing(t, inBerlin(t), inside(vehicleStatus, `{}`), inside(evStatus, `{}`), `{"vehicleStatus": [], "odometer": 7}`)
}

func TestDefaultsOfKnown(t *testing.T) {
	info := parsetest.Decode(t, inside(vehicleStatus, `{"time": "20240720120000", "airTemp": {"value": "20H", "unit": 0}}`))

	d := ccs1.Parse(info, ccs1.Known{})
	parsetest.AssertValue(t, time.Date(2024, 7, 20, 12, 0, 0, 0, time.UTC), d, "refresh.observed_at")
	parsetest.AssertValue(t, 30.0, d, "climate.set_temperature")

	d = ccs1.Parse(info, ccs1.Known{Clock: field.Clock{Zone: parsetest.Berlin(t)}, TemperatureBase: 17, TemperatureEntries: 40})
	parsetest.AssertValue(t, time.Date(2024, 7, 20, 10, 0, 0, 0, time.UTC), d, "refresh.observed_at")
	parsetest.AssertValue(t, 33.0, d, "climate.set_temperature")
}

func TestDisplayUnits(t *testing.T) {
	const km, miles = vehiclev1.DistanceUnit_DISTANCE_UNIT_KILOMETERS, vehiclev1.DistanceUnit_DISTANCE_UNIT_MILES
	rangeIn := func(unit string) string {
		return inside(evStatus, `{"drvDistance": [{"rangeByFuel": {"totalAvailableRange": {"unit": `+unit+`}}}]}`)
	}
	for name, tc := range map[string]struct {
		info string
		want *vehiclev1.DisplayUnits
	}{
		"range":    {rangeIn(`3`), &vehiclev1.DisplayUnits{Distance: miles.Enum()}},
		"odometer": {inside("odometer.unit", `1`), &vehiclev1.DisplayUnits{Distance: km.Enum()}},
		"range before odometer": {
			strings.TrimSuffix(rangeIn(`2`), "}") + `, "odometer": {"unit": 1}}`, &vehiclev1.DisplayUnits{Distance: miles.Enum()},
		},
		"odometer if the range has none": {
			strings.TrimSuffix(rangeIn(`0`), "}") + `, "odometer": {"unit": 1}}`, &vehiclev1.DisplayUnits{Distance: km.Enum()},
		},
		"temperature": {
			inside(vehicleStatus+".airTemp.unit", `1`),
			&vehiclev1.DisplayUnits{Temperature: vehiclev1.TemperatureUnit_TEMPERATURE_UNIT_FAHRENHEIT.Enum()},
		},
		"codes nobody knows": {`{"odometer": {"unit": 9}, "vehicleStatus": {"airTemp": {"unit": 9}}}`, nil},
	} {
		got := parse(t, tc.info).DisplayUnits
		assert.True(t, proto.Equal(tc.want, got), "%s: want %v, got %v", name, tc.want, got)
	}
}

func TestLocation(t *testing.T) {
	block := func(members string) *vehiclev1.Location {
		return ccs1.Location(parsetest.Decode(t, `{`+members+`}`), field.Clock{Zone: parsetest.Berlin(t)})
	}
	full := block(`"coord": {"lat": 48.137, "lon": 11.575, "alt": 519}, "head": 360, "speed": {"value": 10, "unit": 3}, "time": "20250714140330"`)
	want := &vehiclev1.Location{
		Latitude: proto.Float64(48.137), Longitude: proto.Float64(11.575), Altitude: proto.Float64(519), Heading: proto.Float64(360),
		Speed: proto.Float64(16.09344), ObservedAt: proto.Int64(time.Date(2025, 7, 14, 12, 3, 30, 0, time.UTC).UnixMilli()),
	}
	assert.True(t, proto.Equal(want, full), "got %v", full)

	bare := block(`"coord": {"lat": 48.137, "lon": 11.575}, "head": 361, "time": "20251345997070"`)
	want = &vehiclev1.Location{Latitude: proto.Float64(48.137), Longitude: proto.Float64(11.575)}
	assert.True(t, proto.Equal(want, bare), "got %v", bare)

	for name, members := range map[string]string{
		"no fix":        `"coord": {"lat": 0, "lon": 0}, "time": "20250714140330"`,
		"latitude 0":    `"coord": {"lat": 0, "lon": 11.575}, "time": "20250714140330"`,
		"half a fix":    `"coord": {"lat": 48.137}, "time": "20250714140330"`,
		"no coordinate": `"time": "20250714140330"`,
	} {
		assert.Nil(t, block(members), name)
	}
}

func TestRangesByEngine(t *testing.T) {
	const (
		plugged = `"batteryStatus": 50, "batteryPlugin": 0`
		both    = `{"evStatus": {` + plugged + `, "drvDistance": [{"rangeByFuel": {"evModeRange": {"value": 60, "unit": 1}, "gasModeRange": {"value": 640, "unit": 1}, "totalAvailableRange": {"value": 700, "unit": 1}}}]}}`
		no1     = `{"evStatus": {` + plugged + `, "drvDistance": [{"rangeByFuel": {"evModeRange": {"value": 60, "unit": 1}, "totalAvailableRange": {"value": 60, "unit": 1}}}]}, "dte": {"value": 0, "unit": 1}}`
		single  = `{"dte": {"value": 437, "unit": 1}}`
	)
	for name, tc := range map[string]struct {
		engine                vehiclev1.EngineType
		status                string
		total, electric, fuel any
	}{
		"electric car":                    {vehiclev1.EngineType_ENGINE_TYPE_EV, no1, 60.0, 60.0, nil},
		"electric car, single figure":     {vehiclev1.EngineType_ENGINE_TYPE_EV, single, 437.0, 437.0, nil},
		"electric car with a fuel figure": {vehiclev1.EngineType_ENGINE_TYPE_EV, both, 700.0, 60.0, nil},
		"plug-in hybrid":                  {vehiclev1.EngineType_ENGINE_TYPE_PHEV, both, 700.0, 60.0, 640.0},
		"plug-in hybrid, single figure":   {vehiclev1.EngineType_ENGINE_TYPE_PHEV, single, nil, nil, 437.0},
		"hybrid":                          {vehiclev1.EngineType_ENGINE_TYPE_HEV, single, 437.0, nil, 437.0},
		"combustion engine":               {vehiclev1.EngineType_ENGINE_TYPE_ICE, single, 437.0, nil, 437.0},
		"combustion engine, empty":        {vehiclev1.EngineType_ENGINE_TYPE_ICE, `{"dte": {"value": 0, "unit": 1}}`, 0.0, nil, 0.0},
		"unknown, single figure":          {vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED, single, 437.0, nil, nil},
		"unknown, both":                   {vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED, both, 700.0, 60.0, 640.0},
		"unknown, a battery":              {vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED, no1, 60.0, 60.0, nil},
		"unknown, a tank":                 {vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED, `{"fuelLevel": 40, "dte": {"value": 437, "unit": 1}}`, 437.0, nil, 437.0},
		"unknown, a lamp of the tank":     {vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED, `{"lowFuelLight": false, "dte": {"value": 437, "unit": 1}}`, 437.0, nil, 437.0},
		"unknown, a battery and a lamp":   {vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED, `{"lowFuelLight": false, "evStatus": {` + plugged + `}}`, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := ccs1.Parse(parsetest.Decode(t, inside(vehicleStatus, tc.status)), ccs1.Known{EngineType: tc.engine})
			parsetest.AssertValue(t, tc.total, d, "range.total")
			parsetest.AssertValue(t, tc.electric, d, "range.electric")
			parsetest.AssertValue(t, tc.fuel, d, "range.fuel")
		})
	}
}
