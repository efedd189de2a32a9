package mqtt_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/mosquittotest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// connecting is a bridge whose client tries to connect until the test ends.
func connecting(t *testing.T, o *paho.ClientOptions, f mqtt.Fleet) *mqtt.Bridge {
	t.Helper()
	hub, err := mqtt.NewPaho(o, "hyundai")
	require.NoError(t, err)
	b, err := mqtt.New(mqtt.Options{Client: hub, Fleet: f, NoInitialRefresh: true, ProbeInterval: -1})
	require.NoError(t, err)
	b.Start()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = hub.Connect(ctx) // the bridge tells why not
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		require.NoError(t, b.Stop(await.Context(t, "the bridge stops")))
		hub.Client().Disconnect(100)
	})
	return b
}

// troubled waits for a trouble of the bridge.
func troubled(t *testing.T, b *mqtt.Bridge, kind mqtt.TroubleKind) {
	t.Helper()
	await.True(t, "the trouble "+string(kind), func() bool { return b.Trouble() != nil && b.Trouble().Kind == kind })
}

func TestMosquittoWithPasswords(t *testing.T) {
	broker := newMosquitto(t, mosquittotest.Passwords(t, "hub", "right")...)
	for name, o := range map[string]*paho.ClientOptions{
		"none": options(broker.URL(), "none"), "wrong": options(broker.URL(), "wrong").SetUsername("hub").SetPassword("wrong"),
		"nobody": options(broker.URL(), "nobody").SetUsername("nobody").SetPassword("right"),
	} {
		t.Run(name, func(t *testing.T) { troubled(t, connecting(t, o, newFleet("car1")), mqtt.TroubleCredentials) })
	}
	t.Run("right", func(t *testing.T) {
		listens(t, connecting(t, options(broker.URL(), "right").SetUsername("hub").SetPassword("right"), newFleet("car1")))
	})
}

// TestMosquittoWithCertificates of an authority of its own, which also wants the hub's.
func TestMosquittoWithCertificates(t *testing.T) {
	authority := mosquittotest.NewAuthority(t)
	broker := newMosquitto(t, authority.Server()...)
	url := strings.Replace(broker.URL(), "tcp:", "ssl:", 1)
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(authority.File())
	require.NoError(t, err)
	require.True(t, roots.AppendCertsFromPEM(pem))
	own, err := tls.LoadX509KeyPair(authority.Issue("hub"))
	require.NoError(t, err)
	foreign, err := tls.LoadX509KeyPair(mosquittotest.NewAuthority(t).Issue("hub"))
	require.NoError(t, err)

	for name, config := range map[string]*tls.Config{
		"another authority": {}, "no certificate": {RootCAs: roots}, "another's certificate": {RootCAs: roots, Certificates: []tls.Certificate{foreign}},
	} {
		t.Run(name, func(t *testing.T) {
			config.MinVersion = tls.VersionTLS12
			troubled(t, connecting(t, options(url, "hub").SetTLSConfig(config), newFleet("car1")), mqtt.TroubleTLS)
		})
	}
	t.Run("all right", func(t *testing.T) {
		config := &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}
		listens(t, connecting(t, options(url, "hub").SetTLSConfig(config), newFleet("car1")))
	})
}

// TestMosquittoWithAccessRules as docs/mqtt.md gives them: the hub can do all that it does.
func TestMosquittoWithAccessRules(t *testing.T) {
	document, err := os.ReadFile("../../docs/mqtt.md")
	require.NoError(t, err)
	_, rules, found := strings.Cut(string(document), "    user hub\n")
	require.True(t, found)
	rules, _, _ = strings.Cut(rules, "\n\n")
	rules = "topic readwrite #\nuser hub\n" + strings.ReplaceAll(rules, "    ", "") + "\n" // first what everybody without a name may do
	config := append(mosquittotest.AccessRules(t, rules), mosquittotest.Passwords(t, "hub", "x")...)
	config[slices.Index(config, "allow_anonymous false")] = "allow_anonymous true"
	broker := newMosquitto(t, config...)

	s := newSupervised("car1")
	b := connecting(t, options(broker.URL(), "hub").SetUsername("hub").SetPassword("x"), s)
	listens(t, b)
	w := &world{t: t, broker: broker.URL(), latest: map[string]paho.Message{}, messages: make(chan paho.Message, 10_000)}
	w.listener = w.client("other")
	w.subscribe("#")
	assert.Equal(t, "ok", w.ask("ping", "{}")["status"])
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	w.holds("hyundai/car1/status/last_updated", "2026")
	w.holds("hyundai/bridge/info", "car1")
	w.publish("hyundai/car1/commands/refresh", `{"mode":"force","id":"kept"}`, true)
	answer := decode(t, w.holds("hyundai/car1/responses/refresh", "kept"))
	assert.Equal(t, "retained", answer["code"], "the hub reads its own fence")
	w.publish("hyundai/bridge/request/restart", "{}", false)
	assert.Equal(t, "p", await.Value(t, "the restart", s.restarts))
}

// TestMosquittoThatKeepsCommandsToItself: it grants the subscription all the same.
func TestMosquittoThatKeepsCommandsToItself(t *testing.T) {
	for name, tc := range map[string]struct {
		rules string
		warns bool
	}{
		"no right to read": {"topic write hyundai/#\ntopic read hyundai/bridge/#\n", true},
		"a right to read":  {"topic write hyundai/#\ntopic read hyundai/bridge/#\ntopic read hyundai/+/commands/+\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			broker := newMosquitto(t, mosquittotest.AccessRules(t, tc.rules)...)
			var log await.Log
			hub, err := mqtt.NewPaho(options(broker.URL(), "hub"), "hyundai")
			require.NoError(t, err)
			require.NoError(t, hub.Connect(await.Context(t, "the client connects")))
			t.Cleanup(func() { hub.Client().Disconnect(100) })
			b, err := mqtt.New(mqtt.Options{
				Client: hub, Fleet: newFleet("car1"), NoInitialRefresh: true, ProbeInterval: -1, StateDir: t.TempDir(),
				Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			require.NoError(t, err)
			b.Start()
			listens(t, b)
			if tc.warns {
				await.True(t, "it is told", func() bool { return strings.Contains(log.String(), "does not come back") })
			}
			require.NoError(t, b.Stop(await.Context(t, "the bridge stops")))
			assert.Equal(t, tc.warns, strings.Contains(log.String(), "does not come back"))
		})
	}
}

// TestMosquittoWithAPacketLimit gets all that is shorter.
func TestMosquittoWithAPacketLimit(t *testing.T) {
	broker := newMosquitto(t, "max_packet_size 4000")
	f := answering(func() *vehiclev1.VehicleData {
		data := snapshot("car1")
		data.Vehicle.Model = proto.String(strings.Repeat("x", 5000))
		return data
	})
	w := newWorldAt(t, broker.URL(), f, func(o *mqtt.Options) { o.Now = time.Now })
	w.publish("hyundai/car1/commands/refresh", "cached", false)
	w.holds("hyundai/car1/status/last_updated", "2026")
	assert.Nil(t, w.latest["hyundai/car1/info/model"])
	assert.NotNil(t, w.latest["hyundai/car1/battery/level"])
}
