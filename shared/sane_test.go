package shared

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"google.golang.org/protobuf/proto"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func TestSane(t *testing.T) {
	data := &vehiclev1.VehicleData{
		Battery: &vehiclev1.Battery{Soc: proto.Float64(50), Soh: proto.Float64(math.NaN()), Energy: proto.Float64(math.Inf(-1))},
		Refresh: &vehiclev1.Refresh{Verdict: vehiclev1.Verdict(999).Enum(), Source: vehiclev1.Source_SOURCE_FRESH.Enum()},
		Extra:   []*vehiclev1.ExtraAttribute{{Value: &vehiclev1.ExtraAttribute_Number{Number: math.NaN()}}},
	}
	sane(data.ProtoReflect())
	want := &vehiclev1.VehicleData{
		Battery: &vehiclev1.Battery{Soc: proto.Float64(50)},
		Refresh: &vehiclev1.Refresh{Source: vehiclev1.Source_SOURCE_FRESH.Enum()},
		Extra:   []*vehiclev1.ExtraAttribute{{}},
	}
	assert.True(t, proto.Equal(want, data), data)
}
