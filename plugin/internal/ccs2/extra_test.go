package ccs2_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/parsetest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

func TestExtra(t *testing.T) {
	for name, tc := range map[string]struct {
		body, key string
		want      any
	}{
		"in park":                 {inside("Drivetrain.Transmission.ParkingPosition", `1`), "in_park", true},
		"out of park":             {inside("Drivetrain.Transmission.ParkingPosition", `0`), "in_park", false},
		"ignition 1":              {inside("Electronics.PowerSupply.Ignition1", `1`), "ignition1_on", true},
		"12 V cut-off":            {inside("Electronics.AutoCut.BatteryPreWarning", `1`), "aux_battery_cutoff_warning", true},
		"windscreen":              {inside("Body.Windshield.Front.Heat.State", `1`), "windshield_heat_on", true},
		"hazard lamps":            {inside("Body.Lights.Hazard.Alert", `true`), "hazard_lamps_on", true},
		"tail lamps":              {inside("Body.Lights.TailLamp.Alert", `0`), "tail_lamps_on", false},
		"conditioning":            {inside(batteryManagement+".BatteryConditioning", `1`), "battery_conditioning_on", true},
		"V2L time":                {inside("Green.Electric.SmartGrid.VehicleToLoad.DischargeLimitation.RemainTime", `"90"`), "v2l_time_remaining", 90.0},
		"V2L time not available":  {inside("Green.Electric.SmartGrid.VehicleToLoad.DischargeLimitation.RemainTime", `65535`), "v2l_time_remaining", nil},
		"V2L range":               {inside("Green.Electric.SmartGrid.VehicleToLoad.DischargeLimitation.DTE", `94`), "v2l_range", 94.0},
		"V2L range in miles":      {`{"Green": {"Electric": {"SmartGrid": {"VehicleToLoad": {"DischargeLimitation": {"DTE": 100}}}}}, "Drivetrain": {"FuelSystem": {"DTE": {"Unit": 3}}}}`, "v2l_range", 160.9344},
		"alarm before the end":    {inside(chargingInfo+".Setting.CompleteAlarm", `{"Off": 0, "Before10min": 1}`), "charge_alarm_10min", true},
		"no such alarm":           {inside(chargingInfo+".Setting.CompleteAlarm", `{"Off": 0, "Before20min": 0}`), "charge_alarm_20min", false},
		"an alarm not told":       {inside(chargingInfo+".Setting.CompleteAlarm", `{"Off": 1}`), "charge_alarm_30min", nil},
		"planned start":           {inside(chargingInfo+".ExpectedTime", `{"StartDay": 3, "StartHour": 1, "StartMin": 5}`), "planned_charge_start", "01:05"},
		"planned end":             {inside(chargingInfo+".ExpectedTime", `{"EndHour": 23, "EndMin": 59}`), "planned_charge_end", "23:59"},
		"nothing planned":         {inside(chargingInfo+".ExpectedTime", `{"StartDay": 7, "StartHour": 31, "StartMin": 63}`), "planned_charge_start", nil},
		"remote service":          {inside("Service.ConnectedCar.RemoteControl.Available", `1`), "remote_service_available", true},
		"remote service time":     {inside("Service.ConnectedCar.RemoteControl.WaitingTime", `336`), "remote_service_hours", 336.0},
		"remote service nonsense": {inside("Service.ConnectedCar.RemoteControl.WaitingTime", `-1`), "remote_service_hours", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]any{}
			for a, v := range shared.Values(parse(t, tc.body)) {
				if key, ok := strings.CutPrefix(a.Path, "extra."); ok {
					got[key] = v
					assert.Equal(t, "extra/"+key, a.Info.GetTopic())
					assert.True(t, a.Info.GetDiagnostic() && a.Info.GetRetained())
					assert.NotZero(t, a.Info.GetQuantity())
					assert.NotEmpty(t, a.Info.GetName())
				}
			}
			if tc.want == nil {
				assert.Empty(t, got)
				return
			}
			assert.Len(t, got, 1, "and no other")
			if number, ok := tc.want.(float64); ok {
				assert.InDelta(t, number, got[tc.key], 1e-9)
				return
			}
			assert.Equal(t, tc.want, got[tc.key])
		})
	}
}

// Sentinels and missing values are no word in the report, the rest is.
func TestReportOfCodes(t *testing.T) {
	for body, paths := range map[string][]string{
		inside("Green.Reservation.OffPeakTime.Mode", `1`):                       {},
		inside("Green.Reservation.OffPeakTime.Mode", `4`):                       {"Green.Reservation.OffPeakTime.Mode"},
		inside("Green.ChargingDoor.State", `3`):                                 {"Green.ChargingDoor.State"},
		inside(chargingInfo+".ElectricCurrentLevel.State", `0`):                 {},
		inside(chargingInfo+".ElectricCurrentLevel.State", `4`):                 {chargingInfo + ".ElectricCurrentLevel.State"},
		inside(batteryManagement+".BatteryPreCondition.Status", `6`):            {},
		inside(batteryManagement+".BatteryPreCondition.Status", `5`):            {batteryManagement + ".BatteryPreCondition.Status"},
		inside("Drivetrain.FuelSystem.DTE", `{"ICE": 4294967295, "Unit": 1}`):   {},
		inside("Drivetrain.Odometer", `-1`):                                     {"Drivetrain.Odometer"},
		inside("Electronics.Battery", `{"Level": 255, "SensorReliability": 1}`): {},
		inside("Electronics.Battery", `{"Level": 101}`):                         {"Electronics.Battery.Level"},
		inside("Chassis.Axle.Tire.PressureUnit", `3`):                           {},
		inside("Chassis.Axle.Tire.PressureUnit", `4`):                           {"Chassis.Axle.Tire.PressureUnit"},
		inside("Location.GeoCoord", `{"Latitude": 0, "Longitude": 0}`):          {},
		inside("Location.GeoCoord", `{"Latitude": 91, "Longitude": 0}`):         {"Location.GeoCoord.Latitude"},
		`{"Location": {"GeoCoord": {"Latitude": 1, "Longitude": 2}, "TimeStamp": {"Year": 2025, "Mon": 13, "Day": 1, "Hour": 1, "Min": 1, "Sec": 1}}}`: {"Location.TimeStamp"},
		`{"Green": null, "Cabin": {}, "Body": {"Lights": null}}`: {},
		`{"Green": [], "Cabin": "x"}`:                            {"Green", "Cabin"},
	} {
		parsetest.AssertRejected(t, inBerlin(t), body, paths...)
	}
}
