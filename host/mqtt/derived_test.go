package mqtt_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestTopicsThatFollowFromOthers, and the window that is only vented.
func TestTopicsThatFollowFromOthers(t *testing.T) {
	f := newFleet("car1")
	f.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		data := snapshot(id)
		data.Tires = &vehiclev1.Tires{AnyWarning: proto.Bool(false)}
		data.Range.Fuel = proto.Float64(500)
		data.Service = &vehiclev1.Service{NextDistance: proto.Float64(12000)}
		data.Consumption = &vehiclev1.Consumption{Average_30D: proto.Float64(163.4)}
		data.Climate.OutsideTemperature = proto.Float64(21.5)
		data.Windows.FrontLeftVented, data.Windows.FrontRightVented = proto.Bool(true), proto.Bool(true)
		data.Windows.RearLeftOpen, data.Windows.RearLeftVented = proto.Bool(true), proto.Bool(false)
		return data, nil
	}
	w := newWorld(t, f, nil)
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	got := map[string]string{}
	for _, m := range w.until("hyundai/car1/status/last_updated") {
		got[strings.TrimPrefix(m.Topic(), "hyundai/car1/")] = strings.Replace(string(m.Payload()), `,"timestamp":"2026-03-01T11:30:00.000000Z"`, "", 1)
	}
	for topic, want := range map[string]string{
		"status/tires/any_warning": `{"value":false}`, "status/tires/all_normal": `{"value":true}`,
		"status/engine/fuel_range": `{"value":500,"unit":"km"}`, "status/engine/fuel_unit": `{"value":"km"}`,
		"status/service/next_service_unit": `{"value":"km"}`,
		"ev/power_consumption_30d":         `{"value":163.4,"unit":"Wh/km"}`, "ev/energy_consumption": `{"value":16.34,"unit":"kWh/100km"}`,
		"status/climate/outside_temperature": `{"value":21.5,"unit":"°C"}`, "status/climate/current_temperature": `{"value":21.5,"unit":"°C"}`,
		"status/windows/front_left": `{"value":2,"state":"VENTILATION"}`, "status/windows/front_right": `{"value":0,"state":"CLOSED"}`,
		"status/windows/back_left": `{"value":1,"state":"OPEN"}`,
	} {
		assert.Equal(t, want, got[topic], topic)
	}
	assert.NotContains(t, got, "status/service/last_service_unit", "it is not known, and not kept")
}

// TestAValueOfAnEarlierReportKeepsItsTime; the others have that of the report.
func TestAValueOfAnEarlierReportKeepsItsTime(t *testing.T) {
	data := snapshot("car1")
	data.Drive = &vehiclev1.Drive{Odometer: proto.Float64(48210)}
	data.Refresh.Earlier = []*vehiclev1.Earlier{
		{Path: "drive.odometer", ObservedAt: observed.Add(-48 * time.Hour).UnixMilli()}, {Path: "battery.soc"}, {Path: "no.such", ObservedAt: 1},
	}
	w := newWorld(t, answering(func() *vehiclev1.VehicleData { return data }), nil)
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	times := map[string]any{}
	for _, m := range w.until("hyundai/car1/status/last_updated") {
		times[m.Topic()] = decode(t, m)["timestamp"]
	}
	assert.Equal(t, "2026-02-27T11:30:00.000000Z", times["hyundai/car1/status/odometer"])
	assert.Equal(t, "2026-03-01T11:30:00.000000Z", times["hyundai/car1/battery/level"], "no time is none")
}
