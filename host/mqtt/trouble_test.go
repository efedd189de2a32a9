package mqtt_test

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// locked lets in who knows the password.
type locked struct{ auth.AllowHook }

func (locked) OnConnectAuthenticate(_ *mochi.Client, p packets.Packet) bool {
	return string(p.Connect.Password) == "right"
}

// rude hangs up on whoever subscribes.
type rude struct{ auth.AllowHook }

func (rude) Provides(b byte) bool { return b == mochi.OnSubscribe || new(auth.AllowHook).Provides(b) }

func (rude) OnSubscribe(c *mochi.Client, p packets.Packet) packets.Packet {
	c.Stop(errors.New("no subscriptions here"))
	return p
}

// deaf lets nobody subscribe to commands, for a while.
type deaf struct {
	auth.AllowHook
	over *atomic.Bool
}

func (d deaf) OnACLCheck(_ *mochi.Client, topic string, write bool) bool {
	return write || d.over.Load() || !strings.Contains(topic, "/commands/")
}

// TestTroubleIsToldWithItsCause, and never ends the bridge.
func TestTroubleIsToldWithItsCause(t *testing.T) {
	_, open := newBroker(t, new(auth.AllowHook), nil)
	_, guarded := newBroker(t, new(locked), nil)
	_, hangsUp := newBroker(t, new(rude), nil)
	web := httptest.NewTLSServer(nil) // it has a certificate
	defer web.Close()
	secured := listeners.NewTCP(listeners.Config{ID: "tls", Address: "127.0.0.1:0", TLSConfig: &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}})
	serveBroker(t, new(auth.AllowHook), &mochi.Options{}, secured)
	nobody := lay(t, "")
	_ = nobody.listener.Close()
	for name, tc := range map[string]struct {
		broker string
		kind   mqtt.TroubleKind
		says   string
		change func(*paho.ClientOptions)
	}{
		"nobody listens":        {broker: nobody.url, kind: mqtt.TroubleUnreachable, says: "address and port"},
		"no such name":          {broker: "tcp://no-such-broker.invalid:1883", kind: mqtt.TroubleUnknownHost, says: "name"},
		"no password":           {broker: "tcp://" + guarded, kind: mqtt.TroubleCredentials, says: "password"},
		"wrong password":        {broker: "tcp://" + guarded, kind: mqtt.TroubleCredentials, says: "password", change: func(o *paho.ClientOptions) { o.SetUsername("hub").SetPassword("wrong") }},
		"TLS at a plain port":   {broker: "ssl://" + open, kind: mqtt.TroubleTLS, says: "does not speak TLS", change: func(o *paho.ClientOptions) { o.SetConnectTimeout(100 * time.Millisecond) }},
		"plain at a TLS port":   {broker: "tcp://" + secured.Address(), kind: mqtt.TroubleLost, says: "TLS"},
		"unknown authority":     {broker: "ssl://" + secured.Address(), kind: mqtt.TroubleTLS, says: "authority"},
		"hangs up on subscribe": {broker: "tcp://" + hangsUp, kind: mqtt.TroubleHungUp, says: "client id"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(tc.broker, "hub")
			if tc.change != nil {
				tc.change(o)
			}
			hub, err := mqtt.NewPaho(o, "hyundai")
			require.NoError(t, err)
			var log await.Log
			told := make(chan *mqtt.Trouble, 1000)
			b, err := mqtt.New(mqtt.Options{
				Client: hub, Fleet: newFleet("car1"), NoInitialRefresh: true, OnTrouble: func(t *mqtt.Trouble) { told <- t },
				Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			require.NoError(t, err)
			b.Start()
			connected := make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				defer close(connected)
				_ = hub.Connect(ctx) // it may never
			}()
			await.True(t, "it is told", func() bool { return b.Trouble() != nil && b.Trouble().Kind == tc.kind })
			assert.Contains(t, b.Trouble().Error(), tc.says)
			await.True(t, "the event", func() bool { got := await.Value(t, "an event", told); return got != nil && got.Kind == tc.kind })
			assert.Contains(t, log.String(), "kind="+string(tc.kind))
			cancel()
			<-connected
			require.NoError(t, b.Stop(await.Context(t, "the bridge stops")))
			hub.Client().Disconnect(100)
		})
	}
}

// TestTwoClientsWithOneID throw each other out for ever. A broker in this process lets
// both stay if they come at the same moment.
func TestTwoClientsWithOneID(t *testing.T) {
	w := newWorldAt(t, newMosquitto(t).URL(), newFleet("car1"), nil)
	other := paho.NewClient(options(w.broker, "hub"))
	confirmed(t, other.Connect())
	defer other.Disconnect(100)
	await.True(t, "it is told", func() bool { return w.bridge.Trouble() != nil && w.bridge.Trouble().Kind == mqtt.TroubleHungUp })
	assert.Contains(t, w.bridge.Trouble().Message, "client id")
}

// TestSubscriptionThatIsRefused is no success, and is tried again.
func TestSubscriptionThatIsRefused(t *testing.T) {
	hook := &deaf{over: &atomic.Bool{}}
	_, at := newBroker(t, hook, nil)
	line := lay(t, at)
	hub, err := mqtt.NewPaho(options(line.url, "hub"), "hyundai")
	require.NoError(t, err)
	require.NoError(t, hub.Connect(t.Context()))
	b, err := mqtt.New(mqtt.Options{Client: hub, Fleet: newFleet("car1"), NoInitialRefresh: true})
	require.NoError(t, err)
	b.Start()
	await.True(t, "it is told", func() bool { return b.Trouble() != nil && b.Trouble().Kind == mqtt.TroubleRefused })
	require.ErrorIs(t, b.Trouble(), mqtt.ErrSubscriptionRefused)
	require.ErrorContains(t, errors.Unwrap(b.Trouble()), "hyundai/+/commands/refresh")
	hook.over.Store(true)
	line.lead(at)
	listens(t, b)
	require.NoError(t, b.Stop(await.Context(t, "the bridge stops")))
	hub.Client().Disconnect(100)
}

// TestOptionsThatTheBridgeCannotUse are refused with a sentence.
func TestOptionsThatTheBridgeCannotUse(t *testing.T) {
	_, err := mqtt.NewPaho(paho.NewClientOptions(), "hyundai")
	require.ErrorContains(t, err, "SetClientID")
	_, err = mqtt.NewPaho(paho.NewClientOptions().SetClientID("hub").SetWill("hub/state", "gone", 1, true), "hyundai")
	require.ErrorContains(t, err, "hub/state")
	_, err = mqtt.NewPaho(paho.NewClientOptions().SetClientID("hub"), "a/#")
	require.ErrorContains(t, err, "base topic")
	hub, err := mqtt.NewPaho(paho.NewClientOptions().SetClientID("hub"), "cars")
	require.NoError(t, err)
	_, err = mqtt.New(mqtt.Options{Client: hub, Fleet: newFleet()})
	require.ErrorContains(t, err, "cars/bridge/state")
}

// TestTheHubsOwnHandlersAreCalled as before.
func TestTheHubsOwnHandlersAreCalled(t *testing.T) {
	w := newWorld(t, newFleet("car1"), nil)
	messages, notes := make(chan string, 100), make(chan paho.ConnectionNotificationType, 100)
	o := options(w.broker, "second").
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { messages <- m.Topic() }).
		SetConnectionNotificationHandler(func(_ paho.Client, n paho.ConnectionNotification) { notes <- n.Type() })
	hub, err := mqtt.NewPaho(o, "hyundai")
	require.NoError(t, err)
	require.NoError(t, hub.Connect(t.Context()))
	defer hub.Client().Disconnect(100)
	confirmed(t, hub.Client().Subscribe("somebody/elses", 1, nil))
	w.publish("somebody/elses", "x", false)
	assert.Equal(t, "somebody/elses", await.Value(t, "the hub's message", messages))
	for await.Value(t, "the hub's notification", notes) != paho.ConnectionNotificationTypeConnected {
	}
}
