package ccs2

import (
	"fmt"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// extra is what the document knows beyond the schema. Codes whose meaning nobody
// has shown are left out.
func extra(v field.Object) []*vehiclev1.ExtraAttribute {
	lights, grid := v.At("Body.Lights"), v.At("Green.Electric.SmartGrid.VehicleToLoad.DischargeLimitation")
	remote, planned := v.At("Service.ConnectedCar.RemoteControl"), v.At("Green.ChargingInformation.ExpectedTime")
	var x field.Extras
	x.Flag("in_park", "In park", vehiclev1.Quantity_QUANTITY_SWITCH, field.Opt(v.At("Drivetrain.Transmission.ParkingPosition").Bool()))
	x.Flag("ignition1_on", "Ignition 1 power", vehiclev1.Quantity_QUANTITY_SWITCH, field.Opt(v.At("Electronics.PowerSupply.Ignition1").Bool()), field.Hidden)
	x.Flag("aux_battery_cutoff_warning", "12 V cut-off warning", vehiclev1.Quantity_QUANTITY_PROBLEM, field.Opt(v.At("Electronics.AutoCut.BatteryPreWarning").Bool()))
	x.Flag("windshield_heat_on", "Windshield heating", vehiclev1.Quantity_QUANTITY_SWITCH, field.Opt(v.At("Body.Windshield.Front.Heat.State").Bool()))
	x.Flag("hazard_lamps_on", "Hazard lamps left on", vehiclev1.Quantity_QUANTITY_PROBLEM, field.Opt(lights.At("Hazard.Alert").Bool()))
	x.Flag("tail_lamps_on", "Tail lamps left on", vehiclev1.Quantity_QUANTITY_PROBLEM, field.Opt(lights.At("TailLamp.Alert").Bool()))
	x.Flag("battery_conditioning_on", "Battery conditioning", vehiclev1.Quantity_QUANTITY_RUNNING, field.Opt(v.At("Green.BatteryManagement.BatteryConditioning").Bool()))
	x.Number("v2l_time_remaining", "V2L time remaining", vehiclev1.Quantity_QUANTITY_DURATION, "min", field.Opt(grid.At("RemainTime").Minutes()))
	x.Number("v2l_range", "Range at the V2L limit", vehiclev1.Quantity_QUANTITY_DISTANCE, "km",
		rangeKM(grid.At("DTE"), v.At("Drivetrain.FuelSystem.DTE.Unit")), field.Precision(1))
	for _, minutes := range []string{"10", "20", "30"} {
		x.Flag("charge_alarm_"+minutes+"min", "Alarm "+minutes+" min before the end of charging", vehiclev1.Quantity_QUANTITY_SETTING,
			field.Opt(v.At("Green.ChargingInformation.Setting.CompleteAlarm.Before"+minutes+"min").Bool()), field.Hidden)
	}
	x.Text("planned_charge_start", "Planned charge start", plannedTime(planned, "Start"))
	x.Text("planned_charge_end", "Planned charge end", plannedTime(planned, "End"))
	x.Flag("remote_service_available", "Remote service available", vehiclev1.Quantity_QUANTITY_CAPABILITY, field.Opt(remote.At("Available").Bool()))
	x.Number("remote_service_hours", "Remote service ends in", vehiclev1.Quantity_QUANTITY_DURATION, "h", field.Opt(remote.At("WaitingTime").NumberIn(0, 65534)))
	return x.All()
}

// plannedTime is HH:MM in the car's zone. The day beside it is left out: nobody
// has shown on which day its count begins.
func plannedTime(planned field.Object, edge string) *string {
	minutes, ok := field.TimeOfDay(planned.At(edge+"Hour"), planned.At(edge+"Min"))
	return field.Opt(fmt.Sprintf("%02d:%02d", minutes/60, minutes%60), ok)
}
