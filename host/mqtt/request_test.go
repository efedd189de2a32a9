package mqtt_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func (s *supervised) Find(ctx context.Context, id string) (shared.VehicleRefresher, error) {
	if _, err := s.fleet.Find(ctx, id); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *supervised) Preview(ctx context.Context, mode shared.Mode, _ string, _ time.Duration) (*vehiclev1.Preview, error) {
	p := &vehiclev1.Preview{Wakes: mode == shared.ModeForce, Price: 2, Left: proto.Int64(90)}
	if mode == shared.ModeForce && !shared.CallInfoFrom(ctx).Override {
		p.Refusal = &vehiclev1.PreviewRefusal{Reason: "guard_refused", Rule: "wake_interval", Sentence: "Wait.", AllowedAt: proto.Int64(observed.UnixMilli())}
	}
	return p, nil
}

func (s *supervised) Unlock(ctx context.Context) error {
	if shared.CallInfoFrom(ctx).RequestID == "" {
		return shared.NewError(shared.ReasonInternal)
	}
	return shared.NewError(shared.ReasonAuthFailed)
}

// ask sends a request to the bridge and returns the answer.
func (w *world) ask(what, payload string) map[string]any {
	w.t.Helper()
	w.publish("hyundai/bridge/request/"+what, payload, false)
	return decode(w.t, w.answered(what))
}

// answered waits for the next answer to requests of a kind.
func (w *world) answered(what string) paho.Message {
	w.t.Helper()
	for {
		m := w.next("an answer to " + what)
		if m.Topic() == "hyundai/bridge/response/"+what {
			return m
		}
	}
}

func TestRequests(t *testing.T) {
	s := newSupervised("car1")
	w := superviseWorld(t, s, nil)

	a := w.ask("ping", `{"transaction":"t1"}`)
	assert.NotEmpty(t, a["request_id"])
	delete(a, "request_id")
	assert.Equal(t, map[string]any{"data": map[string]any{}, "status": "ok", "transaction": "t1", "timestamp": "2026-03-01T12:00:00.000000Z"}, a)
	assert.NotContains(t, w.ask("ping", `{}`), "transaction")

	data := w.ask("health", ` {} `)["data"].(map[string]any)
	assert.Equal(t, []any{0.0, 1.0}, []any{data["uptime"], data["vehicles"]})
	p := data["plugins"].([]any)[0].(map[string]any)
	assert.Equal(t, []any{"p", "ready", "1.2.3", true}, []any{p["name"], p["state"], p["version"], p["serving"]})
	assert.EqualValues(t, 90, p["account"].(map[string]any)["budget_left"])

	data = w.ask("preview", `{"vehicle":"car1","mode":"force"}`)["data"].(map[string]any)
	assert.Equal(t, map[string]any{"wakes": true, "price": 2.0, "left": 90.0, "refusal": map[string]any{
		"reason": "guard_refused", "rule": "wake_interval", "message": "Wait.", "allowed_at": "2026-03-01T11:30:00.000000Z",
	}}, data)
	data = w.ask("preview", `{"vehicle":"car1","mode":"force","override":true}`)["data"].(map[string]any)
	assert.Nil(t, data["refusal"])

	for _, payload := range []string{`{}`, `{"plugin":"p"}`} {
		assert.Equal(t, map[string]any{"plugin": "p"}, w.ask("restart", payload)["data"])
		assert.Equal(t, "p", <-s.restarts)
	}

	a = w.ask("unlock", `{"plugin":"p","transaction":"t2"}`)
	assert.Equal(t, []any{"error", "auth_failed", shared.ReasonAuthFailed.Sentence(), "t2", map[string]any{}},
		[]any{a["status"], a["reason"], a["error"], a["transaction"], a["data"]})
}

// TestRequestForARefresh is a command with another topic: it is answered on both, and
// acts once.
func TestRequestForARefresh(t *testing.T) {
	s := newSupervised("car1", "car2")
	var calls, minutes atomic.Int64
	s.refresh = func(_ context.Context, mode shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		calls.Add(1)
		if mode == shared.ModeForce {
			return nil, shared.NewError(shared.ReasonVehicleUnreachable)
		}
		return snapshot(id), nil
	}
	var log await.Log
	w := superviseWorld(t, s, func(o *mqtt.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		o.Now = func() time.Time { return observed.Add(time.Duration(minutes.Load()) * time.Minute) }
	})

	w.publish("hyundai/bridge/request/refresh", `{"vehicle":"car1","mode":"cached","transaction":"t1"}`, false)
	answers := w.answers("car1")
	last := answers[len(answers)-1]
	assert.Equal(t, []any{"t1", "done", "cached"}, []any{last["id"], last["state"], last["command"]})
	a := decode(t, w.answered("refresh"))
	assert.Equal(t, []any{"ok", "t1", last, last["request_id"]}, []any{a["status"], a["transaction"], a["data"], a["request_id"]})
	assert.Equal(t, "cached", (<-w.served).Command)

	// Again: at once nobody wants to know, later the answer has been lost.
	const again = `{"vehicle":"car1","mode":"cached","transaction":"t1"}`
	w.publish("hyundai/bridge/request/refresh", again, false)
	await.True(t, "it came again", func() bool { return strings.Contains(log.String(), "command came again") })
	minutes.Store(2)
	assert.Equal(t, a["data"], w.ask("refresh", again)["data"])
	assert.EqualValues(t, 1, calls.Load())

	a = w.ask("refresh", `{"vehicle":"car1","mode":"force","id":"x","transaction":"t2"}`)
	assert.Equal(t, []any{"error", "t2", "vehicle_unreachable", "x"}, []any{a["status"], a["transaction"], a["reason"], a["data"].(map[string]any)["id"]})
	minutes.Store(4)
	b := w.ask("refresh", `{"vehicle":"car1","mode":"force","id":"x","transaction":"t3"}`)
	assert.Equal(t, []any{"error", "t3", "vehicle_unreachable", a["data"]}, []any{b["status"], b["transaction"], b["reason"], b["data"]})
	assert.EqualValues(t, 2, calls.Load())

	a = w.ask("refresh", `{"vehicle":"all","mode":"cached"}`)
	assert.Equal(t, []any{"ok", 2.0}, []any{a["status"], a["data"].(map[string]any)["cars"]})
	a = w.ask("refresh", `{"vehicle":"nobodys","mode":"cached"}`)
	assert.Equal(t, []any{"error", "unknown_vehicle"}, []any{a["status"], a["reason"]})
}

func TestBadRequests(t *testing.T) {
	s := newSupervised("car1")
	w := superviseWorld(t, s, nil)
	for name, tc := range map[string]struct {
		what, payload string
		code          mqtt.Code
		at            string
	}{
		"blanks":                 {"ping", "  ", mqtt.CodeEmpty, ""},
		"a word":                 {"ping", "ping", mqtt.CodeSyntax, "byte 1"},
		"a list":                 {"ping", "[]", mqtt.CodeNotAnObject, ""},
		"no text":                {"ping", "\xff", mqtt.CodeNotText, ""},
		"too long":               {"ping", `{"transaction":"` + strings.Repeat("x", 1200) + `"}`, mqtt.CodeTooLong, ""},
		"a key of another":       {"ping", `{"plugin":"p"}`, mqtt.CodeUnknownKey, "plugin"},
		"a transaction too long": {"ping", `{"transaction":"` + strings.Repeat("x", 129) + `"}`, mqtt.CodeOutOfRange, "transaction"},
		"a number":               {"ping", `{"transaction":1}`, mqtt.CodeWrongType, "transaction"},
		"twice":                  {"ping", `{"transaction":"a","transaction":"b"}`, mqtt.CodeDuplicateKey, "transaction"},
		"no car":                 {"preview", `{"mode":"force"}`, mqtt.CodeMissing, "vehicle"},
		"no mode":                {"preview", `{"vehicle":"car1"}`, mqtt.CodeMissing, "mode"},
		"a mode that is none":    {"preview", `{"vehicle":"car1","mode":"Force"}`, mqtt.CodeUnknownMode, "mode"},
		"what does not belong":   {"preview", `{"vehicle":"car1","mode":"force","timeout":5}`, mqtt.CodeUnknownKey, "timeout"},
		"keys that do not fit":   {"refresh", `{"vehicle":"car1","mode":"cached","override":true}`, mqtt.CodeConflict, "override"},
		"a car that is none":     {"refresh", `{"vehicle":"car/1","mode":"cached"}`, mqtt.CodeVehicle, "vehicle"},
		"a car that is no text":  {"refresh", `{"vehicle":1,"mode":"cached"}`, mqtt.CodeWrongType, "vehicle"},
		"a plugin that is none":  {"restart", `{"plugin":"q"}`, mqtt.CodePlugin, "plugin"},
		"a plugin of no text":    {"unlock", `{"plugin":[]}`, mqtt.CodeWrongType, "plugin"},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.ask(tc.what, tc.payload)
			assert.Equal(t, []any{"error", "invalid_command", string(tc.code)}, []any{a["status"], a["reason"], a["code"]})
			at, _ := a["at"].(string)
			assert.Equal(t, tc.at, at)
			assert.NotEmpty(t, a["error"])
		})
	}
	assert.Empty(t, s.restarts)

	a := w.ask("restart", `{"plugin":"q","transaction":"t"}`)
	assert.Equal(t, "t", a["transaction"], "of a bad one, too")
	w.publish("hyundai/bridge/request/restart", "", false)
	w.ask("ping", "{}")
	assert.Empty(t, s.restarts, "nothing is no request")
}

// TestRetainedRequests do nothing but answer, at the start and live, and are taken off
// the broker.
func TestRetainedRequests(t *testing.T) {
	_, at := newBroker(t, new(auth.AllowHook), nil)
	s := newSupervised("car1")
	sender := paho.NewClient(options("tcp://"+at, "sender"))
	confirmed(t, sender.Connect())
	t.Cleanup(func() { sender.Disconnect(100) })
	confirmed(t, sender.Publish("hyundai/bridge/request/restart", 1, true, `{"transaction":"start"}`))
	w := newWorldAt(t, "tcp://"+at, s.fleet, func(o *mqtt.Options) { o.Fleet = s })
	for _, transaction := range []string{"start", "live"} {
		if transaction == "live" {
			w.publish("hyundai/bridge/request/restart", `{"transaction":"live"}`, true)
		}
		a := decode(t, w.answered("restart"))
		assert.Equal(t, []any{"retained", transaction}, []any{a["code"], a["transaction"]})
	}
	assert.Empty(t, s.restarts)

	late, kept := w.client("late"), make(chan paho.Message, 10)
	w.ask("ping", "{}") // the broker has taken them off by then
	confirmed(t, late.Subscribe("hyundai/bridge/request/#", 1, func(_ paho.Client, m paho.Message) { kept <- m }))
	w.publish("hyundai/bridge/request/other", "x", false)
	assert.Equal(t, "x", string((<-kept).Payload()))
}

// TestRequestsForAHubThatWasOff are not carried out when nobody expects it.
func TestRequestsForAHubThatWasOff(t *testing.T) {
	server, at := newBroker(t, new(auth.AllowHook), nil)
	s := newSupervised("car1")
	w := newWorldAt(t, "tcp://"+at, s.fleet, func(o *mqtt.Options) { o.Fleet = s })
	require.NoError(t, w.bridge.Stop(await.Context(t, "the bridge stops")))
	w.hub.Client().Disconnect(100)
	gone(t, server, "hub")
	w.publish("hyundai/bridge/request/restart", `{"transaction":"t"}`, false)
	w.distributed()
	w.start(mqtt.Options{Client: w.paho("hub", "hyundai"), Fleet: s, NoInitialRefresh: true})
	a := decode(t, w.answered("restart"))
	assert.Equal(t, []any{"t", "deadline_exceeded"}, []any{a["transaction"], a["reason"]})
	assert.Empty(t, s.restarts)
}

// TestOneRestartAtATime: a second one waits for nothing.
func TestOneRestartAtATime(t *testing.T) {
	s := newSupervised("car1")
	s.stuck.Store(true)
	w := superviseWorld(t, s, nil)
	w.publish("hyundai/bridge/request/restart", `{"transaction":"one"}`, false)
	await.Value(t, "the restart", s.restarts)
	a := w.ask("restart", `{"transaction":"two"}`)
	assert.Equal(t, []any{"two", "queue_full"}, []any{a["transaction"], a["reason"]})
	a = w.ask("unlock", `{"transaction":"three"}`)
	assert.Equal(t, []any{"three", "queue_full"}, []any{a["transaction"], a["reason"]})
	assert.Empty(t, s.restarts)
}

// TestRequestsWithoutPlugins: a fleet of the hub's own has nothing to restart.
func TestRequestsWithoutPlugins(t *testing.T) {
	w := newWorld(t, newFleet("car1"), nil)
	for _, what := range []string{"restart", "unlock"} {
		assert.Equal(t, "unsupported", w.ask(what, "{}")["reason"])
	}
	assert.Equal(t, "unsupported", w.ask("preview", `{"vehicle":"car1","mode":"cached"}`)["reason"])
	assert.Equal(t, "ok", w.ask("health", "{}")["status"])
}

func TestRequestsThatNameNoPlugin(t *testing.T) {
	s := &several{newSupervised("car1")}
	w := newWorld(t, s.fleet, func(o *mqtt.Options) { o.Fleet = s })
	a := w.ask("restart", "{}")
	assert.Equal(t, []any{"missing", "plugin"}, []any{a["code"], a["at"]})
	assert.Contains(t, a["error"], `"p" and "q"`)
}

// several are two plugins.
type several struct{ *supervised }

func (s *several) Status() []host.PluginStatus {
	return append(s.supervised.Status(), host.PluginStatus{Name: "q", State: host.Stopped})
}

// noRestart is a broker whose rules keep restarts from the hub.
type noRestart struct{ auth.AllowHook }

func (noRestart) OnACLCheck(c *mochi.Client, topic string, write bool) bool {
	return write || c.ID != "hub" || !strings.HasSuffix(topic, "/request/restart")
}

// TestRequestsThatTheBrokerRefuses cost no command.
func TestRequestsThatTheBrokerRefuses(t *testing.T) {
	_, at := newBroker(t, new(noRestart), nil)
	s := newSupervised("car1")
	w := newWorldAt(t, "tcp://"+at, s.fleet, func(o *mqtt.Options) { o.Fleet = s })
	w.publish("hyundai/bridge/request/restart", "{}", false)
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	require.NoError(t, (<-w.served).Err)
	assert.Equal(t, "ok", w.ask("ping", fmt.Sprintf(`{"transaction":%q}`, "t"))["status"])
	assert.Empty(t, s.restarts)
}
