package ccs2_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/parsetest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// The rules that are CCS2's own; what the encodings mean is tested in field.
func TestRules(t *testing.T) {
	charging := func(members string) string { return inside(chargingInfo, `{`+members+`}`) }
	const plugged, unplugged = `"ConnectorFastening": {"State": 2}`, `"ConnectorFastening": {"State": 0}`
	remaining := func(minutes string) string { return `"Charging": {"RemainTime": ` + minutes + `}` }
	peakMode := func(mode string) string { return inside(reservation+".OffPeakTime.Mode", mode) }
	days := func(flags string) string { return inside(reservation+".Departure.Schedule1", `{`+flags+`}`) }
	for name, tc := range map[string]struct {
		body, path string
		want       any
	}{
		"charging: time left and plugged in":     {charging(plugged + `, ` + remaining(`95`)), "charging.charging", true},
		"charging: time left, plug unknown":      {charging(remaining(`95`)), "charging.charging", true},
		"charging: time left, but unplugged":     {charging(unplugged + `, ` + remaining(`95`)), "charging.charging", false},
		"charging: no time left":                 {charging(plugged + `, ` + remaining(`0`)), "charging.charging", false},
		"charging: time is a word":               {charging(plugged + `, ` + remaining(`"soon"`)), "charging.charging", nil},
		"charging: time not available":           {charging(plugged + `, ` + remaining(`65535`)), "charging.charging", nil},
		"charging: only a plug":                  {charging(plugged), "charging.charging", nil},
		"plugged in":                             {charging(plugged), "charging.plugged_in", true},
		"unplugged":                              {charging(unplugged), "charging.plugged_in", false},
		"connector code":                         {charging(plugged), "charging.connector_code", int64(2)},
		"plug unknown":                           {charging(remaining(`95`)), "charging.plugged_in", nil},
		"charge port open":                       {inside("Green.ChargingDoor.State", `1`), "charging.port_open", true},
		"charge port closed":                     {inside("Green.ChargingDoor.State", `2`), "charging.port_open", false},
		"charge port closed by the other code":   {inside("Green.ChargingDoor.State", `0`), "charging.port_open", false},
		"charge port of an unknown code":         {inside("Green.ChargingDoor.State", `3`), "charging.port_open", nil},
		"full charging current":                  {charging(`"ElectricCurrentLevel": {"State": 1}`), "charging.current_limit", 100.0},
		"reduced charging current":               {charging(`"ElectricCurrentLevel": {"State": 2}`), "charging.current_limit", 90.0},
		"smallest charging current":              {charging(`"ElectricCurrentLevel": {"State": 3}`), "charging.current_limit", 60.0},
		"no charging current set":                {charging(`"ElectricCurrentLevel": {"State": 0}`), "charging.current_limit", nil},
		"range at the AC limit in miles":         {`{"Green": {"ChargingInformation": {"DTE": {"TargetSoC": {"Standard": 100}}}}, "Drivetrain": {"FuelSystem": {"DTE": {"Unit": 3}}}}`, "range.at_limit_ac", 160.9344},
		"range at the DC limit":                  {charging(`"DTE": {"TargetSoC": {"Quick": 356}}`), "range.at_limit_dc", 356.0},
		"energy in kJ":                           {inside(batteryManagement+".BatteryRemain.Value", `220356`), "battery.energy", 61.21},
		"position of latitude 0":                 {inside("Location.GeoCoord", `{"Latitude": 0, "Longitude": 11.5}`), "location.longitude", nil},
		"12 V charge":                            {inside("Electronics.Battery", `{"Level": 91, "SensorReliability": 0}`), "aux_battery.soc", 91.0},
		"12 V charge without a word of trust":    {inside("Electronics.Battery.Level", `91`), "aux_battery.soc", 91.0},
		"12 V charge that cannot be trusted":     {inside("Electronics.Battery", `{"Level": 91, "SensorReliability": 1}`), "aux_battery.soc", nil},
		"12 V charge of a dead sensor":           {inside("Electronics.Battery.Level", `255`), "aux_battery.soc", nil},
		"odometer":                               {inside("Drivetrain.Odometer", `45678.9`), "drive.odometer", 45678.9},
		"odometer stays km in miles":             {inside("Drivetrain", `{"Odometer": 100, "FuelSystem": {"DTE": {"Unit": 3}}}`), "drive.odometer", 100.0},
		"odometer below 0":                       {inside("Drivetrain.Odometer", `-1`), "drive.odometer", nil},
		"drive ready at the top":                 {`{"DrivingReady": 0, "Drivetrain": {"DrivingReady": 1}}`, "drive.running", false},
		"drive ready in the drivetrain":          {inside("Drivetrain.DrivingReady", `1`), "drive.running", true},
		"drive ready in green":                   {inside("Green.DrivingReady", `1`), "drive.running", true},
		"asleep":                                 {inside("RemoteControl.SleepMode", `1`), "drive.telematics_asleep", true},
		"asleep, in service":                     {inside("Service.RemoteControl.SleepMode", `1`), "drive.telematics_asleep", true},
		"drive mode":                             {inside("Chassis.DrivingMode.State", `" Sport "`), "drive.mode", "Sport"},
		"drive mode without a name":              {inside("Chassis.DrivingMode.State", `""`), "drive.mode", nil},
		"window open":                            {inside("Cabin.Window.Row2.Left", `{"Open": 1, "OpenLevel": 0}`), "windows.rear_left_open", true},
		"window vented":                          {inside("Cabin.Window.Row2.Left", `{"Open": 0, "OpenLevel": 1}`), "windows.rear_left_open", true},
		"window vented by a gap":                 {inside("Cabin.Window.Row2.Left", `{"Open": 0, "OpenLevel": 1}`), "windows.rear_left_vented", true},
		"window open is not vented":              {inside("Cabin.Window.Row2.Left", `{"Open": 1, "OpenLevel": 2}`), "windows.rear_left_vented", nil},
		"window vented is not told":              {inside("Cabin.Window.Row2.Left", `{"OpenLevel": 2}`), "windows.rear_left_vented", nil},
		"window closed":                          {inside("Cabin.Window.Row2.Left", `{"Open": 0, "OpenLevel": 0}`), "windows.rear_left_open", false},
		"window by its level alone":              {inside("Cabin.Window.Row2.Left", `{"OpenLevel": "2"}`), "windows.rear_left_open", true},
		"window unknown":                         {inside("Cabin.Window.Row2.Left", `{"Open": null, "OpenLevel": "half"}`), "windows.rear_left_open", nil},
		"climate by its blower":                  {inside(hvac+".Row1.Driver.Blower.SpeedLevel", `4`), "climate.on", true},
		"climate off":                            {inside(hvac+".Row1.Driver.Blower.SpeedLevel", `0`), "climate.on", false},
		"lowest temperature while off":           {inside(hvac+".Row1.Driver", `{"Temperature": {"Value": "15.0", "Unit": 0}, "Blower": {"SpeedLevel": 0}}`), "climate.set_temperature", nil},
		"lowest temperature while on":            {inside(hvac+".Row1.Driver", `{"Temperature": {"Value": "15.0", "Unit": 0}, "Blower": {"SpeedLevel": 1}}`), "climate.set_temperature", 15.0},
		"another temperature while off":          {inside(hvac+".Row1.Driver", `{"Temperature": {"Value": "17.5", "Unit": 0}, "Blower": {"SpeedLevel": 0}}`), "climate.set_temperature", 17.5},
		"charge limit 0 is no reading":           {inside("Green.ChargingInformation.TargetSoC", `{"Standard": 0, "Quick": 80}`), "charging.limit_ac", nil},
		"range 0 at a limit is no reading":       {inside("Green.ChargingInformation.DTE.TargetSoC", `{"Standard": 0}`), "range.at_limit_ac", nil},
		"odometer 0 is no reading":               {inside("Drivetrain", `{"Odometer": 0}`), "drive.odometer", nil},
		"odometer that no car reaches":           {inside("Drivetrain", `{"Odometer": 4294967295}`), "drive.odometer", nil},
		"set temperature OFF":                    {inside(hvac+".Row1.Driver.Temperature", `{"Value": "OFF", "Unit": 0}`), "climate.set_temperature", nil},
		"set temperature in °F":                  {inside(hvac+".Row1.Driver.Temperature", `{"Value": "68", "Unit": 1}`), "climate.set_temperature", 20.0},
		"outside temperature":                    {inside(hvac+".OutsideTemperature", `{"Value": -3.5, "Unit": 0}`), "climate.outside_temperature", -3.5},
		"temperature of an unknown unit":         {inside(hvac+".Row1.Driver.Temperature", `{"Value": "21.0", "Unit": 7}`), "climate.set_temperature", nil},
		"tire pressure in bar":                   {inside("Chassis.Axle", `{"Row2": {"Right": {"Tire": {"Pressure": 24}}}, "Tire": {"PressureUnit": 2}}`), "tires.rear_right_pressure", 240.0},
		"tire pressure of indirect monitoring":   {inside("Chassis.Axle", `{"Row1": {"Left": {"Tire": {"Pressure": 38}}}, "Tire": {"PressureUnit": 3}}`), "tires.front_left_pressure", nil},
		"scheduled charging off":                 {peakMode(`0`), "schedule.charging_enabled", false},
		"scheduled charging preferred":           {peakMode(`2`), "schedule.charging_enabled", true},
		"scheduled charging only":                {peakMode(`3`), "schedule.charging_enabled", true},
		"scheduled charging of mode 1":           {peakMode(`1`), "schedule.charging_enabled", nil},
		"scheduled charging of no mode":          {peakMode(`null`), "schedule.charging_enabled", nil},
		"scheduled charging of a word":           {peakMode(`"?"`), "schedule.charging_enabled", nil},
		"scheduled charging of an object":        {peakMode(`{}`), "schedule.charging_enabled", nil},
		"off-peak without a schedule":            {peakMode(`0`), "schedule.off_peak_only", nil},
		"off-peak preferred":                     {peakMode(`2`), "schedule.off_peak_only", false},
		"off-peak only":                          {peakMode(`3`), "schedule.off_peak_only", true},
		"off-peak start":                         {inside(reservation+".OffPeakTime", `{"StartHour": 22, "StartMin": 30}`), "schedule.off_peak_start", shared.TimeOfDay(1350)},
		"off-peak end that is unset":             {inside(reservation+".OffPeakTime", `{"EndHour": 31, "EndMin": 70}`), "schedule.off_peak_end", nil},
		"days of a departure":                    {days(`"Sun": 1, "Mon": 0, "Tue": null, "Sat": true`), "schedule.departure1_days", []string{"sunday", "saturday"}},
		"days of which one is not understood":    {days(`"Sun": 1, "Mon": 0, "Tue": "?", "Sat": true`), "schedule.departure1_days", nil},
		"window closed as far as one can read":   {inside("Cabin.Window.Row2.Left", `{"Open": 0, "OpenLevel": "half"}`), "windows.rear_left_open", nil},
		"window open as far as one can read":     {inside("Cabin.Window.Row2.Left", `{"Open": 1, "OpenLevel": "half"}`), "windows.rear_left_open", true},
		"departure time":                         {days(`"Hour": 7, "Min": 5`), "schedule.departure1_time", shared.TimeOfDay(425)},
		"departure time that is unset":           {days(`"Hour": 31, "Min": 70`), "schedule.departure1_time", nil},
		"second climate of its own":              {inside(reservation+".Departure.Schedule2", `{"Activation": 0, "Climate": {"Activation": 1}}`), "schedule.departure2_climate_enabled", true},
		"second climate by the short path":       {inside(reservation+".Departure.Schedule2.Activation", `1`), "schedule.departure2_climate_enabled", true},
		"climate of the first departure":         {inside(reservation+".Departure.Climate", `{"Temperature": "17.0", "TemperatureUnit": 0}`), "schedule.departure1_climate_temperature", 17.0},
		"climate of the second departure":        {inside(reservation+".Departure.Schedule2.Climate", `{"Temperature": "75.2", "TemperatureUnit": 1}`), "schedule.departure2_climate_temperature", 24.0},
		"heading":                                {inside("Location", `{"GeoCoord": {"Latitude": 1, "Longitude": 2}, "Heading": 360}`), "location.heading", 360.0},
		"heading beyond the circle":              {inside("Location", `{"GeoCoord": {"Latitude": 1, "Longitude": 2}, "Heading": 361}`), "location.heading", nil},
		"speed in miles":                         {inside("Location", `{"GeoCoord": {"Latitude": 1, "Longitude": 2}, "Speed": {"Value": 10, "Unit": 3}}`), "location.speed", 16.09344},
		"altitude":                               {inside("Location.GeoCoord", `{"Latitude": 1, "Longitude": 2, "Altitude": -3}`), "location.altitude", -3.0},
		"position without a longitude":           {inside("Location.GeoCoord", `{"Latitude": 1, "Altitude": 3}`), "location.latitude", nil},
		"altitude of a position without a fix":   {inside("Location.GeoCoord", `{"Latitude": 0, "Longitude": 0, "Altitude": 3}`), "location.altitude", nil},
		"three-state heater 2 is off":            {inside("Cabin.SteeringWheel.Heat.State", `2`), "climate.steering_wheel_heat_on", false},
		"three-state heater 3 says nothing":      {inside("Body.Windshield.Rear.Defog.State", `3`), "climate.rear_window_heat_on", nil},
		"seat of an unknown code":                {inside("Cabin.Seat.Row1.Driver.Climate.State", `15`), "seats.front_left", nil},
		"fuel level 0 is passed on as sent":      {inside("Drivetrain.FuelSystem.FuelLevel", `0`), "fuel.level", 0.0},
		"state of health 0 is passed on as sent": {inside(batteryManagement+".SoH.Ratio", `0`), "battery.soh", 0.0},
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
		"Body.Trunk.Open":                                       "doors.trunk_open",
		"Body.Hood.Open":                                        "doors.hood_open",
		"Body.Sunroof.Glass.Open":                               "windows.sunroof_open",
		"Body.Windshield.Front.Defog.State":                     "climate.defrost_on",
		"Body.Windshield.Rear.Defog.State":                      "climate.rear_window_heat_on",
		"Body.Windshield.Front.WasherFluid.LevelLow":            "fluids.washer_low",
		"Body.Lights.Front.HeadLamp.SystemWarning":              "lamps.headlamp_system_fault",
		"Body.Lights.Front.Left.Low.Warning":                    "lamps.low_beam_left_fault",
		"Body.Lights.Front.Right.Low.Warning":                   "lamps.low_beam_right_fault",
		"Body.Lights.Front.Left.High.Warning":                   "lamps.high_beam_left_fault",
		"Body.Lights.Front.Right.High.Warning":                  "lamps.high_beam_right_fault",
		"Body.Lights.Front.Left.TurnSignal.Warning":             "lamps.turn_front_left_fault",
		"Body.Lights.Front.Right.TurnSignal.Warning":            "lamps.turn_front_right_fault",
		"Body.Lights.Rear.Left.TurnSignal.Warning":              "lamps.turn_rear_left_fault",
		"Body.Lights.Rear.Right.TurnSignal.Warning":             "lamps.turn_rear_right_fault",
		"Body.Lights.Rear.Left.StopLamp.Warning":                "lamps.stop_left_fault",
		"Body.Lights.Rear.Right.StopLamp.Warning":               "lamps.stop_right_fault",
		"Cabin.Door.Row1.Driver.Open":                           "doors.front_left_open",
		"Cabin.Door.Row1.Passenger.Open":                        "doors.front_right_open",
		"Cabin.Door.Row2.Left.Open":                             "doors.rear_left_open",
		"Cabin.Door.Row2.Right.Open":                            "doors.rear_right_open",
		"Cabin.Window.Row1.Driver.Open":                         "windows.front_left_open",
		"Cabin.Window.Row1.Passenger.Open":                      "windows.front_right_open",
		"Cabin.Window.Row2.Left.Open":                           "windows.rear_left_open",
		"Cabin.Window.Row2.Right.Open":                          "windows.rear_right_open",
		"Cabin.SteeringWheel.Heat.State":                        "climate.steering_wheel_heat_on",
		"Chassis.Axle.Tire.PressureLow":                         "tires.any_warning",
		"Chassis.Axle.Row1.Left.Tire.PressureLow":               "tires.front_left_warning",
		"Chassis.Axle.Row1.Right.Tire.PressureLow":              "tires.front_right_warning",
		"Chassis.Axle.Row2.Left.Tire.PressureLow":               "tires.rear_left_warning",
		"Chassis.Axle.Row2.Right.Tire.PressureLow":              "tires.rear_right_warning",
		"Chassis.Brake.Fluid.Warning":                           "fluids.brake_warning",
		"Drivetrain.InternalCombustionEngine.OilLevelWarning":   "fluids.oil_low",
		"Drivetrain.FuelSystem.LowFuelWarning":                  "fuel.low",
		"Electronics.Battery.Auxiliary.FailWarning":             "aux_battery.fault",
		"Electronics.FOB.LowBattery":                            "aux_battery.key_battery_low",
		"Electronics.PowerSupply.Accessory":                     "drive.accessory_on",
		"Electronics.PowerSupply.Ignition3":                     "drive.ignition3_on",
		"Green.BatteryManagement.HeatingState":                  "battery.heating_on",
		"Green.Reservation.Departure.Schedule1.Enable":          "schedule.departure1_enabled",
		"Green.Reservation.Departure.Schedule2.Enable":          "schedule.departure2_enabled",
		"Green.Reservation.Departure.Climate.Activation":        "schedule.departure1_climate_enabled",
		"Green.Reservation.Departure.Climate.Defrost":           "schedule.departure1_climate_defrost",
		"Green.Reservation.Departure.Schedule2.Climate.Defrost": "schedule.departure2_climate_defrost",
	} {
		t.Run(want, func(t *testing.T) {
			parsetest.AssertFlag(t, inBerlin(t), path, want)
		})
	}
}

// TestMeasures does the same for what is more than a flag.
func TestMeasures(t *testing.T) {
	on := shared.Choice{Word: "On", Number: 2}
	for path, want := range map[string]map[string]any{
		"Green.BatteryManagement.BatteryRemain.Ratio":                    {"battery.soc": 1.0},
		"Green.BatteryManagement.SoH.Ratio":                              {"battery.soh": 1.0},
		"Green.BatteryManagement.BatteryRemain.Value":                    {"battery.energy": 1.0},
		"Green.BatteryManagement.BatteryCapacity.Value":                  {"battery.capacity": 1.0},
		"Green.BatteryManagement.BatteryPackVoltage":                     {"battery.voltage": 1.0},
		"Green.BatteryManagement.Temperature.Min.Raw":                    {"battery.temperature_min": 1.0},
		"Green.BatteryManagement.Temperature.Max.Raw":                    {"battery.temperature_max": 1.0},
		"Green.BatteryManagement.Temperature.CoolingWaterInlet":          {"battery.coolant_inlet_temperature": 1.0},
		"Green.BatteryManagement.ChillerRPM":                             {"battery.chiller_speed": 1.0},
		"Green.BatteryManagement.WinterModeOperation":                    {"battery.winter_mode": true, "battery.preconditioning_enabled": true},
		"Green.ChargingInformation.TargetSoC.Standard":                   {"charging.limit_ac": 1.0},
		"Green.ChargingInformation.TargetSoC.Quick":                      {"charging.limit_dc": 1.0},
		"Green.ChargingInformation.Charging.RemainTime":                  {"charging.time_to_limit": 1.0, "charging.charging": true},
		"Green.ChargingInformation.EstimatedTime.Quick":                  {"charging.time_dc": 1.0},
		"Green.ChargingInformation.EstimatedTime.ICCB":                   {"charging.time_portable": 1.0},
		"Green.ChargingInformation.EstimatedTime.Standard":               {"charging.time_ac": 1.0},
		"Green.ChargingInformation.DTE.TargetSoC.Standard":               {"range.at_limit_ac": 1.0},
		"Green.ChargingInformation.DTE.TargetSoC.Quick":                  {"range.at_limit_dc": 1.0},
		"Green.Electric.SmartGrid.RealTimePower":                         {"charging.power": 1.0},
		"Green.Electric.SmartGrid.VehicleToLoad.DischargeLimitation.SoC": {"charging.v2l_limit": 1.0},
		"Green.PowerConsumption.Moment.ClimateAirConditioning":           {"consumption.power_air_conditioning": 1.0},
		"Green.PowerConsumption.Moment.BatteryCooling":                   {"consumption.power_battery_cooling": 1.0},
		"Green.PowerConsumption.Moment.BatteryHeater":                    {"consumption.power_battery_heater": 1.0},
		"Drivetrain.FuelSystem.FuelLevel":                                {"fuel.level": 1.0},
		"Cabin.Seat.Row1.Driver.Climate.State":                           {"seats.front_left": on},
		"Cabin.Seat.Row1.Passenger.Climate.State":                        {"seats.front_right": on},
		"Cabin.Seat.Row2.Left.Climate.State":                             {"seats.rear_left": on},
		"Cabin.Seat.Row2.Right.Climate.State":                            {"seats.rear_right": on},
		"Cabin.Door.Row1.Driver.Lock":                                    {"doors.front_left_locked": false, "doors.locked": false},
		"Cabin.Door.Row1.Passenger.Lock":                                 {"doors.front_right_locked": false, "doors.locked": false},
		"Cabin.Door.Row2.Left.Lock":                                      {"doors.rear_left_locked": false, "doors.locked": false},
		"Cabin.Door.Row2.Right.Lock":                                     {"doors.rear_right_locked": false, "doors.locked": false},
	} {
		t.Run(path, func(t *testing.T) {
			assert.Equal(t, want, parsetest.Values(parse(t, inside(path, `1`))))
		})
	}
}

func TestPressuresGoToTheirTires(t *testing.T) {
	d := parse(t, inside("Chassis.Axle", `{
		"Row1": {"Left": {"Tire": {"Pressure": 50}}, "Right": {"Tire": {"Pressure": 51}}},
		"Row2": {"Left": {"Tire": {"Pressure": 52}}, "Right": {"Tire": {"Pressure": 53}}},
		"Tire": {"PressureUnit": 1}
	}`))
	assert.Equal(t, map[string]any{
		"tires.front_left_pressure": 250.0, "tires.front_right_pressure": 255.0, "tires.rear_left_pressure": 260.0, "tires.rear_right_pressure": 265.0,
	}, parsetest.Values(d))
}
