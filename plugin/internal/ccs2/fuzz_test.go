package ccs2_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/ccs2"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/parsetest"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func TestEveryMemberMayBeNonsense(t *testing.T) {
	t.Parallel()
	hybrid := with(ccs2.Known{EngineType: vehiclev1.EngineType_ENGINE_TYPE_PHEV, Clock: field.Clock{Zone: parsetest.Berlin(t)}})
	parsetest.CheckNonsense(t, "ccs2", hybrid)
}

// A position needs both coordinates, and without an offset its time is of the
// region; one unit serves all ranges, one all tires.
func TestOneBadValueCostsItselfOnly(t *testing.T) {
	t.Parallel()
	wide := regexp.MustCompile(`GeoCoord\.(Latitude|Longitude)$|^Location\.Offset$|\.DTE\.(Unit|Total)$|PressureUnit$|^Date$`)
	parsetest.CheckBlame(t, "ccs2", "ccs2_everything_on.json", inBerlin(t), wide)
}

func FuzzCCS2Parse(f *testing.F) {
	for _, body := range parsetest.Fixtures(f, "ccs2") {
		f.Add(body, uint8(vehiclev1.EngineType_ENGINE_TYPE_EV), false)
		f.Add(body, uint8(vehiclev1.EngineType_ENGINE_TYPE_PHEV), true)
	}
	f.Add([]byte(`{"Date":"20250714120509","Drivetrain":{"Odometer":"7","FuelSystem":{"FuelLevel":50,"DTE":{"Unit":3,"Total":1e3,"ICE":9}}}}`), uint8(1), false)
	f.Add([]byte(`{"Chassis":{"Axle":{"Row1":{"Left":{"Tire":{"Pressure":38}}},"Tire":{"PressureUnit":0}}},"Green":{"BatteryManagement":`+
		`{"BatteryRemain":{"Ratio":42.5,"Value":118440}}},"Location":{"GeoCoord":{"Latitude":1,"Longitude":2},"Offset":3,"TimeStamp":`+
		`{"Year":2025,"Mon":7,"Day":14,"Hour":15,"Min":3,"Sec":20}}}`), uint8(2), true)
	zone := parsetest.Berlin(f)
	f.Fuzz(func(t *testing.T, body []byte, engine uint8, right bool) {
		known := ccs2.Known{
			EngineType: vehiclev1.EngineType(engine % 6), Clock: field.Clock{Zone: zone}, RightHandDrive: right, Now: time.Date(2025, 7, 14, 11, 0, 0, 0, time.UTC),
		}
		parsetest.CheckFuzzed(t, body, with(known))
	})
}
