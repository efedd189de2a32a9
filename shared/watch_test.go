package shared_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func dataOf(id string) *vehiclev1.VehicleData {
	return &vehiclev1.VehicleData{
		Vehicle: &vehiclev1.Vehicle{Id: id}, Battery: &vehiclev1.Battery{Soc: proto.Float64(76.123457)},
		Refresh: &vehiclev1.Refresh{Verdict: vehiclev1.Verdict_VERDICT_STALE.Enum()},
	}
}

// TestARefusalCarriesTheNewestData across the boundary, if it can be true and a
// header can hold it.
func TestARefusalCarriesTheNewestData(t *testing.T) {
	refused := func(last *vehiclev1.VehicleData) error {
		client := connect(t, &plugin{refresh: func(context.Context, shared.Mode, string, time.Duration) (*vehiclev1.VehicleData, error) {
			return nil, &shared.RefreshError{Mode: shared.ModeForce, VehicleID: "car1", Last: last, Err: shared.NewError(shared.ReasonGuardRefused)}
		}})
		_, err := client.RefreshForce(t.Context(), "car1")
		return err
	}
	huge, future := dataOf("car1"), dataOf("car1")
	huge.Vehicle.Name = proto.String(strings.Repeat("x", 100<<10))
	future.Refresh.ObservedAt = proto.Int64(time.Now().AddDate(1, 0, 0).UnixMilli())
	for name, tc := range map[string]struct {
		last *vehiclev1.VehicleData
		want bool
	}{
		"data":              {dataOf("car1"), true},
		"none":              {nil, false},
		"of another car":    {dataOf("car2"), false},
		"without its story": {&vehiclev1.VehicleData{Vehicle: &vehiclev1.Vehicle{Id: "car1"}}, false},
		"of the future":     {future, false},
		"too large":         {huge, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := refused(tc.last)
			require.ErrorIs(t, err, shared.ReasonGuardRefused)
			var refresh *shared.RefreshError
			require.ErrorAs(t, err, &refresh)
			require.Equal(t, tc.want, refresh.Last != nil)
			if tc.want {
				want := proto.CloneOf(tc.last)
				shared.Normalize(want)
				assert.True(t, proto.Equal(want, refresh.Last))
				redacttest.NotIn(t, err.Error(), "76.123457")
			}
		})
	}
}

// TestHeadersAreBounded: a plugin cannot fill the host's memory with details.
func TestHeadersAreBounded(t *testing.T) {
	client := connect(t, &plugin{refresh: func(context.Context, shared.Mode, string, time.Duration) (*vehiclev1.VehicleData, error) {
		p := status.Convert(shared.ToStatus(shared.NewError(shared.ReasonGuardRefused))).Proto()
		p.Message = strings.Repeat("x", 1<<20)
		return nil, status.ErrorProto(p)
	}})
	_, err := client.RefreshForce(t.Context(), "car1")
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 2000)
}

// watched is a plugin that brings snapshots and takes schedules.
type watched struct {
	plugin
	brings   []*vehiclev1.VehicleData
	schedule json.RawMessage
}

func (w *watched) Watch(_ context.Context, report func(*vehiclev1.VehicleData) error) error {
	for _, d := range w.brings {
		if err := report(d); err != nil {
			return err
		}
	}
	return nil
}

func (w *watched) SetSchedule(_ context.Context, vehicleID string, schedule json.RawMessage) (json.RawMessage, error) {
	if string(schedule) == "nonsense" {
		return nil, shared.Errorf(shared.ReasonInvalidCommand, "No.")
	}
	if vehicleID != "car1" {
		return json.RawMessage("{"), nil
	}
	w.schedule = schedule
	return w.schedule, nil
}

func (w *watched) Schedule(_ context.Context, vehicleID string) (shared.Schedule, error) {
	return shared.Schedule{JSON: w.schedule, Preset: vehicleID}, nil
}

func TestWatch(t *testing.T) {
	client := connect(t, &watched{brings: []*vehiclev1.VehicleData{dataOf("car1"), dataOf("car2")}})
	var ids []string
	take := func(d *vehiclev1.VehicleData) error { ids = append(ids, d.GetVehicle().GetId()); return nil }
	require.NoError(t, client.Watch(t.Context(), take), "it has ended")
	assert.Equal(t, []string{"car1", "car2"}, ids)
	stop := errors.New("enough")
	require.ErrorIs(t, client.Watch(t.Context(), func(*vehiclev1.VehicleData) error { return stop }), stop)

	for name, bad := range map[string]*vehiclev1.VehicleData{"no car": {Refresh: &vehiclev1.Refresh{}}, "no story": {Vehicle: &vehiclev1.Vehicle{Id: "car1"}}} {
		client := connect(t, &watched{brings: []*vehiclev1.VehicleData{bad}})
		require.ErrorIs(t, client.Watch(t.Context(), take), shared.ReasonInvalidResponse, name)
	}
	assert.Len(t, ids, 2)
	require.ErrorIs(t, connect(t, &plugin{}).Watch(t.Context(), take), shared.ReasonUnsupported)
}

func TestSetSchedule(t *testing.T) {
	client := connect(t, &watched{})
	now, err := client.SetSchedule(t.Context(), "car1", json.RawMessage(`{"idle":"4h"}`))
	require.NoError(t, err)
	assert.JSONEq(t, `{"idle":"4h"}`, string(now))
	_, err = client.SetSchedule(t.Context(), "car1", json.RawMessage("nonsense"))
	require.ErrorIs(t, err, shared.ReasonInvalidCommand)
	_, err = client.SetSchedule(t.Context(), "car2", nil)
	require.ErrorIs(t, err, shared.ReasonInvalidResponse, "that is no JSON")
	_, err = connect(t, &plugin{}).SetSchedule(t.Context(), "car1", nil)
	require.ErrorIs(t, err, shared.ReasonUnsupported)
}

func TestSchedule(t *testing.T) {
	plan := &watched{schedule: json.RawMessage(`{"idle":"4h"}`)}
	client := connect(t, plan)
	for _, preset := range shared.Presets() {
		now, err := client.Schedule(t.Context(), preset)
		require.NoError(t, err)
		assert.Equal(t, shared.Schedule{JSON: json.RawMessage(`{"idle":"4h"}`), Preset: preset}, now)
	}
	_, err := client.Schedule(t.Context(), "often")
	require.ErrorIs(t, err, shared.ReasonInvalidResponse)
	for _, wrong := range []string{"", "{", "[]", "7", `{"idle":"` + strings.Repeat("4", 5000) + `"}`} {
		plan.schedule = json.RawMessage(wrong)
		_, err := client.Schedule(t.Context(), shared.PresetCustom)
		require.ErrorIs(t, err, shared.ReasonInvalidResponse, wrong)
	}
	_, err = connect(t, &plugin{}).Schedule(t.Context(), "car1")
	require.ErrorIs(t, err, shared.ReasonUnsupported)
}

func (w *watched) Preview(ctx context.Context, mode shared.Mode, vehicleID string, maxAge time.Duration) (*vehiclev1.Preview, error) {
	if vehicleID != "car1" {
		return nil, nil
	}
	return &vehiclev1.Preview{
		Wakes: mode == shared.ModeForce, Price: int64(maxAge / time.Second),
		Refusal: &vehiclev1.PreviewRefusal{Rule: map[bool]string{true: "overridden"}[shared.CallInfoFrom(ctx).Override]},
	}, nil
}

func TestPreview(t *testing.T) {
	client := connect(t, &watched{})
	p, err := client.Preview(shared.WithCallInfo(t.Context(), shared.CallInfo{Override: true}), shared.ModeForce, "car1", 0)
	require.NoError(t, err)
	assert.True(t, p.GetWakes())
	assert.EqualValues(t, 300, p.GetPrice(), "the default age")
	assert.Equal(t, "overridden", p.GetRefusal().GetRule())
	p, err = client.Preview(t.Context(), shared.ModeSmart, "car1", 90*time.Minute)
	require.NoError(t, err)
	assert.EqualValues(t, 5400, p.GetPrice())
	_, err = client.Preview(t.Context(), shared.ModeSmart, "car2", 0)
	require.ErrorIs(t, err, shared.ReasonInvalidResponse, "that is no answer")
	_, err = client.Preview(t.Context(), shared.ModeSmart, "car1", 200*365*24*time.Hour)
	require.ErrorIs(t, err, shared.ReasonInvalidCommand)
	_, err = connect(t, &plugin{}).Preview(t.Context(), shared.ModeSmart, "car1", 0)
	require.ErrorIs(t, err, shared.ReasonUnsupported)
}

func (w *watched) Unlock(context.Context) error { return shared.NewError(shared.ReasonAuthFailed) }

func TestUnlock(t *testing.T) {
	require.ErrorIs(t, connect(t, &watched{}).Unlock(t.Context()), shared.ReasonAuthFailed)
	require.ErrorIs(t, connect(t, &plugin{}).Unlock(t.Context()), shared.ReasonUnsupported)
}
