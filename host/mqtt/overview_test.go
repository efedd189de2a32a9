package mqtt_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// supervised is a fleet whose one plugin tells of itself, and can be restarted.
type supervised struct {
	*fleet
	status   atomic.Pointer[host.PluginStatus]
	events   chan host.Event
	restarts chan string
	// stuck: the next restart does not end before its time is over.
	stuck atomic.Bool
}

func newSupervised(ids ...string) *supervised {
	s := &supervised{fleet: newFleet(ids...), events: make(chan host.Event), restarts: make(chan string, 10)}
	s.status.Store(&host.PluginStatus{
		Name: "p", State: host.Ready, PID: 7, Started: observed, Digest: "d1", Vendor: "Test", Version: "1.2.3", Serving: true, Health: "ready",
		Breaker: "closed", Starts: 1, Vehicles: len(ids),
		Figures: host.Figures{Gauges: map[string]int64{"budget_left.people": 90, "budget_left.background": -1, "budget_reset_timestamp_seconds": observed.Unix()}},
	})
	return s
}

func (s *supervised) Status() []host.PluginStatus { return []host.PluginStatus{*s.status.Load()} }

func (s *supervised) NextEvent(ctx context.Context) (host.Event, error) {
	select {
	case ev := <-s.events:
		return ev, nil
	case <-ctx.Done():
		return host.Event{}, ctx.Err()
	}
}

func (s *supervised) Owner(id string) string {
	for _, v := range s.Vehicles() {
		if v.GetId() == id {
			return "p"
		}
	}
	return ""
}

func (s *supervised) Plugin(name string) shared.VehicleRefresher {
	if name != "p" {
		return nil
	}
	return s
}

func (s *supervised) Restart(ctx context.Context, plugin string) error {
	s.restarts <- plugin
	if s.stuck.Load() {
		<-ctx.Done()
		return shared.AsAPIError(ctx.Err())
	}
	return nil
}

// happens changes the plugin's status and tells of it.
func (s *supervised) happens(t *testing.T, ev host.Event, change func(*host.PluginStatus)) {
	t.Helper()
	st := *s.status.Load()
	change(&st)
	s.status.Store(&st)
	select {
	case s.events <- ev:
	case <-await.Context(t, "the event is taken").Done():
	}
}

// holds waits until the last message on a topic holds a text, and returns it.
func (w *world) holds(topic, text string) paho.Message {
	w.t.Helper()
	for {
		if m := w.latest[topic]; m != nil && strings.Contains(string(m.Payload()), text) {
			return m
		}
		w.next(fmt.Sprintf("%q on %s", text, topic))
	}
}

func superviseWorld(t *testing.T, s *supervised, change func(*mqtt.Options)) *world {
	t.Helper()
	return newWorld(t, s.fleet, func(o *mqtt.Options) {
		o.Fleet = s
		if change != nil {
			change(o)
		}
	})
}

// TestInfo says what there is, and no secret.
func TestInfo(t *testing.T) {
	s := newSupervised("car1")
	s.cars[0].Name, s.cars[0].Model, s.cars[0].Vin = proto.String("My car"), proto.String("IONIQ 5"), proto.String("KMHSECRET00000001")
	s.cars = append(s.cars, &vehiclev1.Vehicle{Id: "no/topic"})
	w := superviseWorld(t, s, func(o *mqtt.Options) { o.AgeInterval = 10 * time.Millisecond })
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	m := w.holds("hyundai/bridge/info", `"done":1`)
	info := decode(t, m)
	assert.NotEmpty(t, info["version"])
	delete(info, "version")
	want := `{"started_at":"2026-03-01T12:00:00.000000Z",
		"settings":{"base_topic":"hyundai","initial_refresh":false,"probe_interval":0,"progress_interval":5,"keeps_ids":false},
		"plugins":[{"name":"p","vendor":"Test","version":"1.2.3","digest":"d1","state":"ready","pid":7,"started_at":"2026-03-01T11:30:00.000000Z",
			"vehicles":1,"starts":1,"crashes":0}],
		"vehicles":[{"id":"car1","name":"My car","model":"IONIQ 5","plugin":"p"}],
		"counters":{"commands":{"done":1,"refused":0,"failed":0,"expired":0},"dropped":0,"connections":1}}`
	got, err := json.Marshal(info)
	require.NoError(t, err)
	assert.JSONEq(t, want, string(got))

	late := w.client("late")
	kept := make(chan paho.Message, 100)
	confirmed(t, late.Subscribe("hyundai/bridge/+", 1, func(_ paho.Client, m paho.Message) { kept <- m }))
	assert.True(t, await.Value(t, "the info is kept", kept).Retained())
}

func TestInfoOfALargeFleet(t *testing.T) {
	s := newSupervised()
	for n := range 5000 {
		s.cars = append(s.cars, &vehiclev1.Vehicle{Id: fmt.Sprintf("car%04d", n), Name: proto.String(strings.Repeat("ü", 100))})
	}
	w := superviseWorld(t, s, nil)
	m := w.holds("hyundai/bridge/info", "car0000")
	assert.LessOrEqual(t, len(m.Payload()), 64<<10)
	info := decode(t, m)
	assert.EqualValues(t, 5000, len(info["vehicles"].([]any))+int(info["vehicles_left_out"].(float64)))
	assert.Greater(t, len(m.Payload()), 50<<10, "as many as there is room for")
}

// TestAccountAndAvailability through the troubles of a plugin.
func TestAccountAndAvailability(t *testing.T) {
	s := newSupervised("car1")
	var ahead atomic.Int64
	w := superviseWorld(t, s, func(o *mqtt.Options) {
		o.Now = func() time.Time { return observed.Add(30*time.Minute + time.Duration(ahead.Load())) }
		o.AgeInterval = 10 * time.Millisecond
	})
	const account, availability = "hyundai/bridge/account/p", "hyundai/car1/availability"
	assert.JSONEq(t, `{"state":"ready","needs_human":false,"reason":null,"message":null,"breaker":"closed","budget_left":90,"budget_left_background":null,
		"budget_reset_at":"2026-03-01T11:30:00.000000Z","vehicles":1,"program":"1.2.3 (d1)","program_at_path":"1.2.3 (d1)"}`, string(w.holds(account, "").Payload()))
	assert.Equal(t, "sleeping", string(w.holds(availability, "").Payload()), "nothing is known of it, and nobody asks")
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	w.holds(availability, "ready")

	s.happens(t, host.Event{Kind: host.EventHealth, Plugin: "p", Reason: "otp_required", Message: "Log in.", Time: observed}, func(st *host.PluginStatus) {
		st.Health, st.Reason, st.Message = "needs_human", "otp_required", "Log in."
	})
	ev := w.holds("hyundai/bridge/event", "")
	assert.JSONEq(t, `{"event_type":"health","plugin":"p","reason":"otp_required","message":"Log in.","timestamp":"2026-03-01T11:30:00.000000Z"}`, string(ev.Payload()))
	assert.False(t, ev.Retained())
	a := decode(t, w.holds(account, "needs_human\":true"))
	assert.Equal(t, []any{"otp_required", "Log in."}, []any{a["reason"], a["message"]})
	w.holds(availability, "alert")

	// An update lies there.
	s.happens(t, host.Event{Kind: host.EventState}, func(st *host.PluginStatus) {
		st.Available = host.Program{Digest: "9f86d081884c7d659a2feaa0", Version: "1.3.0"}
	})
	a = decode(t, w.holds(account, "1.3.0 (9f86d081)"))
	assert.Equal(t, []any{"1.2.3 (d1)", "1.3.0 (9f86d081)"}, []any{a["program"], a["program_at_path"]})

	// The cloud's trouble is none of the car's.
	s.happens(t, host.Event{Kind: host.EventHealth}, func(st *host.PluginStatus) {
		st.Health, st.Reason, st.Message, st.State, st.Breaker = "degraded", "circuit_open", "Wait.", host.Degraded, "open"
	})
	a = decode(t, w.holds(account, "circuit_open"))
	assert.Equal(t, []any{false, "open", "degraded"}, []any{a["needs_human"], a["breaker"], a["state"]})
	w.holds(availability, "ready")

	// Settings that are refused need somebody, too.
	s.happens(t, host.Event{Kind: host.EventState}, func(st *host.PluginStatus) {
		st.Health, st.Reason, st.Serving, st.Breaker = "", "config_invalid", false, ""
	})
	w.holds(account, "needs_human\":true")
	w.holds(availability, "alert")

	// A crash is over soon; a plugin that does not come back is another matter.
	crash := host.CrashReport{Cause: host.CauseExit, LastLines: []string{"private"}}
	s.happens(t, host.Event{Kind: host.EventCrash, Plugin: "p", State: host.Crashed, PID: 7, Crash: &crash}, func(st *host.PluginStatus) {
		*st = host.PluginStatus{Name: "p", State: host.Backoff}
	})
	ev = w.holds("hyundai/bridge/event", "crash")
	assert.Equal(t, "exit", decode(t, ev)["cause"])
	assert.NotContains(t, string(ev.Payload()), "private")
	w.holds(availability, "ready")
	ahead.Store(int64(31 * time.Second))
	w.holds(availability, "lost")
	s.happens(t, host.Event{Kind: host.EventState}, func(st *host.PluginStatus) { st.State, st.PID, st.Serving = host.Ready, 8, true })
	w.holds(availability, "ready")
	s.happens(t, host.Event{Kind: host.EventState}, func(st *host.PluginStatus) { st.State, st.PID, st.Serving = host.Quarantined, 0, false })
	w.holds(availability, "lost")
	s.happens(t, host.Event{Kind: host.EventState}, func(st *host.PluginStatus) { st.State, st.PID, st.Serving = host.Ready, 9, true })
	w.holds(availability, "ready")

	// Time alone lets it fall asleep, and tells the age; the rest is as it was.
	ahead.Store(int64(31 * time.Minute))
	w.holds(availability, "sleeping")
	assert.JSONEq(t, `{"value":60,"unit":"min","timestamp":"2026-03-01T12:31:00.000000Z"}`, string(w.holds("hyundai/car1/status/age", "60").Payload()))

	// The car leaves the account.
	s.mu.Lock()
	s.cars = nil
	s.mu.Unlock()
	s.add()
	w.holds(availability, "lost")
}
