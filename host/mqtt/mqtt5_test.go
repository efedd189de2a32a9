package mqtt_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/mosquittotest"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/mqtt5"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// newWorld5 is a world on a Mosquitto whose bridge speaks MQTT 5.
func newWorld5(t *testing.T, broker *mosquittotest.Broker, f mqtt.Fleet, change func(*mqtt.Options)) *world {
	t.Helper()
	return newWorldAt(t, broker.URL(), nil, func(o *mqtt.Options) {
		o.Fleet, o.Client = f, speak5(t, broker.URL(), "hub")
		if change != nil {
			change(o)
		}
	})
}

// asker is a client of MQTT 5 that gives commands, and gets what is sent to it.
type asker struct {
	*autopaho.ConnectionManager
	t   *testing.T
	got chan *paho.Publish
}

func newAsker(t *testing.T, broker string, topics ...string) *asker {
	t.Helper()
	a := &asker{t: t, got: make(chan *paho.Publish, 1000)}
	c := config5(t, broker, "asker")
	c.OnPublishReceived = append(c.OnPublishReceived, func(r paho.PublishReceived) (bool, error) {
		a.got <- r.Packet
		return true, nil
	})
	var err error
	a.ConnectionManager, err = autopaho.NewConnection(context.Background(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Disconnect(await.Context(t, "the asker leaves"))) })
	require.NoError(t, a.AwaitConnection(await.Context(t, "the asker connects")))
	for _, topic := range topics {
		_, err := a.Subscribe(await.Context(t, "a subscription"), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1}}})
		require.NoError(t, err)
	}
	return a
}

func (a *asker) publish(topic, payload string, properties *paho.PublishProperties) {
	a.t.Helper()
	_, err := a.Publish(await.Context(a.t, "the broker confirms"), &paho.Publish{Topic: topic, Payload: []byte(payload), QoS: 1, Properties: properties})
	require.NoError(a.t, err)
}

// states are those of the answers up to the one that ends a command; each has the sender's
// correlation data.
func (a *asker) states(correlation string) (all []string) {
	a.t.Helper()
	for {
		m := await.Value(a.t, "an answer", a.got)
		require.Equal(a.t, correlation, string(m.Properties.CorrelationData), "%s: %s", m.Topic, m.Payload)
		state := text(decodeBytes(a.t, m.Payload)["state"])
		all = append(all, state)
		switch mqtt.Stage(state) {
		case mqtt.StageDone, mqtt.StageRefused, mqtt.StageFailed, mqtt.StageExpired:
			return all
		}
	}
}

// TestAnswersGoWhereTheSenderWants, and to the bridge's own topics as well.
func TestAnswersGoWhereTheSenderWants(t *testing.T) {
	broker := newMosquitto(t)
	s := newSupervised("car1", "car2")
	w := newWorld5(t, broker, s, nil)
	a := newAsker(t, broker.URL(), "answers/#")
	to := func(topic, correlation string) *paho.PublishProperties {
		return &paho.PublishProperties{ResponseTopic: topic, CorrelationData: []byte(correlation)}
	}

	a.publish("hyundai/car1/commands/refresh", "cached", to("answers/me", "\x00one"))
	assert.Equal(t, []string{"accepted", "done"}, a.states("\x00one"))
	assert.Equal(t, "done", w.answers("car1")[1]["state"])
	a.publish("hyundai/car1/commands/refresh", "nonsense", to("answers/me", "two"))
	assert.Equal(t, []string{"refused"}, a.states("two"))
	a.publish("hyundai/all/commands/refresh", "cached", to("answers/me", "three"))
	assert.Equal(t, []string{"accepted", "done"}, a.states("three"), "of the whole, not of each car")
	a.publish("hyundai/car1/commands/schedule", "off", to("answers/me", "four"))
	assert.Equal(t, []string{"done"}, a.states("four"))

	answer := func(correlation string) map[string]any {
		m := await.Value(t, "an answer", a.got)
		assert.Equal(t, correlation, string(m.Properties.CorrelationData))
		return decodeBytes(t, m.Payload)
	}
	a.publish("hyundai/bridge/request/ping", `{"transaction":"t"}`, to("answers/me", "five"))
	assert.Equal(t, []any{"ok", "t"}, []any{answer("five")["status"], decode(t, w.answered("ping"))["transaction"]})
	a.publish("hyundai/bridge/request/refresh", `{"vehicle":"car1","mode":"cached"}`, to("answers/me", "six"))
	assert.Equal(t, "done", answer("six")["data"].(map[string]any)["state"])

	// Topics that cannot be, or would mislead others, get nothing; the command is served.
	for _, topic := range []string{"hyundai/car1/battery/level", "$SYS/x", "answers/" + strings.Repeat("x", 1100)} {
		a.publish("hyundai/bridge/request/ping", `{}`, to(topic, "no"))
		assert.Equal(t, "ok", decode(t, w.answered("ping"))["status"])
	}
	a.publish("hyundai/bridge/request/ping", `{}`, to("answers/me", strings.Repeat("x", 1100)))
	w.answered("ping")
	a.publish("hyundai/bridge/request/ping", `{}`, to("answers/me", "last"))
	answer("last")
}

// TestExpiryOfCommands: the sender says how long a command is good for.
func TestExpiryOfCommands(t *testing.T) {
	broker := newMosquitto(t)
	f := newFleet("car1")
	var calls atomic.Int64
	f.refresh = func(ctx context.Context, mode shared.Mode, id string, _ time.Duration) (*vehiclev1.VehicleData, error) {
		if calls.Add(1); mode == shared.ModeForce {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return snapshot(id), nil
	}
	client, manager := newMQTT5(t, config5(t, broker.URL(), "hub"))
	w := newWorldAt(t, broker.URL(), f, func(o *mqtt.Options) { o.Client = client })
	a := newAsker(t, broker.URL())
	expires := func(seconds uint32) *paho.PublishProperties {
		return &paho.PublishProperties{MessageExpiry: &seconds}
	}
	a.publish("hyundai/car1/commands/refresh", "force", expires(1))
	answers := w.answers("car1")
	assert.Equal(t, "expired", answers[len(answers)-1]["state"], "and not after 180 s")

	// A hub that was off does not know for how long commands have waited, but the broker
	// knows how long they are good for.
	require.NoError(t, w.bridge.Stop(await.Context(t, "the bridge stops")))
	require.NoError(t, manager.Disconnect(await.Context(t, "the hub leaves")))
	a.publish("hyundai/car1/commands/refresh", `{"mode":"cached","id":"unsaid"}`, nil)
	a.publish("hyundai/car1/commands/refresh", `{"mode":"cached","id":"said"}`, expires(100))
	calls.Store(0)
	w.start(mqtt.Options{Client: speak5(t, broker.URL(), "hub"), Fleet: f, NoInitialRefresh: true, ProbeInterval: -1})
	ends := map[string]string{}
	for len(ends) < 2 {
		answers := w.answers("car1")
		end := answers[len(answers)-1]
		ends[text(end["id"])] = text(end["state"])
	}
	assert.Equal(t, map[string]string{"unsaid": "expired", "said": "done"}, ends)
	assert.EqualValues(t, 1, calls.Load())
}

// TestRetainedCommandsOfMQTT5 are refused, at the start and live; the broker says that they
// were retained, so nothing of the bridge's own is needed to know.
func TestRetainedCommandsOfMQTT5(t *testing.T) {
	broker := newMosquitto(t)
	a := newAsker(t, broker.URL())
	retain := func(id string) {
		_, err := a.Publish(await.Context(t, "the broker confirms"), &paho.Publish{
			Topic: "hyundai/car1/commands/refresh", Payload: []byte(`{"mode":"force","id":"` + id + `"}`), QoS: 1, Retain: true,
		})
		require.NoError(t, err)
	}
	retain("start")
	f := newFleet("car1")
	w := newWorld5(t, broker, f, nil)
	for _, id := range []string{"start", "live"} {
		if id == "live" {
			retain(id)
		}
		answer := w.answers("car1")[0]
		assert.Equal(t, []any{id, "retained"}, []any{answer["id"], answer["code"]})
	}
	assert.Empty(t, w.held("hyundai/car1/commands/#"), "they are taken off the broker")
}

// TestWhatTheBrokerRefuses is left out and said, once; the rest is published.
func TestWhatTheBrokerRefuses(t *testing.T) {
	broker := newMosquitto(t, append(mosquittotest.AccessRules(t, "topic readwrite #\ntopic deny hyundai/car1/evcc/#\n"), "max_packet_size 30000")...)
	var log await.Log
	data := snapshot("car1")
	data.Vehicle.Name = proto.String(strings.Repeat("x", 40_000))
	w := newWorld5(t, broker, answering(func() *vehiclev1.VehicleData { return data }), func(o *mqtt.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	for range 2 {
		w.publish("hyundai/car1/commands/refresh", "cached", false)
		served := <-w.served
		require.NoError(t, served.Err)
		require.NoError(t, served.Unpublished)
	}
	held := w.held("hyundai/car1/#")
	assert.Contains(t, held["hyundai/car1/battery/level"], "76.5")
	assert.NotContains(t, held, "hyundai/car1/evcc/soc")
	assert.NotContains(t, held, "hyundai/car1/info/name")
	assert.Equal(t, 1, strings.Count(log.String(), "the broker does not take a value"))
}

// TestTroubleOfMQTT5 is told with its cause.
func TestTroubleOfMQTT5(t *testing.T) {
	passwords := newMosquitto(t, mosquittotest.Passwords(t, "hub", "right")...)
	rules := newMosquitto(t, mosquittotest.AccessRules(t, "topic readwrite #\n")...)
	dead := mosquittotest.New(t)
	bridge := func(t *testing.T, c autopaho.ClientConfig) *mqtt.Bridge {
		t.Helper()
		client, _ := newMQTT5(t, c)
		b, err := mqtt.New(mqtt.Options{Client: client, Fleet: newFleet("car1"), NoInitialRefresh: true, ProbeInterval: -1})
		require.NoError(t, err)
		b.Start()
		t.Cleanup(func() { require.NoError(t, b.Stop(await.Context(t, "the bridge stops"))) })
		return b
	}
	t.Run("password", func(t *testing.T) {
		c := config5(t, passwords.URL(), "wrong")
		c.ConnectUsername, c.ConnectPassword = "hub", []byte("wrong")
		troubled(t, bridge(t, c), mqtt.TroubleCredentials)
	})
	t.Run("nobody", func(t *testing.T) {
		troubled(t, bridge(t, config5(t, dead.URL(), "hub")), mqtt.TroubleUnreachable)
	})
	t.Run("no TLS", func(t *testing.T) {
		troubled(t, bridge(t, config5(t, strings.Replace(rules.URL(), "tcp:", "ssl:", 1), "hub")), mqtt.TroubleTLS)
	})
	t.Run("two of a name", func(t *testing.T) {
		b := bridge(t, config5(t, rules.URL(), "hub"))
		listens(t, b)
		speak5(t, rules.URL(), "hub")
		await.True(t, "it says so", func() bool {
			trouble := b.Trouble()
			return trouble != nil && trouble.Kind == mqtt.TroubleHungUp && strings.Contains(trouble.Message, "same client id")
		})
	})
}

// TestOfflineOfMQTT5: the bridge says that it stops, and the broker that it was killed.
func TestOfflineOfMQTT5(t *testing.T) {
	broker := newMosquitto(t)
	client, manager := newMQTT5(t, config5(t, broker.URL(), "hub"))
	w := newWorldAt(t, broker.URL(), newFleet("car1"), func(o *mqtt.Options) { o.Client = client })
	w.holds("hyundai/bridge/state", "online")
	manager.TerminateConnectionForTest()
	w.holds("hyundai/bridge/state", "offline")
	w.holds("hyundai/bridge/state", "online")
	require.NoError(t, w.bridge.Stop(await.Context(t, "the bridge stops")))
	w.holds("hyundai/bridge/state", "offline")
}

// TestStopOfMQTT5WithoutABroker is quick, though answers wait.
func TestStopOfMQTT5WithoutABroker(t *testing.T) {
	broker := newMosquitto(t)
	w := newWorld5(t, broker, newFleet("car1"), nil)
	broker.End(syscall.SIGKILL)
	await.True(t, "the hub knows", func() bool { return w.bridge.Trouble() != nil })
	require.NoError(t, w.bridge.Stop(await.Context(t, "the bridge stops")))
}

func TestConfigurationsThatMQTT5Refuses(t *testing.T) {
	for want, change := range map[string]func(*autopaho.ClientConfig){
		"has no id":                     func(c *autopaho.ClientConfig) { c.ClientID = "" },
		"a will of its own":             func(c *autopaho.ClientConfig) { c.WillMessage = &paho.WillMessage{Topic: "x"} },
		"CleanStartOnInitialConnection": func(c *autopaho.ClientConfig) { c.CleanStartOnInitialConnection = true },
		"EnableManualAcknowledgment":    func(c *autopaho.ClientConfig) { c.EnableManualAcknowledgment = true },
		"no valid base topic":           nil,
	} {
		c, base := config5(t, "tcp://127.0.0.1:1", "hub"), "hyundai"
		if change == nil {
			base = "a/#"
		} else {
			change(&c)
		}
		_, err := mqtt5.New(c, base)
		assert.ErrorContains(t, err, want)
	}
	_, err := mqtt5.New(config5(t, "tcp://127.0.0.1:1", "hub"), "hyundai")
	assert.NoError(t, err)
}
