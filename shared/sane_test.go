package shared

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func TestNormalize(t *testing.T) {
	data := &vehiclev1.VehicleData{
		Battery: &vehiclev1.Battery{Soc: proto.Float64(50), Soh: proto.Float64(math.NaN()), Energy: proto.Float64(math.Inf(-1))},
		Refresh: &vehiclev1.Refresh{Verdict: vehiclev1.Verdict(999).Enum(), Source: vehiclev1.Source_SOURCE_FRESH.Enum()},
		Extra:   []*vehiclev1.ExtraAttribute{{Value: &vehiclev1.ExtraAttribute_Number{Number: math.NaN()}}},
	}
	Normalize(data)
	want := &vehiclev1.VehicleData{
		Battery: &vehiclev1.Battery{Soc: proto.Float64(50)},
		Refresh: &vehiclev1.Refresh{Source: vehiclev1.Source_SOURCE_FRESH.Enum()},
		Extra:   []*vehiclev1.ExtraAttribute{{}},
	}
	assert.True(t, proto.Equal(want, data), data)
}

// A number is rounded as its attribute says, in structures and extra attributes as well,
// so that every face of the data shows the same.
func TestNumbersAreRoundedOnce(t *testing.T) {
	trip := func(km, kmh, minutes float64) *vehiclev1.Trip {
		return &vehiclev1.Trip{Distance: &km, AverageSpeed: &kmh, DriveTime: &minutes}
	}
	extra := func(x float64) []*vehiclev1.ExtraAttribute {
		return []*vehiclev1.ExtraAttribute{
			{Attribute: &vehiclev1.Attribute{Precision: 2}, Value: &vehiclev1.ExtraAttribute_Number{Number: x}},
			{Value: &vehiclev1.ExtraAttribute_Number{Number: 1.23456}},
		}
	}
	data := &vehiclev1.VehicleData{
		Battery:     &vehiclev1.Battery{Soc: proto.Float64(76.54), Energy: proto.Float64(61.2101), TemperatureMin: proto.Float64(-0.04), Capacity: proto.Float64(1e300)},
		Drive:       &vehiclev1.Drive{Odometer: proto.Float64(22.4 * 1.609344)},
		Location:    &vehiclev1.Location{Latitude: proto.Float64(52.5162751)},
		Consumption: &vehiclev1.Consumption{Daily: []*vehiclev1.DailyDrivingStats{{TotalConsumed: proto.Float64(999.6), Distance: proto.Float64(36.0493056)}}},
		Trips:       &vehiclev1.Trips{Day: &vehiclev1.DayTrips{Summary: trip(36.0493056, 64.37376, 33.4), Trips: []*vehiclev1.Trip{trip(1.05, 0, 0.5)}}},
		Extra:       extra(3.14159),
	}
	want := &vehiclev1.VehicleData{
		Battery:     &vehiclev1.Battery{Soc: proto.Float64(76.5), Energy: proto.Float64(61.21), TemperatureMin: proto.Float64(0), Capacity: proto.Float64(1e300)},
		Drive:       &vehiclev1.Drive{Odometer: proto.Float64(36)},
		Location:    &vehiclev1.Location{Latitude: proto.Float64(52.516275)},
		Consumption: &vehiclev1.Consumption{Daily: []*vehiclev1.DailyDrivingStats{{TotalConsumed: proto.Float64(1000), Distance: proto.Float64(36)}}},
		Trips:       &vehiclev1.Trips{Day: &vehiclev1.DayTrips{Summary: trip(36, 64.4, 33), Trips: []*vehiclev1.Trip{trip(1.1, 0, 1)}}},
		Extra:       extra(3.14),
	}
	for range 2 { // the second time changes nothing
		Normalize(data)
		assert.True(t, proto.Equal(want, data), data)
	}
	assert.False(t, math.Signbit(data.GetBattery().GetTemperatureMin()), "no minus before a zero")
}

// Whatever is shown has a precision, or is whole.
func TestEveryNumberHasItsAttribute(t *testing.T) {
	for _, a := range Attributes() {
		if a.field.Kind() == protoreflect.DoubleKind {
			assert.NotNil(t, attributeOf(a.field), a.Path)
		}
	}
	for name, info := range numbers() {
		assert.NotEmpty(t, info.GetUnit(), name)
	}
}
