package mqtt_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// The topics of the service that this one replaces, for its listeners: what stands in
// "value", and the unit. The topics in the first list are retained.
const (
	retainedOfOld = `
		battery/level number %
		battery/charging_status word
		battery/plug_status word
		ev/range number km
		ev/charge_limit number %
		ev/total_power_consumed number Wh
		ev/total_power_regenerated number Wh
		ev/power_consumption_30d number Wh/km
		status/doors/locked flag
		status/doors/front_left_open flag
		status/doors/front_right_open flag
		status/doors/back_left_open flag
		status/doors/back_right_open flag
		status/doors/trunk_open flag
		status/doors/hood_open flag
		status/windows/front_left number+state
		status/windows/front_right number+state
		status/windows/back_left number+state
		status/windows/back_right number+state
		status/windows/sunroof number+state
		status/climate/is_on flag
		status/climate/set_temperature number °C
		status/climate/defrost flag
		status/climate/heated_steering_wheel flag
		status/climate/front_left_seat_status number+level
		status/climate/front_right_seat_status number+level
		status/tires/all_normal flag
		status/tires/front_left_warning flag
		status/tires/front_right_warning flag
		status/service/next_service_distance number km
		status/engine/is_running flag
		status/engine/fuel_level number %
		status/engine/fuel_range number km
		status/last_updated time
		status/data_source word
		status/update_method word
		status/error object`
	liveOfOld = `
		battery/temperature number °C
		ev/charge_time_100 number min
		ev/charge_time_target number min
		ev/energy_consumption number kWh/100km
		status/doors/front_left_locked flag
		status/doors/front_right_locked flag
		status/doors/back_left_locked flag
		status/doors/back_right_locked flag
		status/climate/current_temperature number °C
		status/climate/heated_side_mirror flag
		status/climate/heated_rear_window flag
		status/climate/air_control flag
		status/climate/rear_left_seat_status number+level
		status/climate/rear_right_seat_status number+level
		status/location/latitude number °
		status/location/longitude number °
		status/location/speed number km/h
		status/location/address word
		status/location/heading number °
		status/location/altitude number m
		status/location/place_name word
		status/location/last_updated time
		status/tires/back_left_warning flag
		status/tires/back_right_warning flag
		status/service/last_service_distance number km
		status/service/next_service_unit word
		status/service/last_service_unit word
		status/engine/fuel_unit word`
)

// TestTopicsOfOld: each is there, as the same kind of thing, and retained or not as it was.
func TestTopicsOfOld(t *testing.T) {
	data := everything("car1")
	w := newWorld(t, answering(func() *vehiclev1.VehicleData { return data }), nil)
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	w.answers("car1")
	w.distributed()
	held := w.held("hyundai/car1/#")
	for list, retained := range map[string]bool{retainedOfOld: true, liveOfOld: false} {
		for line := range strings.SplitSeq(strings.TrimSpace(list), "\n") {
			fields := strings.Fields(line)
			topic, kind, unit := "hyundai/car1/"+fields[0], fields[1], ""
			if len(fields) > 2 {
				unit = fields[2]
			}
			_, kept := held[topic]
			assert.Equal(t, retained, kept, "%s is retained", topic)
			if assert.Contains(t, w.latest, topic) {
				payload := decode(t, w.latest[topic])
				assert.Equal(t, []string{kind, unit}, []string{kindOfOld(payload), text(payload["unit"])}, "%s: %v", topic, payload)
				assert.NotEmpty(t, payload["timestamp"], topic)
			}
		}
	}
}

// kindOfOld is what stands in a payload.
func kindOfOld(payload map[string]any) string {
	switch value := payload["value"].(type) {
	case bool:
		return "flag"
	case float64:
		switch {
		case payload["state"] != nil:
			return "number+state"
		case payload["level"] != nil:
			return "number+level"
		}
		return "number"
	case string:
		if _, err := time.Parse("2006-01-02T15:04:05.000000Z", value); err == nil {
			return "time"
		}
		return "word"
	}
	if _, failed := payload["error"]; failed { // null: the last command succeeded
		return "object"
	}
	return "nothing"
}

// TestCommandsOfOld come with QoS 0, as simple clients send them.
func TestCommandsOfOld(t *testing.T) {
	f, ages := newFleet("car1"), atomic.Int64{}
	f.refresh = func(_ context.Context, _ shared.Mode, id string, maxAge time.Duration) (*vehiclev1.VehicleData, error) {
		ages.Add(int64(maxAge))
		return snapshot(id), nil
	}
	w := newWorld(t, f, nil)
	for _, payload := range []string{"cached", "force", "smart:300", " smart: 300 "} {
		confirmed(t, w.listener.Publish("hyundai/car1/commands/refresh", 0, false, payload))
		s := <-w.served
		require.NoError(t, s.Err)
		assert.Equal(t, strings.ReplaceAll(payload, " ", ""), s.Command)
		w.answers("car1")
		assert.Equal(t, map[string]any{"value": nil, "error": nil}, without(decode(t, w.latest["hyundai/car1/status/error"]), "timestamp"))
	}
	assert.EqualValues(t, 600*time.Second, ages.Load())
	confirmed(t, w.listener.Publish("hyundai/car1/commands/refresh", 0, false, "FORCE"))
	require.Error(t, (<-w.served).Err)
	assert.Equal(t, "CommandError", decode(t, w.holds("hyundai/car1/status/error", "CommandError"))["error_type"])
}

func without(m map[string]any, key string) map[string]any {
	delete(m, key)
	return m
}
