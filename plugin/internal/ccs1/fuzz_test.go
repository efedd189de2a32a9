package ccs1_test

import (
	"regexp"
	"testing"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/ccs1"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/parsetest"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func TestEveryMemberMayBeNonsense(t *testing.T) {
	t.Parallel()
	parsetest.CheckNonsense(t, "eu_ccs1", inBerlin(t))
}

// A position needs both coordinates, an entry for an unknown plug is nobody's, and the
// ranges of an electric car, like the times of a document, stand in for each other.
func TestOneBadValueCostsItselfOnly(t *testing.T) {
	t.Parallel()
	electric := with(ccs1.Known{EngineType: vehiclev1.EngineType_ENGINE_TYPE_EV, Clock: field.Clock{Zone: parsetest.Berlin(t)}})
	parsetest.CheckBlame(t, "eu_ccs1", "ccs1_everything_on.json", electric, regexp.MustCompile(`coord\.(lat|lon)$|plugType$|^vehicleStatus\.time$|drvDistance\.0\.rangeByFuel\.`))
}

func FuzzCCS1Parse(f *testing.F) {
	for _, body := range parsetest.Fixtures(f, "eu_ccs1") {
		f.Add(body)
	}
	f.Add([]byte(`{"odometer":{"value":1e3,"unit":3},"vehicleLocation":{"coord":{"lat":1,"lon":"2"},"head":10,"speed":{"value":1,"unit":2}}}`))
	f.Add([]byte(`{"vehicleStatus":{"fuelLevel":"50","dte":{"value":7,"unit":1},"evStatus":{"batteryStatus":99.5,"drvDistance":[{"rangeByFuel":` +
		`{"totalAvailableRange":{"value":0.04,"unit":2}}}],"reservChargeInfos":{"targetSOClist":[{"plugType":1,"targetSOClevel":100}]}}}}`))
	parser := inBerlin(f)
	f.Fuzz(func(t *testing.T, body []byte) { parsetest.CheckFuzzed(t, body, parser) })
}
