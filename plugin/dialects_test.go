package plugin_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/ccs1"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/ccs2"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/parsetest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// described is a car as both dialects can describe it.
type described struct {
	engine                         vehiclev1.EngineType
	at                             time.Time
	soc, soh, auxSoC, fuelLevel    int
	electric, fuel, unit           int
	limitAC, limitDC               int
	farAC, farDC                   int
	odometer                       float64
	locked, charging, plugged      bool
	remaining, dc, portable, ac    int
	doors, windows, seats, tires   [4]int
	trunk, hood, lowFuel, climate  bool
	temperature                    int // half degrees above 14 °C
	lat, lon                       float64
	heading, wheel, washer, brakes int
}

type doc = map[string]any

func drawCar(t *rapid.T) described {
	percent, either := rapid.IntRange(0, 101), rapid.IntRange(0, 1)
	km, minutes := rapid.IntRange(0, 900), rapid.IntRange(0, 1500)
	four := func(what string, of *rapid.Generator[int]) (all [4]int) {
		for i := range all {
			all[i] = of.Draw(t, what)
		}
		return all
	}
	flag := func(what string) bool { return rapid.Bool().Draw(t, what) }
	// 101 stands for the sentinel.
	soc := func(what string) int {
		if n := percent.Draw(t, what); n <= 100 {
			return n
		}
		return 255
	}
	d := described{
		engine: rapid.SampledFrom([]vehiclev1.EngineType{
			vehiclev1.EngineType_ENGINE_TYPE_ICE, vehiclev1.EngineType_ENGINE_TYPE_EV, vehiclev1.EngineType_ENGINE_TYPE_PHEV, vehiclev1.EngineType_ENGINE_TYPE_HEV,
		}).Draw(t, "engine"),
		at:  time.Unix(rapid.Int64Range(1.6e9, 1.9e9).Draw(t, "at"), 0),
		soc: soc("soc"), soh: soc("soh"), auxSoC: soc("aux"), fuelLevel: soc("fuel level"),
		electric: km.Draw(t, "electric"), fuel: km.Draw(t, "fuel"), unit: rapid.IntRange(0, 3).Draw(t, "unit"),
		limitAC: 10 * rapid.IntRange(0, 10).Draw(t, "AC limit"), limitDC: 10 * rapid.IntRange(0, 10).Draw(t, "DC limit"),
		farAC: km.Draw(t, "AC range"), farDC: km.Draw(t, "DC range"),
		odometer: float64(rapid.IntRange(0, 5_000_000).Draw(t, "odometer")) / 10,
		locked:   flag("locked"), plugged: flag("plugged"),
		dc: minutes.Draw(t, "dc"), portable: minutes.Draw(t, "portable"), ac: minutes.Draw(t, "ac"),
		doors: four("door", either), windows: four("window", either), seats: four("seat", rapid.IntRange(0, 9)), tires: four("tire", either),
		trunk: flag("trunk"), hood: flag("hood"), lowFuel: flag("low fuel"), climate: flag("climate"),
		temperature: rapid.IntRange(0, 32).Draw(t, "temperature"),
		lat:         rapid.Float64Range(-90, 90).Draw(t, "lat"), lon: rapid.Float64Range(-180, 180).Draw(t, "lon"),
		heading: rapid.IntRange(0, 360).Draw(t, "heading"), wheel: rapid.IntRange(0, 3).Draw(t, "wheel"),
		washer: either.Draw(t, "washer"), brakes: either.Draw(t, "brakes"),
	}
	if d.charging = d.plugged && flag("charging"); d.charging {
		d.remaining = 1 + minutes.Draw(t, "remaining")
	}
	return d
}

func (d described) plug() bool {
	return d.engine == vehiclev1.EngineType_ENGINE_TYPE_EV || d.engine == vehiclev1.EngineType_ENGINE_TYPE_PHEV
}

// total is what the car shows.
func (d described) total() int {
	switch d.engine {
	case vehiclev1.EngineType_ENGINE_TYPE_EV:
		return d.electric
	case vehiclev1.EngineType_ENGINE_TYPE_PHEV:
		return d.electric + d.fuel
	}
	return d.fuel
}

func bit(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// flat is the car in CCS1.
func (d described) flat(zone *time.Location) doc {
	places := func(of [4]int) doc {
		return doc{"frontLeft": of[0], "frontRight": of[1], "backLeft": of[2], "backRight": of[3]}
	}
	far := func(km int) doc { return doc{"value": km, "unit": d.unit} }
	stamp := d.at.In(zone).Format("20060102150405")
	status := doc{
		"time": stamp, "doorLock": d.locked, "doorOpen": places(d.doors), "windowOpen": places(d.windows),
		"trunkOpen": d.trunk, "hoodOpen": d.hood, "lowFuelLight": d.lowFuel, "fuelLevel": d.fuelLevel,
		"airCtrlOn": d.climate, "airTemp": doc{"value": fmt.Sprintf("%02XH", d.temperature), "unit": 0},
		"battery": doc{"batSoc": d.auxSoC}, "steerWheelHeat": d.wheel, "washerFluidStatus": d.washer, "breakOilStatus": d.brakes,
		"seatHeaterVentState": doc{"flSeatHeatState": d.seats[0], "frSeatHeatState": d.seats[1], "rlSeatHeatState": d.seats[2], "rrSeatHeatState": d.seats[3]},
		"tirePressureLamp":    doc{"tirePressureLampFL": d.tires[0], "tirePressureLampFR": d.tires[1], "tirePressureLampRL": d.tires[2], "tirePressureLampRR": d.tires[3]},
		"dte":                 far(0),
	}
	if !d.plug() {
		status["dte"] = far(d.fuel)
	} else {
		ranges := doc{"evModeRange": far(d.electric), "totalAvailableRange": far(d.total())}
		if d.engine == vehiclev1.EngineType_ENGINE_TYPE_PHEV {
			ranges["gasModeRange"] = far(d.fuel)
		}
		target := func(plug, level, km int) doc {
			return doc{"plugType": plug, "targetSOClevel": level, "dte": doc{"rangeByFuel": doc{"totalAvailableRange": far(km)}}}
		}
		minutes := func(n int) doc { return doc{"value": n, "unit": 1} }
		status["evStatus"] = doc{
			"batteryStatus": d.soc, "batterySoh": d.soh, "batteryCharge": d.charging, "batteryPlugin": 3 * bit(d.plugged),
			"drvDistance":       []doc{{"rangeByFuel": ranges}},
			"remainTime2":       doc{"atc": minutes(d.remaining), "etc1": minutes(d.dc), "etc2": minutes(d.portable), "etc3": minutes(d.ac)},
			"reservChargeInfos": doc{"targetSOClist": []doc{target(0, d.limitDC, d.farDC), target(1, d.limitAC, d.farAC)}},
		}
	}
	return doc{
		"vehicleStatus": status, "odometer": doc{"value": d.odometer, "unit": 1},
		"vehicleLocation": doc{"coord": doc{"lat": d.lat, "lon": d.lon}, "head": d.heading, "time": stamp},
	}
}

// nested is the car in CCS2.
func (d described) nested() doc {
	rows := func(of func(i int) doc) doc {
		return doc{"Row1": doc{"Driver": of(0), "Passenger": of(1)}, "Row2": doc{"Left": of(2), "Right": of(3)}}
	}
	tire := func(i int) doc { return doc{"Tire": doc{"PressureLow": d.tires[i]}} }
	dte := doc{"Unit": d.unit, "Total": d.total()}
	if d.engine == vehiclev1.EngineType_ENGINE_TYPE_PHEV {
		dte["EV"], dte["ICE"] = d.electric, d.fuel
	}
	stamp := d.at.UTC().Format("20060102150405.000")
	vehicle := doc{
		"Date": stamp,
		"Cabin": doc{
			"Door":          rows(func(i int) doc { return doc{"Open": d.doors[i], "Lock": bit(!d.locked)} }),
			"Window":        rows(func(i int) doc { return doc{"Open": d.windows[i]} }),
			"Seat":          rows(func(i int) doc { return doc{"Climate": doc{"State": d.seats[i]}} }),
			"SteeringWheel": doc{"Heat": doc{"State": d.wheel}},
			"HVAC": doc{"Row1": doc{"Driver": doc{
				"Temperature": doc{"Value": 14 + 0.5*float64(d.temperature), "Unit": 0}, "Blower": doc{"SpeedLevel": 4 * bit(d.climate)},
			}}},
		},
		"Body":    doc{"Trunk": doc{"Open": bit(d.trunk)}, "Hood": doc{"Open": bit(d.hood)}, "Windshield": doc{"Front": doc{"WasherFluid": doc{"LevelLow": d.washer}}}},
		"Chassis": doc{"Brake": doc{"Fluid": doc{"Warning": d.brakes}}, "Axle": doc{"Row1": doc{"Left": tire(0), "Right": tire(1)}, "Row2": doc{"Left": tire(2), "Right": tire(3)}}},
		"Drivetrain": doc{"Odometer": d.odometer, "FuelSystem": doc{
			"DTE": dte, "FuelLevel": d.fuelLevel, "LowFuelWarning": bit(d.lowFuel),
		}},
		"Electronics": doc{"Battery": doc{"Level": d.auxSoC, "SensorReliability": 0}},
		"Location":    doc{"GeoCoord": doc{"Latitude": d.lat, "Longitude": d.lon}, "Heading": d.heading, "Date": stamp},
	}
	if d.plug() {
		vehicle["Green"] = doc{
			"BatteryManagement": doc{"BatteryRemain": doc{"Ratio": d.soc}, "SoH": doc{"Ratio": d.soh}},
			"ChargingInformation": doc{
				"ConnectorFastening": doc{"State": bit(d.plugged)}, "Charging": doc{"RemainTime": d.remaining},
				"EstimatedTime": doc{"Quick": d.dc, "ICCB": d.portable, "Standard": d.ac},
				"TargetSoC":     doc{"Standard": d.limitAC, "Quick": d.limitDC},
				"DTE":           doc{"TargetSoC": doc{"Standard": d.farAC, "Quick": d.farDC}},
			},
		}
	}
	return vehicle
}

// TestDialectsAgree: one car, described in both dialects, is one snapshot.
func TestDialectsAgree(t *testing.T) {
	berlin := parsetest.Berlin(t)
	// CCS1 knows one lock, and the dialects number the plugs differently.
	own := map[string]bool{
		"charging.connector_code": true, "doors.front_left_locked": true, "doors.front_right_locked": true,
		"doors.rear_left_locked": true, "doors.rear_right_locked": true,
	}
	rapid.Check(t, func(t *rapid.T) {
		d := drawCar(t)
		one := valuesOf(t, ccs1.Parse(decoded(t, d.flat(berlin)), ccs1.Known{EngineType: d.engine, Clock: field.Clock{Zone: berlin}}), own)
		two := valuesOf(t, ccs2.Parse(decoded(t, d.nested()), ccs2.Known{EngineType: d.engine, Clock: field.Clock{Zone: berlin}}), own)
		for path := range one {
			require.Equal(t, one[path], two[path], path)
		}
		for path := range two {
			_, has := one[path]
			require.True(t, has, path)
		}
	})
}

func decoded(t *rapid.T, document doc) field.Object {
	body, err := json.Marshal(document)
	require.NoError(t, err)
	o, err := field.Decode(body)
	require.NoError(t, err)
	return o
}

func valuesOf(t *rapid.T, d *vehiclev1.VehicleData, but map[string]bool) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, a := range shared.Attributes() {
		if v, ok := a.Get(d); ok && !but[a.Path] {
			all[a.Path] = v
		}
	}
	return all
}
