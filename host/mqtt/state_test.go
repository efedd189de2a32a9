package mqtt_test

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// answering is a fleet of one car whose data is given.
func answering(data func() *vehiclev1.VehicleData) *fleet {
	f := newFleet("car1")
	f.refresh = func(context.Context, shared.Mode, string, time.Duration) (*vehiclev1.VehicleData, error) {
		return data(), nil
	}
	return f
}

// state reads the car and returns its state, once it holds a text.
func (w *world) state(text string) (groups map[string]map[string]any) {
	w.t.Helper()
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	m := w.holds("hyundai/car1/state", text)
	require.NoError(w.t, json.Unmarshal(m.Payload(), &groups), "%s", m.Payload())
	assert.LessOrEqual(w.t, len(m.Payload()), 64<<10)
	return groups
}

// TestStateHasEveryKey of the schema each time, and nothing that is personal.
func TestStateHasEveryKey(t *testing.T) {
	var data *vehiclev1.VehicleData
	w := newWorld(t, answering(func() *vehiclev1.VehicleData { return data }), nil)
	bare := &vehiclev1.VehicleData{Vehicle: &vehiclev1.Vehicle{Id: "car1"}, Refresh: &vehiclev1.Refresh{}}
	for text, d := range map[string]*vehiclev1.VehicleData{`"soc":76.5`: snapshot("car1"), `"soc":null`: bare} {
		data = d
		groups := w.state(text)
		want := map[string]bool{}
		for _, a := range shared.Attributes() {
			if a.Info.GetPersonal() {
				continue
			}
			want[a.Path] = true
			_, known := a.Get(d)
			value, there := groups[a.Group()][strings.TrimPrefix(a.Path, a.Group()+".")]
			assert.True(t, there, a.Path)
			if !known {
				assert.Nil(t, value, a.Path)
			}
		}
		count := 0
		for group, members := range groups {
			if group != "extra" {
				count += len(members)
			}
		}
		assert.Len(t, want, count)
	}

	data = snapshot("car1")
	data.Refresh.PolledAt = proto.Int64(observed.UnixMilli())
	groups := w.state(`"soc":76.5`)
	assert.Equal(t, []any{76.5, nil, true, "EV", "22:00", []any{"monday", "friday"}, "Medium Heat", "fresh", "2026-03-01T11:30:00.000000Z"}, []any{
		groups["battery"]["soc"], groups["battery"]["soh"], groups["charging"]["charging"], groups["vehicle"]["engine_type"],
		groups["schedule"]["off_peak_start"], groups["schedule"]["departure1_days"], groups["seats"]["front_left"],
		groups["refresh"]["verdict"], groups["refresh"]["observed_at"],
	})
	assert.Equal(t, map[string]any{"in_park": true}, groups["extra"])
	text := string(w.latest["hyundai/car1/state"].Payload())
	assert.NotContains(t, text, "KMHSECRET")
	assert.NotContains(t, text, `"latitude"`)
}

// TestStateThatDoesNotFit leaves out what is long.
func TestStateThatDoesNotFit(t *testing.T) {
	var data *vehiclev1.VehicleData
	w := newWorld(t, answering(func() *vehiclev1.VehicleData { return data }), nil)

	data = snapshot("car1")
	data.Battery.Soc = proto.Float64(11)
	data.Consumption = &vehiclev1.Consumption{EnergyDrive: proto.Float64(5)}
	for range 1000 {
		data.Consumption.Daily = append(data.Consumption.Daily, &vehiclev1.DailyDrivingStats{Date: strings.Repeat("1", 60)})
	}
	groups := w.state(`"soc":11`)
	assert.Nil(t, groups["consumption"]["daily"])
	assert.EqualValues(t, 5, groups["consumption"]["energy_drive"])
	assert.Equal(t, map[string]any{"in_park": true}, groups["extra"])

	data = snapshot("car1")
	data.Battery.Soc = proto.Float64(12)
	extra := data.GetExtra()[0].GetAttribute()
	data.Extra = append(data.Extra, &vehiclev1.ExtraAttribute{Key: "long", Attribute: extra, Value: &vehiclev1.ExtraAttribute_Text{Text: strings.Repeat("x", 70_000)}})
	assert.Nil(t, w.state(`"soc":12`)["extra"])

	data = snapshot("car1")
	data.Battery.Soc = proto.Float64(13)
	data.Extra = append(data.Extra, &vehiclev1.ExtraAttribute{Key: "none", Attribute: extra, Value: &vehiclev1.ExtraAttribute_Number{Number: math.NaN()}})
	assert.Equal(t, map[string]any{"in_park": true, "none": nil}, w.state(`"soc":13`)["extra"])
}
