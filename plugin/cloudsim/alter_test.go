package cloudsim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An altered answer is wrong in what the fault says and in nothing else, in both
// dialects and from a car that was woken.
func TestAlteredAnswers(t *testing.T) {
	ccs2, ccs1 := demoCars()
	newer, older, woken := "vehicles/"+ccs2+"/ccs2/carstatus/latest", "vehicles/"+ccs1+"/status/latest", "vehicles/"+ccs1+"/status"

	const (
		vehicle = "resMsg.state.Vehicle"
		status  = "resMsg.vehicleStatusInfo.vehicleStatus"
	)
	for name, tc := range map[string]struct {
		step Step
		path string
		want map[string]any
	}{
		"old time, CCS2":     {Step{Fault: OldTime, Age: time.Hour}, newer, map[string]any{vehicle + ".Date": "20260701084800.000"}},
		"old time, CCS1":     {Step{Fault: OldTime}, older, map[string]any{status + ".time": "20260701042500"}},
		"old time, woken":    {Step{Fault: OldTime}, woken, map[string]any{"resMsg.time": "20260701060000"}},
		"empty state, CCS2":  {Step{Fault: EmptyState}, newer, map[string]any{vehicle: object{}}},
		"empty state, CCS1":  {Step{Fault: EmptyState}, older, map[string]any{status: object{}}},
		"empty state, woken": {Step{Fault: EmptyState}, woken, map[string]any{"resMsg": object{}}},
		"no flag":            {Step{Fault: Unflagged}, "vehicles", nil},
		"placeholders, CCS2": {Step{Fault: Placeholders}, newer, map[string]any{
			vehicle + ".Drivetrain.Odometer":                      0.0,
			vehicle + ".Drivetrain.FuelSystem.DTE":                object{"Unit": 0.0, "Total": 0.0},
			vehicle + ".Green.ChargingInformation.TargetSoC":      object{"Standard": 0.0, "Quick": 0.0},
			vehicle + ".Cabin.HVAC.Row1.Driver.Temperature.Value": "14.0",
		}},
		"placeholders, CCS1": {Step{Fault: Placeholders}, older, map[string]any{
			"resMsg.vehicleStatusInfo.odometer": object{"value": 0.0, "unit": 0.0},
			status + ".airTemp.value":           "02H",
			status + ".dte":                     object{"value": 0.0, "unit": 0.0},
		}},
		"edit": {
			Step{Fault: Edit, Set: map[string]any{vehicle + ".Date": "x", "nowhere.at.all": 1}, Remove: []string{vehicle + ".Location", "a.b"}},
			newer,
			map[string]any{vehicle + ".Date": "x", vehicle + ".Location": nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := serve(t, Options{ForceDelay: time.Nanosecond})
			p := owner(t, c)
			truth := p.get(tc.path)
			id := play(t, c, tc.step)
			wrong := p.get(tc.path)
			require.Equal(t, fine, said(wrong))
			require.Equal(t, 1, c.Playing()[id-1].Met)

			for path, want := range tc.want {
				assert.Equal(t, want, wrong.at(path), path)
				in, name := parentOf(wrong.body, path)
				before, _ := parentOf(truth.body, path)
				if _, there := before[name]; there {
					in[name] = before[name]
				}
			}
			if tc.step.Fault == Placeholders && tc.path == older {
				assert.Equal(t, []any{0.0, 0.0}, []any{
					wrong.at(status + ".evStatus.reservChargeInfos.targetSOClist.0.targetSOClevel"),
					wrong.at(status + ".evStatus.reservChargeInfos.targetSOClist.1.targetSOClevel"),
				})
				assert.Equal(t, object{"value": 0.0, "unit": 0.0}, wrong.at(status+".evStatus.drvDistance.0.rangeByFuel.evModeRange"))
				assert.Equal(t, truth.at(status+".evStatus.batteryStatus"), wrong.at(status+".evStatus.batteryStatus"))
				return
			}
			if tc.step.Fault == Unflagged {
				for i, car := range truth.at("resMsg.vehicles").([]any) {
					assert.Contains(t, car, "ccuCCS2ProtocolSupport")
					assert.NotContains(t, wrong.at("resMsg.vehicles").([]any)[i], "ccuCCS2ProtocolSupport")
					delete(car.(object), "ccuCCS2ProtocolSupport")
				}
			}
			delete(truth.body, "msgId")
			delete(wrong.body, "msgId")
			assert.Equal(t, truth.body, wrong.body, "all else is true")
		})
	}
}

// What is no document goes through as it is, and refusals do.
func TestOnlyDocumentsAreAltered(t *testing.T) {
	c, _ := serve(t, Options{})
	p := owner(t, c)
	play(t, c, Step{Fault: Down})
	play(t, c, Step{Fault: EmptyState, Path: "vehicles"})
	assert.Equal(t, outage, said(p.get("vehicles")))
	play(t, c, Step{Fault: Edit, Path: "language", Remove: []string{"a"}})
	a := p.do("POST", "/api/v1/user/language", "", "", p.header)
	assert.Equal(t, 204, a.status)
}
