package plugin_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// compareCar compares what a plugin tells of a real car with shared/testdata/cars, of
// which the recordings of host/mqtt are made. With GOLDEN=write it writes the file.
func compareCar(t *testing.T, name string, parsed *vehiclev1.VehicleData) {
	t.Helper()
	data := proto.CloneOf(parsed)
	data.Vehicle.Id = "car1"
	if data.Refresh == nil {
		data.Refresh = &vehiclev1.Refresh{}
	}
	data.Refresh.Source, data.Refresh.Method = vehiclev1.Source_SOURCE_CACHED.Enum(), vehiclev1.Method_METHOD_CACHED.Enum()
	data.Refresh.PolledAt = proto.Int64(data.Refresh.GetObservedAt() + 60_000)
	shared.Normalize(data)

	file := filepath.Join("..", "shared", "testdata", "cars", name+".json")
	if os.Getenv("GOLDEN") == "write" {
		body, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(data)
		require.NoError(t, err)
		var text bytes.Buffer
		require.NoError(t, json.Indent(&text, body, "", "  "))
		text.WriteByte('\n')
		require.NoError(t, os.WriteFile(file, text.Bytes(), 0o600))
	}
	body, err := os.ReadFile(file)
	require.NoError(t, err, "GOLDEN=write writes it")
	want := &vehiclev1.VehicleData{}
	require.NoError(t, protojson.Unmarshal(body, want))
	assert.True(t, proto.Equal(want, data), "%s is not what is parsed: GOLDEN=write writes it, and then also the recordings of host/mqtt", file)
}
