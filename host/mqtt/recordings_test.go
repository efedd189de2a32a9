package mqtt_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestRecordings compares what is published of real cars with testdata/recordings, which is
// for people to read. With GOLDEN=write it writes what is published now.
func TestRecordings(t *testing.T) {
	cars, err := filepath.Glob("../../shared/testdata/cars/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, cars)
	for _, car := range cars {
		name := strings.TrimSuffix(filepath.Base(car), ".json")
		t.Run(name, func(t *testing.T) {
			body, err := os.ReadFile(car)
			require.NoError(t, err)
			data := &vehiclev1.VehicleData{}
			require.NoError(t, protojson.Unmarshal(body, data))
			got, file := record(t, data), filepath.Join("testdata", "recordings", name+".txt")
			if os.Getenv("GOLDEN") == "write" {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err, "GOLDEN=write writes it")
			assert.Equal(t, string(want), got)
		})
	}
}

// record is what a bridge publishes of a car that is read once, a minute after the car has
// reported: a line for each topic.
func record(t *testing.T, data *vehiclev1.VehicleData) string {
	t.Helper()
	reported := time.UnixMilli(data.GetRefresh().GetObservedAt())
	w := newWorld(t, answering(func() *vehiclev1.VehicleData { return data }), func(o *mqtt.Options) {
		o.Now = func() time.Time { return reported.Add(time.Minute) }
	})
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	require.NoError(t, (<-w.served).Unpublished)
	w.answers("car1")
	w.distributed()
	kept, all := w.held("hyundai/car1/#"), map[string]string{}
	maps.Copy(all, kept)
	for topic, m := range w.latest {
		if strings.HasPrefix(topic, "hyundai/car1/") && !strings.Contains(topic, "/commands/") && !strings.Contains(topic, "/responses/") && len(m.Payload()) > 0 {
			all[topic] = string(m.Payload())
		}
	}

	var b strings.Builder
	times := fmt.Sprintf(`,"timestamp":%q`, reported.UTC().Format("2006-01-02T15:04:05.000000Z"))
	fmt.Fprintf(&b, "Topics of the car, below {base}/{vehicle id}/; + is retained. A timestamp that is not shown is the car's own:\n%s\n\n", strings.TrimPrefix(times, ","))
	for _, topic := range slices.Sorted(maps.Keys(all)) {
		sign := "-"
		if _, ok := kept[topic]; ok {
			sign = "+"
		}
		fmt.Fprintf(&b, "%s %-48s %s\n", sign, strings.TrimPrefix(topic, "hyundai/car1/"), strings.Replace(all[topic], times, "", 1))
	}
	return b.String()
}
