package mqtt_test

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var observed = time.Date(2026, 3, 1, 11, 30, 0, 0, time.UTC)

// snapshot is a car with something of every kind of value.
func snapshot(id string) *vehiclev1.VehicleData {
	return &vehiclev1.VehicleData{
		Vehicle:  &vehiclev1.Vehicle{Id: id, Vin: proto.String("KMHSECRET00000001"), Name: proto.String("My car"), EngineType: vehiclev1.EngineType_ENGINE_TYPE_EV.Enum()},
		Battery:  &vehiclev1.Battery{Soc: proto.Float64(76.5), Soh: proto.Float64(0), Energy: proto.Float64(61.21)},
		Charging: &vehiclev1.Charging{Charging: proto.Bool(true), PluggedIn: proto.Bool(true), TimeToLimit: proto.Float64(45)},
		Range:    &vehiclev1.Range{Electric: proto.Float64(310)},
		Schedule: &vehiclev1.Schedule{
			OffPeakStart:   proto.Int32(22 * 60),
			Departure1Days: &vehiclev1.Weekdays{Days: []vehiclev1.Weekday{vehiclev1.Weekday_WEEKDAY_MONDAY, vehiclev1.Weekday_WEEKDAY_FRIDAY}},
		},
		AuxBattery: &vehiclev1.AuxBattery{Soc: proto.Float64(85)},
		Doors:      &vehiclev1.Doors{Locked: proto.Bool(true)},
		Windows:    &vehiclev1.Windows{FrontLeftOpen: proto.Bool(true), FrontRightOpen: proto.Bool(false)},
		Climate:    &vehiclev1.Climate{On: proto.Bool(false)},
		Seats:      &vehiclev1.Seats{FrontLeft: vehiclev1.SeatClimate_SEAT_CLIMATE_MEDIUM_HEAT.Enum(), FrontRight: vehiclev1.SeatClimate_SEAT_CLIMATE_OFF.Enum()},
		Location:   &vehiclev1.Location{Latitude: proto.Float64(52.5), Longitude: proto.Float64(13.4), ObservedAt: proto.Int64(observed.Add(-time.Hour).UnixMilli())},
		Extra: []*vehiclev1.ExtraAttribute{{
			Key: "in_park", Value: &vehiclev1.ExtraAttribute_Flag{Flag: true},
			Attribute: &vehiclev1.Attribute{Name: "In park", Topic: "extra/in_park", Quantity: vehiclev1.Quantity_QUANTITY_SWITCH, Retained: true},
		}},
		Refresh: &vehiclev1.Refresh{
			ObservedAt: proto.Int64(observed.UnixMilli()), Source: vehiclev1.Source_SOURCE_FRESH.Enum(), Method: vehiclev1.Method_METHOD_FORCE.Enum(),
			Verdict: vehiclev1.Verdict_VERDICT_FRESH.Enum(),
		},
	}
}

// fleet is a host whose one plugin is a function.
type fleet struct {
	mu      sync.Mutex
	cars    []*vehiclev1.Vehicle
	changed chan struct{}
	updates chan *vehiclev1.VehicleData
	// schedule of all cars; without JSON the plugin does not tell it.
	schedule shared.Schedule
	refresh  func(ctx context.Context, mode shared.Mode, id string, maxAge time.Duration) (*vehiclev1.VehicleData, error)
}

func newFleet(ids ...string) *fleet {
	f := &fleet{changed: make(chan struct{}), updates: make(chan *vehiclev1.VehicleData)}
	f.refresh = func(_ context.Context, _ shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		return snapshot(id), nil
	}
	f.add(ids...)
	return f
}

func (f *fleet) add(ids ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		f.cars = append(f.cars, &vehiclev1.Vehicle{Id: id})
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fleet) Vehicles() []*vehiclev1.Vehicle {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cars
}

func (f *fleet) VehiclesChanged() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

func (f *fleet) Update(ctx context.Context) (*vehiclev1.VehicleData, error) {
	select {
	case d := <-f.updates:
		return d, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *fleet) SetSchedule(_ context.Context, id string, schedule json.RawMessage) (json.RawMessage, error) {
	switch {
	case len(schedule) == 0:
		return json.RawMessage(`{"idle":"4h0m0s"}`), nil
	case !json.Valid(schedule):
		return nil, shared.Errorf(shared.ReasonInvalidCommand, "The schedule of %s is not understood.", id)
	case string(schedule) == `"off"`:
		return json.RawMessage(`{}`), nil
	case string(schedule) == `"recommended"`:
		return json.RawMessage(`{"idle":"6h0m0s"}`), nil
	}
	return schedule, nil
}

// Schedule is what f has; a plugin may have none.
func (f *fleet) Schedule(context.Context, string) (shared.Schedule, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.schedule.JSON == nil {
		return f.schedule, shared.NewError(shared.ReasonUnsupported)
	}
	return f.schedule, nil
}

func (f *fleet) Find(_ context.Context, id string) (shared.VehicleRefresher, error) {
	for _, v := range f.Vehicles() {
		if v.GetId() == id {
			return f, nil
		}
	}
	return nil, shared.NewError(shared.ReasonUnknownVehicle)
}

func (f *fleet) Initialize(context.Context, shared.Config) ([]*vehiclev1.Vehicle, error) {
	return nil, nil
}

func (f *fleet) RefreshCached(ctx context.Context, id string) (*vehiclev1.VehicleData, error) {
	return f.refresh(ctx, shared.ModeCached, id, 0)
}

func (f *fleet) RefreshForce(ctx context.Context, id string) (*vehiclev1.VehicleData, error) {
	return f.refresh(ctx, shared.ModeForce, id, 0)
}

func (f *fleet) RefreshSmart(ctx context.Context, id string, maxAge time.Duration) (*vehiclev1.VehicleData, error) {
	return f.refresh(ctx, shared.ModeSmart, id, maxAge)
}

// world is a real broker with the bridge on one client and a listener on
// another.
type world struct {
	t        *testing.T
	broker   string
	listener paho.Client
	messages chan paho.Message
	// latest message of each topic, as far as somebody has looked.
	latest map[string]paho.Message
	served chan mqtt.Served
	hub    *mqtt.Paho
	bridge *mqtt.Bridge
}

// serveBroker is a broker that is there until the test ends.
func serveBroker(t *testing.T, access mochi.Hook, o *mochi.Options, at ...listeners.Listener) *mochi.Server {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	server := mochi.New(o)
	require.NoError(t, server.AddHook(access, nil))
	var open atomic.Int64
	for _, l := range at {
		require.NoError(t, server.AddListener(countedListener{l, &open}))
	}
	require.NoError(t, server.Serve())
	t.Cleanup(func() {
		// A server that is closed while clients are leaving may deadlock.
		await.True(t, "all clients have left", func() bool { return open.Load() == 0 })
		require.NoError(t, server.Close())
	})
	return server
}

// countedListener counts the connections that a server has not done with, those that it
// did not let in as well.
type countedListener struct {
	listeners.Listener
	open *atomic.Int64
}

func (l countedListener) Serve(establish listeners.EstablishFn) {
	l.Listener.Serve(func(id string, c net.Conn) error {
		l.open.Add(1)
		defer l.open.Add(-1)
		return establish(id, c)
	})
}

func newWorld(t *testing.T, f *fleet, change func(*mqtt.Options)) *world {
	t.Helper()
	_, address := newBroker(t, new(auth.AllowHook), nil)
	return newWorldAt(t, "tcp://"+address, f, change)
}

// gone waits until the broker knows that a client has left.
func gone(t *testing.T, server *mochi.Server, id string) {
	t.Helper()
	await.True(t, id+" has left", func() bool {
		c, ok := server.Clients.Get(id)
		return !ok || c.Closed()
	})
}

// newWorldAt is a world on a broker that is there.
func newWorldAt(t *testing.T, broker string, f *fleet, change func(*mqtt.Options)) *world {
	t.Helper()
	w := &world{t: t, broker: broker, latest: map[string]paho.Message{}, messages: make(chan paho.Message, 400_000), served: make(chan mqtt.Served, 100_000)}
	w.listener = w.client("listener")
	w.subscribe("#")
	o := mqtt.Options{
		Fleet: f, NoInitialRefresh: true, ProbeInterval: -1, OnCommand: func(s mqtt.Served) { w.served <- s },
		Now: func() time.Time { return observed.Add(30 * time.Minute) },
	}
	if change != nil {
		change(&o)
	}
	if o.Client == nil {
		w.hub = w.paho("hub", cmp.Or(o.BaseTopic, "hyundai"))
		o.Client = w.hub
	}
	w.bridge = w.start(o)
	return w
}

// start starts a bridge and waits until it gets its commands.
func (w *world) start(o mqtt.Options) *mqtt.Bridge {
	w.t.Helper()
	b, err := mqtt.New(o)
	require.NoError(w.t, err)
	b.Start()
	w.t.Cleanup(func() { require.NoError(w.t, b.Stop(await.Context(w.t, "the bridge stops"))) })
	listens(w.t, b)
	return b
}

func listens(t *testing.T, b *mqtt.Bridge) {
	t.Helper()
	await.True(t, "the bridge gets its commands", func() bool { return b.Trouble() == nil })
}

// options are a hub's, which does not wait long between attempts.
func options(broker, id string) *paho.ClientOptions {
	return paho.NewClientOptions().AddBroker(broker).SetClientID(id).SetMaxReconnectInterval(10 * time.Millisecond)
}

// paho is a client for a bridge, connected.
func (w *world) paho(id, base string) *mqtt.Paho {
	w.t.Helper()
	c, err := mqtt.NewPaho(options(w.broker, id), base)
	require.NoError(w.t, err)
	require.NoError(w.t, c.Connect(await.Context(w.t, "the client connects")))
	w.t.Cleanup(func() { c.Client().Disconnect(100) })
	return c
}

func (w *world) client(id string) paho.Client {
	w.t.Helper()
	c := paho.NewClient(options(w.broker, id).SetCustomOpenConnectionFn(mqtt.Dial))
	token := c.Connect()
	confirmed(w.t, token)
	w.t.Cleanup(func() { c.Disconnect(100) })
	return c
}

// subscribe returns when the broker has looked through all that it keeps: the embedded one
// confirms before it does, and would race with itself, but takes one message of a client
// after the other.
func (w *world) subscribe(filter string) {
	w.t.Helper()
	token := w.listener.Subscribe(filter, 1, func(_ paho.Client, m paho.Message) { w.messages <- m })
	confirmed(w.t, token)
	confirmed(w.t, w.listener.Unsubscribe("nothing"))
}

func (w *world) publish(topic, payload string, retained bool) {
	w.t.Helper()
	token := w.listener.Publish(topic, 1, retained, payload)
	confirmed(w.t, token)
}

// distributed waits until the broker has put by what was published for those who are
// away: it confirms before it does, but takes one message of a client after the other.
func (w *world) distributed() {
	w.t.Helper()
	w.publish("barrier", "", false)
}

// confirmed waits until what the client was asked for is done.
func confirmed(t *testing.T, token paho.Token) {
	t.Helper()
	await.Value(t, "the broker confirms", token.Done())
	require.NoError(t, token.Error())
}

// held is what the broker keeps for a filter. Of the embedded broker, which then races with
// itself, nothing of that may be changing.
func (w *world) held(filter string) map[string]string {
	w.t.Helper()
	held, fence := map[string]string{}, make(chan struct{})
	o := options(w.broker, "looker")
	client := paho.NewClient(o)
	confirmed(w.t, client.Connect())
	defer client.Disconnect(100)
	var mu sync.Mutex
	confirmed(w.t, client.Subscribe("fence", 1, func(paho.Client, paho.Message) { close(fence) }))
	confirmed(w.t, client.Subscribe(filter, 1, func(_ paho.Client, m paho.Message) {
		mu.Lock()
		defer mu.Unlock()
		held[m.Topic()] = string(m.Payload())
	}))
	confirmed(w.t, client.Publish("fence", 1, false, "x"))
	await.Value(w.t, "the broker has said it all", fence)
	mu.Lock()
	defer mu.Unlock()
	return held
}

// next waits for a message, and looks whether it is as docs/asyncapi.yaml says.
func (w *world) next(what string) paho.Message {
	w.t.Helper()
	m := await.Value(w.t, what, w.messages)
	conforms(w.t, m.Topic(), m.Payload())
	w.latest[m.Topic()] = m
	return m
}

// until collects messages of attributes and of what came of commands, up to the one on
// topic.
func (w *world) until(topic string) []paho.Message {
	w.t.Helper()
	var all []paho.Message
	for {
		m := w.next("a message on " + topic)
		if slices.ContainsFunc([]string{"/commands/", "/bridge/", "/responses/", "/availability", "/state", "/evcc/"},
			func(part string) bool { return strings.Contains(m.Topic(), part) }) {
			continue
		}
		if all = append(all, m); m.Topic() == topic {
			return all
		}
	}
}

// answers are those of the next command to a car, up to the one that ends it.
func (w *world) answers(vehicle string) []map[string]any {
	w.t.Helper()
	var all []map[string]any
	for {
		m := w.next("an answer")
		if m.Topic() != "hyundai/"+vehicle+"/responses/refresh" {
			continue
		}
		a := decode(w.t, m)
		all = append(all, a)
		switch mqtt.Stage(a["state"].(string)) {
		case mqtt.StageDone, mqtt.StageRefused, mqtt.StageFailed, mqtt.StageExpired:
			return all
		}
	}
}

func decode(t *testing.T, m paho.Message) map[string]any {
	t.Helper()
	return decodeBytes(t, m.Payload())
}

func decodeBytes(t *testing.T, payload []byte) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal(payload, &v), "%s", payload)
	return v
}
