package mqtt_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/mqtt5"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// version of MQTT: a hub's client for it, connected until the test ends.
type version func(t *testing.T, broker, id string) mqtt.Client

// versions are those that a bridge can speak, by name.
func versions() map[string]version { return map[string]version{"MQTT 3": speak3, "MQTT 5": speak5} }

func speak3(t *testing.T, broker, id string) mqtt.Client {
	t.Helper()
	c, err := mqtt.NewPaho(session(broker, id), "hyundai")
	require.NoError(t, err)
	require.NoError(t, c.Connect(await.Context(t, "the hub connects")))
	t.Cleanup(func() { c.Client().Disconnect(100) })
	return c
}

func speak5(t *testing.T, broker, id string) mqtt.Client {
	t.Helper()
	c, manager := newMQTT5(t, config5(t, broker, id))
	require.NoError(t, manager.AwaitConnection(await.Context(t, "the hub connects")))
	return c
}

// config5 is that of a hub, which does not wait long between attempts.
func config5(t *testing.T, broker, id string) autopaho.ClientConfig {
	t.Helper()
	at, err := url.Parse(broker)
	require.NoError(t, err)
	return autopaho.ClientConfig{
		ServerUrls: []*url.URL{at}, KeepAlive: 1, ReconnectBackoff: autopaho.NewConstantBackoff(10 * time.Millisecond), ConnectTimeout: time.Second,
		ClientConfig: paho.ClientConfig{ClientID: id},
	}
}

// newMQTT5 is a hub's client that connects until the test ends.
func newMQTT5(t *testing.T, c autopaho.ClientConfig) (*mqtt5.Client, *autopaho.ConnectionManager) {
	t.Helper()
	client, err := mqtt5.New(c, "hyundai")
	require.NoError(t, err)
	manager, err := client.Connect(context.Background())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, manager.Disconnect(await.Context(t, "the client leaves"))) })
	return client, manager
}
