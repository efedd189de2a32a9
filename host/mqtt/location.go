package mqtt

import (
	"encoding/json"
	"time"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// topicLocation holds where a car is, in one message, for whoever needs latitude and
// longitude together. The broker does not keep it.
const topicLocation = "location"

// location is where a car is.
type location struct {
	// Degrees
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	// Metres
	Altitude *float64 `json:"altitude,omitempty"`
	// Degrees, clockwise from north
	Heading *float64 `json:"heading,omitempty"`
	// When the car was there
	ObservedAt string `json:"observed_at,omitempty"`
}

// locationOf encodes where a car is; nil: that is not known.
func locationOf(data *vehiclev1.VehicleData) []byte {
	at := data.GetLocation()
	if at == nil || at.Latitude == nil || at.Longitude == nil {
		return nil
	}
	l := location{Latitude: at.GetLatitude(), Longitude: at.GetLongitude(), Altitude: at.Altitude, Heading: at.Heading}
	if at.GetObservedAt() > 0 {
		l.ObservedAt = timeText(time.UnixMilli(at.GetObservedAt()))
	}
	b, _ := json.Marshal(l) // plain fields
	return b
}
