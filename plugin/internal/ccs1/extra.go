package ccs1

import (
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// extra is what the document knows beyond the schema.
func extra(s field.Object) []*vehiclev1.ExtraAttribute {
	alert := s.At("remoteWaitingTimeAlert") // answers to a wake have it
	var x field.Extras
	x.Flag("remote_service_available", "Remote service available", vehiclev1.Quantity_QUANTITY_CAPABILITY, alert.At("remoteControlAvailable"))
	x.Number("remote_service_hours", "Remote service ends in", vehiclev1.Quantity_QUANTITY_DURATION, "h",
		field.Opt(alert.At("remoteControlWaitingTime").NumberIn(0, 65534)))
	return x.All()
}
