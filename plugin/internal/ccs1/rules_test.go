package ccs1_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/parsetest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// The rules that are CCS1's own; what the encodings mean is tested in field.
func TestRules(t *testing.T) {
	ranges := func(members string) string {
		return inside(evStatus, `{"drvDistance": [{"rangeByFuel": {`+members+`}}]}`)
	}
	targets := func(entries string) string { return inside(reservations+".targetSOClist", `[`+entries+`]`) }
	for name, tc := range map[string]struct {
		body, path string
		want       any
	}{
		"odometer in km":               {inside("odometer", `{"value": 34567.8, "unit": 1}`), "drive.odometer", 34567.8},
		"odometer in miles":            {inside("odometer", `{"value": 100, "unit": 3}`), "drive.odometer", 160.9344},
		"odometer 0 is no data":        {inside("odometer", `{"value": 0, "unit": 1}`), "drive.odometer", nil},
		"odometer of an unknown unit":  {inside("odometer", `{"value": 5, "unit": 9}`), "drive.odometer", nil},
		"doorLock is not inverted":     {inside(vehicleStatus+".doorLock", `true`), "doors.locked", true},
		"doorLock false is unlocked":   {inside(vehicleStatus+".doorLock", `0`), "doors.locked", false},
		"12 V charge":                  {inside(vehicleStatus+".battery.batSoc", `76`), "aux_battery.soc", 76.0},
		"12 V charge of a dead sensor": {inside(vehicleStatus+".battery.batSoc", `255`), "aux_battery.soc", nil},
		"tire warning":                 {inside(vehicleStatus+".tirePressureLamp.tirePressureLampAll", `0`), "tires.any_warning", false},
		"tire warning by its old name": {
			inside(vehicleStatus+".tirePressureLamp.tirePressureWarningLampAll", `1`), "tires.any_warning", true,
		},
		"tire warning by both names": {
			inside(vehicleStatus+".tirePressureLamp", `{"tirePressureLampAll": 0, "tirePressureWarningLampAll": 1}`), "tires.any_warning", false,
		},

		"window open":                           {inside(vehicleStatus+".windowOpen.backLeft", `1`), "windows.rear_left_vented", nil},
		"window vented":                         {inside(vehicleStatus+".windowOpen.backLeft", `2`), "windows.rear_left_vented", true},
		"window vented is open":                 {inside(vehicleStatus+".windowOpen.backLeft", `2`), "windows.rear_left_open", true},
		"window of a truth value":               {inside(vehicleStatus+".windowOpen.backLeft", `true`), "windows.rear_left_vented", nil},
		"unplugged":                             {inside(evStatus+".batteryPlugin", `0`), "charging.plugged_in", false},
		"unplugged code":                        {inside(evStatus+".batteryPlugin", `0`), "charging.connector_code", int64(0)},
		"plugged in, whatever plug":             {inside(evStatus+".batteryPlugin", `3`), "charging.plugged_in", true},
		"plug as a word":                        {inside(evStatus+".batteryPlugin", `"cable"`), "charging.plugged_in", nil},
		"no power as far as one can read":       {inside(evStatus+".batteryPower", `{"batteryStndChrgPower": "?", "batteryFstChrgPower": 0}`), "charging.power", nil},
		"power of the readable figure":          {inside(evStatus+".batteryPower", `{"batteryStndChrgPower": "?", "batteryFstChrgPower": 50}`), "charging.power", 50.0},
		"days of which one is not understood":   {inside(reservations+".reservChargeInfo.reservChargeInfoDetail.reservInfo.day", `[1, "?", 3]`), "schedule.departure1_days", nil},
		"afternoon that is not understood":      {inside(reservations+".reservChargeInfo.reservChargeInfoDetail.reservInfo.time", `{"time": "0715", "timeSection": "?"}`), "schedule.departure1_time", nil},
		"charge port open":                      {inside(evStatus+".chargePortDoorOpenStatus", `1`), "charging.port_open", true},
		"charge port closed":                    {inside(evStatus+".chargePortDoorOpenStatus", `2`), "charging.port_open", false},
		"charge port 0 says nothing":            {inside(evStatus+".chargePortDoorOpenStatus", `0`), "charging.port_open", nil},
		"charge port 3 says nothing":            {inside(evStatus+".chargePortDoorOpenStatus", `3`), "charging.port_open", nil},
		"time not available":                    {inside(evStatus+".remainTime2.etc1.value", `65535`), "charging.time_dc", nil},
		"power on AC":                           {inside(evStatus+".batteryPower", `{"batteryStndChrgPower": 10.9, "batteryFstChrgPower": 0}`), "charging.power", 10.9},
		"power on DC":                           {inside(evStatus+".batteryPower", `{"batteryStndChrgPower": 0, "batteryFstChrgPower": 77.5}`), "charging.power", 77.5},
		"power of one figure":                   {inside(evStatus+".batteryPower", `{"batteryFstChrgPower": 50}`), "charging.power", 50.0},
		"no power is a reading":                 {inside(evStatus+".batteryPower", `{"batteryStndChrgPower": 0}`), "charging.power", 0.0},
		"power without a figure":                {inside(evStatus+".batteryPower", `{"batteryStndChrgPower": "?"}`), "charging.power", nil},
		"limit by plug, not by place":           {targets(`{"plugType": 1, "targetSOClevel": 90}, {"plugType": 0, "targetSOClevel": 80}`), "charging.limit_ac", 90.0},
		"DC limit in second place":              {targets(`{"plugType": 1, "targetSOClevel": 90}, {"plugType": 0, "targetSOClevel": 80}`), "charging.limit_dc", 80.0},
		"last limit is not understood":          {targets(`{"plugType": 1, "targetSOClevel": 60}, {"plugType": 1, "targetSOClevel": "most"}`), "charging.limit_ac", nil},
		"last limit of a plug wins":             {targets(`{"plugType": 1, "targetSOClevel": 60}, {"plugType": 1, "targetSOClevel": 70}`), "charging.limit_ac", 70.0},
		"limit of a repeated plug that has one": {targets(`{"plugType": 1, "targetSOClevel": 60}, {"plugType": 1, "dte": {}}`), "charging.limit_ac", 60.0},
		"range of a repeated plug that has one": {
			targets(`{"plugType": 1, "targetSOClevel": 60, "dte": {"rangeByFuel": {"totalAvailableRange": {"value": 200, "unit": 1}}}}, {"plugType": 1, "targetSOClevel": 70}`), "range.at_limit_ac", 200.0,
		},
		"limit beside the range of another entry": {
			targets(`{"plugType": 1, "dte": {"rangeByFuel": {"totalAvailableRange": {"value": 200, "unit": 1}}}}, {"plugType": 1, "targetSOClevel": 70}`), "charging.limit_ac", 70.0,
		},
		"last range of a plug wins": {
			targets(`{"plugType": 0, "dte": {"rangeByFuel": {"totalAvailableRange": {"value": 200, "unit": 1}}}}, {"plugType": 0, "dte": {"rangeByFuel": {"totalAvailableRange": {"value": 210, "unit": 1}}}}`), "range.at_limit_dc", 210.0,
		},
		"limit without a plug":    {targets(`{"targetSOClevel": 60}, {"plugType": 7, "targetSOClevel": 70}`), "charging.limit_dc", nil},
		"limits that are no list": {inside(reservations+".targetSOClist", `{"plugType": 1}`), "charging.limit_ac", nil},
		"range at the limit in miles": {
			targets(`{"plugType": 0, "dte": {"rangeByFuel": {"totalAvailableRange": {"value": 100, "unit": 2}}}}`), "range.at_limit_dc", 160.9344,
		},

		"total range keeps its fraction":    {ranges(`"totalAvailableRange": {"value": 287.4499, "unit": 1}`), "range.total", 287.4499},
		"in miles as well, as the electric": {ranges(`"totalAvailableRange": {"value": 192.48, "unit": 3}`), "range.total", 192.48 * field.KilometersPerMile},
		"total range 0":                     {ranges(`"totalAvailableRange": {"value": 0, "unit": 1}`), "range.total", 0.0},
		"total range of an unknown unit":    {ranges(`"totalAvailableRange": {"value": 201.5, "unit": 9}`), "range.total", nil},
		"total range below 0":               {ranges(`"totalAvailableRange": {"value": -5, "unit": 1}`), "range.total", nil},
		"electric range keeps its fraction": {ranges(`"evModeRange": {"value": 287.4499, "unit": 1}`), "range.electric", 287.4499},
		"fuel range":                        {ranges(`"gasModeRange": {"value": 400, "unit": 1}`), "range.fuel", 400.0},
		"fuel range 0 of a plug-in":         {ranges(`"gasModeRange": {"value": 0, "unit": 1}`), "range.fuel", 0.0},
		"range of an unknown energy":        {inside(vehicleStatus+".dte", `{"value": 612, "unit": 1}`), "range.total", 612.0},
		"which is no fuel range":            {inside(vehicleStatus+".dte", `{"value": 612, "unit": 1}`), "range.fuel", nil},
		"no reading of a range":             {ranges(`"totalAvailableRange": {"value": 0, "unit": 0}`), "range.total", nil},
		"limit 0 is no reading":             {targets(`{"plugType": 1, "targetSOClevel": 0}`), "charging.limit_ac", nil},
		"range 0 at a limit is no reading":  {targets(`{"plugType": 1, "dte": {"rangeByFuel": {"totalAvailableRange": {"value": 0, "unit": 1}}}}`), "range.at_limit_ac", nil},
		"lowest temperature while off":      {inside(vehicleStatus, `{"airCtrlOn": false, "airTemp": {"value": "02H", "unit": 0}}`), "climate.set_temperature", nil},
		"lowest one of another model":       {inside(vehicleStatus, `{"airCtrlOn": 0, "airTemp": {"value": "06H", "unit": 0}}`), "climate.set_temperature", nil},
		"lowest temperature while on":       {inside(vehicleStatus, `{"airCtrlOn": true, "airTemp": {"value": "02H", "unit": 0}}`), "climate.set_temperature", 15.0},
		"another temperature while off":     {inside(vehicleStatus, `{"airCtrlOn": false, "airTemp": {"value": "07H", "unit": 0}}`), "climate.set_temperature", 17.5},
		"odometer that no car reaches":      {inside("odometer", `{"value": 16777215, "unit": 1}`), "drive.odometer", nil},
		"no fuel range on an electric car":  {inside(vehicleStatus+".dte", `{"value": 0, "unit": 1}`), "range.fuel", nil},

		"clock in the afternoon":                  {inside(reservations+".offpeakPowerInfo.offPeakPowerTime1.starttime", `{"time": "1130", "timeSection": 1}`), "schedule.off_peak_start", shared.TimeOfDay(1410)},
		"clock that is unset":                     {inside(reservations+".offpeakPowerInfo.offPeakPowerTime1.endtime", `{"time": "0", "timeSection": 1}`), "schedule.off_peak_end", nil},
		"off-peak only":                           {inside(reservations+".offpeakPowerInfo.offPeakPowerFlag", `1`), "schedule.off_peak_only", true},
		"off-peak preferred":                      {inside(reservations+".offpeakPowerInfo.offPeakPowerFlag", `2`), "schedule.off_peak_only", false},
		"off-peak unknown":                        {inside(reservations+".offpeakPowerInfo.offPeakPowerFlag", `0`), "schedule.off_peak_only", nil},
		"off-peak word":                           {inside(reservations+".offpeakPowerInfo.offPeakPowerFlag", `"only"`), "schedule.off_peak_only", nil},
		"days in the order given":                 {inside(reservations+".reservChargeInfo.reservChargeInfoDetail.reservInfo.day", `[6, 0]`), "schedule.departure1_days", []string{"saturday", "sunday"}},
		"9 is no day, but known":                  {inside(reservations+".reservChargeInfo.reservChargeInfoDetail.reservInfo.day", `[9]`), "schedule.departure1_days", []string{}},
		"days as a word":                          {inside(reservations+".reservChargeInfo.reservChargeInfoDetail.reservInfo.day", `"all"`), "schedule.departure1_days", nil},
		"second departure, with an e":             {inside(reservations+".reserveChargeInfo2.reservChargeInfoDetail.reservChargeSet", `true`), "schedule.departure2_enabled", true},
		"second one without the e":                {inside(reservations+".reservChargeInfo2.reservChargeInfoDetail.reservChargeSet", `true`), "schedule.departure2_enabled", nil},
		"temperature code of a car that shows °F": {inside(vehicleStatus+".airTemp", `{"value": "0EH", "unit": 1}`), "climate.set_temperature", 21.0},
		"fuel level 0 is passed on as sent":       {inside(vehicleStatus+".fuelLevel", `0`), "fuel.level", 0.0},
		"temperature of a departure":              {inside(reservations+".reservChargeInfo.reservChargeInfoDetail.reservFatcSet.airTemp", `{"value": "06H", "unit": 0}`), "schedule.departure1_climate_temperature", 17.0},
	} {
		t.Run(name, func(t *testing.T) {
			parsetest.AssertValue(t, tc.want, parse(t, tc.body), tc.path)
		})
	}
}

// TestFlags turns on one flag after the other: each must reach its own
// attribute, and no other one.
func TestFlags(t *testing.T) {
	for path, want := range map[string]string{
		"engine":                          "drive.running",
		"acc":                             "drive.accessory_on",
		"ign3":                            "drive.ignition3_on",
		"transCond":                       "drive.transmission_flag",
		"sleepModeCheck":                  "drive.telematics_asleep",
		"remoteIgnition":                  "drive.remote_start_on",
		"airCtrlOn":                       "climate.on",
		"defrost":                         "climate.defrost_on",
		"steerWheelHeat":                  "climate.steering_wheel_heat_on",
		"sideBackWindowHeat":              "climate.rear_window_heat_on",
		"sideMirrorHeat":                  "climate.mirror_heat_on",
		"doorLock":                        "doors.locked",
		"doorOpen.frontLeft":              "doors.front_left_open",
		"doorOpen.frontRight":             "doors.front_right_open",
		"doorOpen.backLeft":               "doors.rear_left_open",
		"doorOpen.backRight":              "doors.rear_right_open",
		"trunkOpen":                       "doors.trunk_open",
		"hoodOpen":                        "doors.hood_open",
		"windowOpen.frontLeft":            "windows.front_left_open",
		"windowOpen.frontRight":           "windows.front_right_open",
		"windowOpen.backLeft":             "windows.rear_left_open",
		"windowOpen.backRight":            "windows.rear_right_open",
		"sunroofOpen":                     "windows.sunroof_open",
		"smartKeyBatteryWarning":          "aux_battery.key_battery_low",
		"washerFluidStatus":               "fluids.washer_low",
		"breakOilStatus":                  "fluids.brake_warning",
		"lowFuelLight":                    "fuel.low",
		"evStatus.batteryCharge":          "charging.charging",
		"evStatus.batteryPreconditioning": "battery.preconditioning_enabled",

		"tirePressureLamp.tirePressureLampAll": "tires.any_warning",
		"tirePressureLamp.tirePressureLampFL":  "tires.front_left_warning",
		"tirePressureLamp.tirePressureLampFR":  "tires.front_right_warning",
		"tirePressureLamp.tirePressureLampRL":  "tires.rear_left_warning",
		"tirePressureLamp.tirePressureLampRR":  "tires.rear_right_warning",

		"lampWireStatus.headLamp.headLampStatus":       "lamps.headlamp_system_fault",
		"lampWireStatus.headLamp.leftLowLamp":          "lamps.low_beam_left_fault",
		"lampWireStatus.headLamp.rightLowLamp":         "lamps.low_beam_right_fault",
		"lampWireStatus.headLamp.leftHighLamp":         "lamps.high_beam_left_fault",
		"lampWireStatus.headLamp.rightHighLamp":        "lamps.high_beam_right_fault",
		"lampWireStatus.headLamp.leftBifuncLamp":       "lamps.bifunctional_left_fault",
		"lampWireStatus.headLamp.rightBifuncLamp":      "lamps.bifunctional_right_fault",
		"lampWireStatus.stopLamp.leftLamp":             "lamps.stop_left_fault",
		"lampWireStatus.stopLamp.rightLamp":            "lamps.stop_right_fault",
		"lampWireStatus.turnSignalLamp.leftFrontLamp":  "lamps.turn_front_left_fault",
		"lampWireStatus.turnSignalLamp.rightFrontLamp": "lamps.turn_front_right_fault",
		"lampWireStatus.turnSignalLamp.leftRearLamp":   "lamps.turn_rear_left_fault",
		"lampWireStatus.turnSignalLamp.rightRearLamp":  "lamps.turn_rear_right_fault",

		"evStatus.reservChargeInfos.reservFlag":                                                      "schedule.charging_enabled",
		"evStatus.reservChargeInfos.reservChargeInfo.reservChargeInfoDetail.reservChargeSet":         "schedule.departure1_enabled",
		"evStatus.reservChargeInfos.reservChargeInfo.reservChargeInfoDetail.reservFatcSet.airCtrl":   "schedule.departure1_climate_enabled",
		"evStatus.reservChargeInfos.reservChargeInfo.reservChargeInfoDetail.reservFatcSet.defrost":   "schedule.departure1_climate_defrost",
		"evStatus.reservChargeInfos.reserveChargeInfo2.reservChargeInfoDetail.reservChargeSet":       "schedule.departure2_enabled",
		"evStatus.reservChargeInfos.reserveChargeInfo2.reservChargeInfoDetail.reservFatcSet.airCtrl": "schedule.departure2_climate_enabled",
		"evStatus.reservChargeInfos.reserveChargeInfo2.reservChargeInfoDetail.reservFatcSet.defrost": "schedule.departure2_climate_defrost",
	} {
		t.Run(want, func(t *testing.T) {
			parsetest.AssertFlag(t, inBerlin(t), vehicleStatus+"."+path, want)
		})
	}
}

// TestMeasures does the same for what is more than a flag.
func TestMeasures(t *testing.T) {
	for path, want := range map[string]map[string]any{
		"battery.batSoc":                      {"aux_battery.soc": 1.0},
		"fuelLevel":                           {"fuel.level": 1.0},
		"evStatus.batteryStatus":              {"battery.soc": 1.0},
		"evStatus.batterySoh":                 {"battery.soh": 1.0},
		"evStatus.remainTime2.atc.value":      {"charging.time_to_limit": 1.0},
		"evStatus.remainTime2.etc1.value":     {"charging.time_dc": 1.0},
		"evStatus.remainTime2.etc2.value":     {"charging.time_portable": 1.0},
		"evStatus.remainTime2.etc3.value":     {"charging.time_ac": 1.0},
		"dte.value":                           {"range.total": 1.0},
		"seatHeaterVentState.flSeatHeatState": {"seats.front_left": shared.Choice{Word: "On", Number: 2}},
		"seatHeaterVentState.frSeatHeatState": {"seats.front_right": shared.Choice{Word: "On", Number: 2}},
		"seatHeaterVentState.rlSeatHeatState": {"seats.rear_left": shared.Choice{Word: "On", Number: 2}},
		"seatHeaterVentState.rrSeatHeatState": {"seats.rear_right": shared.Choice{Word: "On", Number: 2}},
	} {
		t.Run(path, func(t *testing.T) {
			assert.Equal(t, want, parsetest.Values(parse(t, inside(vehicleStatus+"."+path, `1`))))
		})
	}
}
