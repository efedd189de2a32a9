package ccs1

import (
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// extra is what the document knows beyond the schema.
func extra(s field.Object) []*vehiclev1.ExtraAttribute {
	alert := s.At("remoteWaitingTimeAlert") // answers to a wake have it
	first, second := departures(s.At("evStatus.reservChargeInfos"))
	var x field.Extras
	departureHeat(&x, "departure1", "Departure 1", first)
	departureHeat(&x, "departure2", "Departure 2", second)
	x.Flag("remote_service_available", "Remote service available", vehiclev1.Quantity_QUANTITY_CAPABILITY, field.Opt(alert.At("remoteControlAvailable").Bool()))
	x.Number("remote_service_hours", "Remote service ends in", vehiclev1.Quantity_QUANTITY_DURATION, "h",
		field.Opt(alert.At("remoteControlWaitingTime").NumberIn(0, 65534)))
	return x.All()
}

// departureHeat reads what is heated before a departure: 0 nothing, 2 the rear window,
// 3 the steering wheel, 1 and 4 both.
func departureHeat(x *field.Extras, key, name string, departure field.Object) {
	code, ok := departure.At("reservFatcSet.heating1").OneOf(0, 1, 2, 3, 4)
	x.Flag(key+"_rear_window_heat", name+" rear window heating", vehiclev1.Quantity_QUANTITY_SETTING, field.Opt(code == 1 || code == 2 || code == 4, ok))
	x.Flag(key+"_steering_wheel_heat", name+" steering wheel heating", vehiclev1.Quantity_QUANTITY_SETTING, field.Opt(code == 1 || code == 3 || code == 4, ok))
}
