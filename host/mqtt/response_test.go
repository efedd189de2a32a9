package mqtt_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// bad is a payload with what its answer says.
type bad struct {
	payload string
	code    mqtt.Code
	at      string
	says    string
	id      string
}

// badInputs are payloads that are no command.
func badInputs() map[string]bad {
	long := strings.Repeat("x", 200)
	return map[string]bad{
		"blank":                  {payload: "   ", code: mqtt.CodeEmpty, says: "empty"},
		"line break":             {payload: "\n", code: mqtt.CodeEmpty},
		"unknown word":           {payload: "refresh", code: mqtt.CodeUnknownMode, says: `"refresh"`},
		"upper case":             {payload: "FORCE", code: mqtt.CodeUnknownMode, says: "lower case"},
		"title case":             {payload: "Cached", code: mqtt.CodeUnknownMode},
		"two words":              {payload: "force cached", code: mqtt.CodeUnknownMode},
		"inner blank":            {payload: "fo rce", code: mqtt.CodeUnknownMode},
		"text behind cached":     {payload: "cached:5", code: mqtt.CodeUnknownMode},
		"text behind force":      {payload: "force:now", code: mqtt.CodeUnknownMode},
		"override of cached":     {payload: "cached:override", code: mqtt.CodeUnknownMode},
		"override in capitals":   {payload: "force:OVERRIDE", code: mqtt.CodeUnknownMode},
		"a long word":            {payload: long, code: mqtt.CodeUnknownMode, says: "…"},
		"colon alone":            {payload: ":", code: mqtt.CodeUnknownMode},
		"no break":               {payload: "force\x00", code: mqtt.CodeUnknownMode},
		"other letters":          {payload: "förce", code: mqtt.CodeUnknownMode},
		"a number":               {payload: "300", code: mqtt.CodeUnknownMode},
		"true":                   {payload: "true", code: mqtt.CodeUnknownMode},
		"null":                   {payload: "null", code: mqtt.CodeUnknownMode},
		"no age":                 {payload: "smart:", code: mqtt.CodeOutOfRange, at: "max_age"},
		"age of zero":            {payload: "smart:0", code: mqtt.CodeOutOfRange, at: "max_age", says: "604800"},
		"age too large":          {payload: "smart:604801", code: mqtt.CodeOutOfRange, at: "max_age"},
		"age no number":          {payload: "smart:soon", code: mqtt.CodeOutOfRange, at: "max_age"},
		"age with sign":          {payload: "smart:+60", code: mqtt.CodeOutOfRange, at: "max_age"},
		"age negative":           {payload: "smart:-60", code: mqtt.CodeOutOfRange, at: "max_age"},
		"age with a point":       {payload: "smart:60.0", code: mqtt.CodeOutOfRange, at: "max_age"},
		"age underscored":        {payload: "smart:3_00", code: mqtt.CodeOutOfRange, at: "max_age"},
		"age in hex":             {payload: "smart:0x3c", code: mqtt.CodeOutOfRange, at: "max_age"},
		"age overflows":          {payload: "smart:99999999999999999999", code: mqtt.CodeOutOfRange, at: "max_age"},
		"age with a unit":        {payload: "smart:5m", code: mqtt.CodeOutOfRange, at: "max_age"},
		"two ages":               {payload: "smart:60:60", code: mqtt.CodeOutOfRange, at: "max_age"},
		"override of smart":      {payload: "smart:override", code: mqtt.CodeOutOfRange, at: "max_age"},
		"no text":                {payload: "\xff\xfe", code: mqtt.CodeNotText},
		"half a letter":          {payload: "force\xc3", code: mqtt.CodeNotText},
		"long":                   {payload: strings.Repeat("smart", 100_000), code: mqtt.CodeTooLong},
		"long JSON":              {payload: `{"mode":"force","id":"` + strings.Repeat("x", 2000) + `"}`, code: mqtt.CodeTooLong},
		"a list":                 {payload: `["force"]`, code: mqtt.CodeNotAnObject, says: "no object"},
		"a text":                 {payload: `"force"`, code: mqtt.CodeNotAnObject},
		"an empty object":        {payload: `{}`, code: mqtt.CodeMissing, at: "mode"},
		"no mode":                {payload: `{"max_age":60,"id":"a"}`, code: mqtt.CodeMissing, at: "mode", id: "a"},
		"unknown mode":           {payload: `{"mode":"wake","id":"a"}`, code: mqtt.CodeUnknownMode, at: "mode", says: `"wake"`, id: "a"},
		"mode in capitals":       {payload: `{"mode":"FORCE"}`, code: mqtt.CodeUnknownMode, at: "mode", says: "lower case"},
		"mode of a word":         {payload: `{"mode":"smart:60"}`, code: mqtt.CodeUnknownMode, at: "mode"},
		"empty mode":             {payload: `{"mode":""}`, code: mqtt.CodeUnknownMode, at: "mode"},
		"mode no text":           {payload: `{"mode":1,"id":"later"}`, code: mqtt.CodeWrongType, at: "mode", id: "later"},
		"mode null":              {payload: `{"mode":null}`, code: mqtt.CodeWrongType, at: "mode"},
		"mode a list":            {payload: `{"mode":["force"]}`, code: mqtt.CodeWrongType, at: "mode"},
		"age a text":             {payload: `{"mode":"smart","max_age":"60"}`, code: mqtt.CodeWrongType, at: "max_age"},
		"age null":               {payload: `{"mode":"smart","max_age":null}`, code: mqtt.CodeWrongType, at: "max_age"},
		"age of zero in JSON":    {payload: `{"mode":"smart","max_age":0}`, code: mqtt.CodeOutOfRange, at: "max_age", says: "604800"},
		"age too large in JSON":  {payload: `{"mode":"smart","max_age":604801}`, code: mqtt.CodeOutOfRange, at: "max_age"},
		"age with a fraction":    {payload: `{"mode":"smart","max_age":1.5}`, code: mqtt.CodeOutOfRange, at: "max_age"},
		"age beyond numbers":     {payload: `{"mode":"smart","max_age":1e99}`, code: mqtt.CodeOutOfRange, at: "max_age"},
		"age of force":           {payload: `{"mode":"force","max_age":60}`, code: mqtt.CodeConflict, at: "max_age"},
		"timeout of zero":        {payload: `{"mode":"force","timeout":0}`, code: mqtt.CodeOutOfRange, at: "timeout"},
		"timeout too large":      {payload: `{"mode":"force","timeout":601}`, code: mqtt.CodeOutOfRange, at: "timeout", says: "600"},
		"timeout a text":         {payload: `{"mode":"force","timeout":"1m"}`, code: mqtt.CodeWrongType, at: "timeout"},
		"override a text":        {payload: `{"mode":"force","override":"true"}`, code: mqtt.CodeWrongType, at: "override"},
		"override of a read":     {payload: `{"mode":"cached","override":true}`, code: mqtt.CodeConflict, at: "override"},
		"id a number":            {payload: `{"mode":"force","id":7}`, code: mqtt.CodeWrongType, at: "id"},
		"id empty":               {payload: `{"mode":"force","id":""}`, code: mqtt.CodeOutOfRange, at: "id"},
		"id too long":            {payload: `{"mode":"force","id":"` + long + `"}`, code: mqtt.CodeOutOfRange, at: "id", says: "128"},
		"id of control letters":  {payload: `{"mode":"force","id":"a\u0007"}`, code: mqtt.CodeOutOfRange, at: "id"},
		"a key that is unknown":  {payload: `{"mode":"force","maxage":60,"id":"a"}`, code: mqtt.CodeUnknownKey, at: "maxage", says: `"max_age"`, id: "a"},
		"a key in capitals":      {payload: `{"Mode":"force"}`, code: mqtt.CodeUnknownKey, at: "Mode"},
		"a key twice":            {payload: `{"mode":"force","mode":"cached"}`, code: mqtt.CodeDuplicateKey, at: "mode"},
		"an end that is missing": {payload: `{"id":"a","mode":"force"`, code: mqtt.CodeSyntax, at: "end", id: "a"},
		"a comma too many":       {payload: `{"mode":"force",}`, code: mqtt.CodeSyntax, at: "byte 17"},
		"a key without quotes":   {payload: `{mode:"force"}`, code: mqtt.CodeSyntax, at: "byte 2"},
		"single quotes":          {payload: `{'mode':'force'}`, code: mqtt.CodeSyntax, at: "byte 2"},
		"something behind":       {payload: `{"mode":"force"} now`, code: mqtt.CodeSyntax, at: "byte 18"},
		"two objects":            {payload: `{"mode":"force"}{"mode":"force"}`, code: mqtt.CodeSyntax, at: "byte 17"},
		"a deep hole":            {payload: `{"mode":` + strings.Repeat("[", 900), code: mqtt.CodeSyntax, at: "end"},
	}
}

// TestBadCommands: each gets its answer, and disturbs nobody.
func TestBadCommands(t *testing.T) {
	w := newWorld(t, newFleet("car1"), nil)
	for name, tc := range badInputs() {
		t.Run(name, func(t *testing.T) {
			w.publish("hyundai/car1/commands/refresh", tc.payload, false)
			served := <-w.served
			require.ErrorIs(t, served.Err, shared.ReasonInvalidCommand)
			require.NoError(t, served.Unpublished)
			messages := w.until("hyundai/car1/status/error")
			require.Len(t, messages, 1, "nothing but the error is published")
			v := decode(t, messages[0])
			assert.Equal(t, "invalid_command", v["reason"])
			assert.Equal(t, v["error"], v["value"].(map[string]any)["error"])
			answers := w.answers("car1")
			require.Len(t, answers, 1, "it was not accepted")
			a := answers[0]
			assert.Equal(t, "refused", a["state"])
			assert.Equal(t, "invalid_command", a["reason"])
			assert.EqualValues(t, tc.code, a["code"])
			assert.Equal(t, tc.at, text(a["at"]))
			assert.Equal(t, tc.id, text(a["id"]))
			assert.Equal(t, served.RequestID, a["request_id"])
			assert.NotEmpty(t, a["error"])
			assert.Contains(t, a["error"], tc.says)
			assert.NotEmpty(t, a["timestamp"])
		})
	}
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	require.NoError(t, (<-w.served).Err)
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// TestCommandsThatNameNoCar are answered where they were sent to, and nothing is kept.
func TestCommandsThatNameNoCar(t *testing.T) {
	w := newWorld(t, newFleet("car1"), nil)
	for vehicle, reason := range map[string]shared.Reason{"nobody": shared.ReasonUnknownVehicle, "c är$": shared.ReasonInvalidCommand, "bridge": shared.ReasonUnknownVehicle} {
		w.publish("hyundai/"+vehicle+"/commands/refresh", `{"mode":"cached","id":"x"}`, false)
		require.ErrorIs(t, (<-w.served).Err, reason)
		if vehicle != "bridge" {
			assert.Equal(t, string(reason), decode(t, last(w.until("hyundai/"+vehicle+"/status/error")))["reason"])
		}
		answers := w.answers(vehicle)
		assert.Equal(t, "refused", answers[len(answers)-1]["state"])
		assert.Equal(t, "x", answers[len(answers)-1]["id"])
	}
	late := w.client("late")
	kept := make(chan string, 1000)
	confirmed(t, late.Subscribe("hyundai/#", 1, func(_ paho.Client, m paho.Message) {
		if m.Retained() {
			kept <- m.Topic()
		}
	}))
	for topic := ""; topic != "hyundai/bridge/state"; topic = <-kept {
		assert.Contains(t, []string{"", "hyundai/bridge/info", "hyundai/car1/availability"}, topic)
	}
}

func last(all []paho.Message) paho.Message { return all[len(all)-1] }

// TestAnswersOfACommand from its arrival to its end.
func TestAnswersOfACommand(t *testing.T) {
	f := newFleet("car1")
	w := newWorld(t, f, nil)
	w.publish("hyundai/car1/commands/refresh", `{"mode":"smart","max_age":300,"id":"abc","timeout":60,"override":false}`, false)
	answers := w.answers("car1")
	require.Len(t, answers, 2)
	assert.Equal(t, "accepted", answers[0]["state"])
	done := answers[1]
	served := <-w.served
	require.NoError(t, served.Err)
	assert.Equal(t, "abc", served.ID)
	for key, want := range map[string]any{
		"id": "abc", "request_id": served.RequestID, "state": "done", "command": "smart:300", "published": true, "verdict": "fresh", "source": "fresh",
		"observed_at": "2026-03-01T11:30:00.000000Z", "wait": 0., "run": 0., "timestamp": "2026-03-01T12:00:00.000000Z",
	} {
		assert.Equal(t, want, done[key], key)
	}

	f.refresh = func(context.Context, shared.Mode, string, time.Duration) (*vehiclev1.VehicleData, error) {
		e := shared.NewError(shared.ReasonGuardRefused)
		e.Rule, e.RetryAfter = "quiet_hours", 90*time.Second
		return nil, e
	}
	w.publish("hyundai/car1/commands/refresh", `{"mode":"force","id":"r"}`, false)
	refused := w.answers("car1")[1]
	assert.Equal(t, []any{"r", "refused", "guard_refused", "quiet_hours", 90.}, []any{refused["id"], refused["state"], refused["reason"], refused["rule"], refused["retry_after"]})

	f.refresh = func(context.Context, shared.Mode, string, time.Duration) (*vehiclev1.VehicleData, error) {
		e := shared.NewError(shared.ReasonVehicleUnreachable)
		e.MayHaveHappened = true
		return nil, e
	}
	w.publish("hyundai/car1/commands/refresh", `{"mode":"force","id":"f"}`, false)
	failed := w.answers("car1")[1]
	assert.Equal(t, []any{"failed", "vehicle_unreachable", true}, []any{failed["state"], failed["reason"], failed["may_have_happened"]})

	f.refresh = func(ctx context.Context, _ shared.Mode, _ string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		<-ctx.Done()
		return nil, shared.AsAPIError(ctx.Err())
	}
	w.publish("hyundai/car1/commands/refresh", `{"mode":"force","id":"e","timeout":1}`, false)
	answers = w.answers("car1")
	assert.Equal(t, []any{"e", "expired", "deadline_exceeded"}, []any{answers[len(answers)-1]["id"], answers[len(answers)-1]["state"], answers[len(answers)-1]["reason"]})
}

// TestAnswersOfCommandsThatWait tell their place, and when it is their turn.
func TestAnswersOfCommandsThatWait(t *testing.T) {
	f := newFleet("car1")
	release := make(chan struct{}, 3)
	f.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		<-release
		return snapshot(id), nil
	}
	w := newWorld(t, f, func(o *mqtt.Options) { o.ProgressInterval = 5 * time.Millisecond })
	stages := map[string][]string{}
	until := func(id, stage string) map[string]any {
		t.Helper()
		for {
			m := await.Value(t, "an answer", w.messages)
			if !strings.HasSuffix(m.Topic(), "/responses/refresh") {
				continue
			}
			a := decode(t, m)
			stages[text(a["id"])] = append(stages[text(a["id"])], text(a["state"]))
			if a["id"] == id && a["state"] == stage {
				return a
			}
		}
	}
	for n := range 3 {
		w.publish("hyundai/car1/commands/refresh", fmt.Sprintf(`{"mode":"force","id":"%d"}`, n), false)
		if n == 0 {
			until("0", "running")
			until("0", "running") // again, as long as the car is awaited
			continue
		}
		assert.EqualValues(t, n, until(fmt.Sprint(n), "queued")["position"])
	}
	release <- struct{}{}
	for len(w.served) == 0 {
		until("1", "running") // whoever was first has made room
	}
	close(release)
	for range 3 {
		require.NoError(t, (<-w.served).Err)
	}
	for id, all := range stages {
		assert.Equal(t, "accepted", all[0], id)
	}
}

// TestACommandToEveryCar has an answer for each and one for all.
func TestACommandToEveryCar(t *testing.T) {
	f := newFleet("car1", "car2", "car3", "all", "bridge", "a/b")
	f.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		if id == "car2" {
			return nil, shared.NewError(shared.ReasonVehicleUnreachable)
		}
		return snapshot(id), nil
	}
	w := newWorld(t, f, nil)
	w.publish("hyundai/all/commands/refresh", `{"mode":"cached","id":"x"}`, false)
	ends := map[string]string{}
	var whole map[string]any
	for whole == nil {
		m := await.Value(t, "an answer", w.messages)
		if !strings.HasSuffix(m.Topic(), "/responses/refresh") {
			continue
		}
		a := decode(t, m)
		assert.Equal(t, "x", a["id"])
		car := strings.Split(m.Topic(), "/")[1]
		if ends[car] = text(a["state"]); car == "all" && ends[car] != "accepted" {
			whole = a
		}
	}
	assert.Equal(t, map[string]string{"car1": "done", "car2": "failed", "car3": "done", "all": "done"}, ends)
	assert.EqualValues(t, 3, whole["cars"])
	assert.Equal(t, map[string]any{"done": 2., "failed": 1.}, whole["stages"])
	for range 4 {
		<-w.served
	}

	none := newWorld(t, newFleet(), nil)
	none.publish("hyundai/all/commands/refresh", "cached", false)
	answers := none.answers("all")
	assert.Equal(t, "refused", answers[len(answers)-1]["state"])
	none.publish("hyundai/all/commands/refresh", "often", false)
	assert.Equal(t, "unknown_mode", none.answers("all")[0]["code"])
}

// TestAnEmptyMessageIsNoCommand: it takes a retained one off the broker.
func TestAnEmptyMessageIsNoCommand(t *testing.T) {
	w := newWorld(t, newFleet("car1"), nil)
	for _, kind := range []string{"refresh", "schedule"} {
		w.publish("hyundai/car1/commands/"+kind, "", true)
		w.publish("hyundai/car1/commands/"+kind, "", false)
	}
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	assert.Equal(t, "cached", (<-w.served).Command)
	assert.Empty(t, w.served)
}

// TestStages: what was refused on purpose is no failure.
func TestRefusalsAreNoFailures(t *testing.T) {
	f := newFleet("car1")
	var reason atomic.Value
	f.refresh = func(context.Context, shared.Mode, string, time.Duration) (*vehiclev1.VehicleData, error) {
		return nil, shared.NewError(reason.Load().(shared.Reason))
	}
	w := newWorld(t, f, nil)
	for _, r := range shared.Reasons() {
		reason.Store(r)
		w.publish("hyundai/car1/commands/refresh", "force", false)
		a := w.answers("car1")
		want := "failed"
		switch r {
		case shared.ReasonInvalidCommand, shared.ReasonUnknownVehicle, shared.ReasonUnsupported, shared.ReasonQueueFull, shared.ReasonDraining, shared.ReasonBudgetSpent,
			shared.ReasonGuardRefused, shared.ReasonCircuitOpen, shared.ReasonConfigInvalid, shared.ReasonIncompatible, shared.ReasonPluginQuarantined, shared.ReasonPluginUntrusted:
			want = "refused"
		case shared.ReasonDeadlineExceeded:
			want = "expired"
		}
		assert.Equal(t, want, a[len(a)-1]["state"], r)
		<-w.served
	}
}
