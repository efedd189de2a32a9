package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/config"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/mosquittotest"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// serviceEnv is the environment of a service whose cloud is there.
func serviceEnv(t *testing.T) (*cloudsim.Cloud, []string) {
	t.Helper()
	demo := cloudsim.DemoAccount()
	cloud := demoCloud(t, demo)
	return cloud, append(endpoints(cloud),
		"HYUNDAI_USERNAME="+demo.Email, "HYUNDAI_PASSWORD="+demo.Password, "HYUNDAI_BRAND=hyundai", "XDG_STATE_HOME="+stateFor(t))
}

// listener hears what the broker of a test is told.
type listener struct {
	paho.Client
	t *testing.T

	mu     sync.Mutex
	latest map[string]string
}

// listen makes one of a client that is connected.
func listen(t *testing.T, client paho.Client) *listener {
	t.Helper()
	l := &listener{Client: client, t: t, latest: map[string]string{}}
	token := l.Subscribe("hyundai/#", 1, func(_ paho.Client, m paho.Message) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.latest[m.Topic()] = string(m.Payload())
	})
	await.Value(t, "the subscription", token.Done())
	require.NoError(t, token.Error())
	return l
}

// holds waits until the last message of a topic holds a text.
func (l *listener) holds(topic, text string) {
	l.t.Helper()
	await.True(l.t, text+" on "+topic, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		payload, heard := l.latest[topic]
		return heard && strings.Contains(payload, text)
	})
}

// TestServiceThatStartsBeforeItsBroker logs in once, and serves when the broker is there;
// it ends cleanly also when that has gone again.
func TestServiceThatStartsBeforeItsBroker(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3", "5"} {
		t.Run("MQTT "+version, func(t *testing.T) {
			t.Parallel()
			startBeforeBroker(t, "MQTT_VERSION="+version)
		})
	}
}

func startBeforeBroker(t *testing.T, version string) {
	t.Helper()
	broker := mosquittotest.New(t)
	cloud, env := serviceEnv(t)
	p := runDemo(t, append(env, version), "--broker", broker.URL())
	p.find(`MQTT: Nothing listens where the MQTT broker should be`)
	p.find(`^Try`) // the cars are read without it

	broker.Start()
	p.find(`MQTT: commands are received again`)
	l := listen(t, mqttClient(t, broker.URL()))
	l.holds("hyundai/bridge/state", "online")
	l.holds("hyundai/bridge/account/hyundai", `"needs_human":false`)
	l.holds("hyundai/"+ioniq+"/availability", "")
	l.Publish("hyundai/"+ioniq+"/commands/refresh", 1, false, `{"mode":"cached","id":"first"}`)
	l.holds("hyundai/"+ioniq+"/responses/refresh", "done")
	l.Publish("hyundai/bridge/request/restart", 1, false, `{"transaction":"again"}`)
	l.holds("hyundai/bridge/response/restart", `"status":"ok"`)
	assert.Equal(t, 1, cloud.Calls(cloudsim.Login), "neither the broker nor the restart costs a login")

	l.Disconnect(100) // it would try to come back for longer than the test lasts
	broker.End(syscall.SIGKILL)
	p.find(`MQTT: `)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.ended() // with status 0
}

// TestServiceThatStops says so to a broker that is there.
func TestServiceThatStops(t *testing.T) {
	t.Parallel()
	authority := mosquittotest.NewAuthority(t)
	cert, key := authority.Issue("hub")
	broker := mosquittotest.New(t, authority.Server()...)
	broker.Start()
	_, env := serviceEnv(t)
	env = append(env, "MQTT_CA_FILE="+authority.File(), "MQTT_CERT_FILE="+cert, "MQTT_KEY_FILE="+key, "MQTT_CLIENT_ID=service")
	url := strings.Replace(broker.URL(), "tcp:", "ssl:", 1)
	p := runDemo(t, env, "--broker", url)
	p.find(`^Try`)

	c, err := config.Load(found(map[string]string{"MQTT_CA_FILE": authority.File(), "MQTT_CERT_FILE": cert, "MQTT_KEY_FILE": key}, map[string]string{"broker": url}))
	require.NoError(t, err)
	client := paho.NewClient(paho.NewClientOptions().AddBroker(url).SetClientID("listener").SetTLSConfig(c.Broker.TLSConfig))
	token := client.Connect()
	await.Value(t, "the connection", token.Done())
	require.NoError(t, token.Error())
	t.Cleanup(func() { client.Disconnect(100) })
	l := listen(t, client)
	l.holds("hyundai/bridge/state", "online")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.ended()
	l.holds("hyundai/bridge/state", "offline")
}

func TestBrokerTLSThatIsNotUnderstood(t *testing.T) {
	t.Parallel()
	authority := mosquittotest.NewAuthority(t)
	cert, key := authority.Issue("hub")
	noPEM := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(noPEM, []byte("text"), 0o600))
	for name, tc := range map[string]struct {
		env   map[string]string
		plain bool
		says  string
	}{
		"without TLS":       {env: map[string]string{"MQTT_CA_FILE": authority.File()}, plain: true, says: "MQTT_USE_TLS"},
		"half a pair":       {env: map[string]string{"MQTT_CERT_FILE": cert}, says: "together"},
		"no such file":      {env: map[string]string{"MQTT_CA_FILE": "/nonexistent"}, says: "MQTT_CA_FILE"},
		"no certificate":    {env: map[string]string{"MQTT_CA_FILE": noPEM}, says: "PEM"},
		"a key that is not": {env: map[string]string{"MQTT_CERT_FILE": cert, "MQTT_KEY_FILE": noPEM}, says: "MQTT_KEY_FILE"},
		"the wrong way":     {env: map[string]string{"MQTT_CERT_FILE": key, "MQTT_KEY_FILE": cert}, says: "MQTT_CERT_FILE"},
	} {
		_, err := config.Load(found(tc.env, map[string]string{"broker": map[bool]string{true: "tcp://a:1", false: "ssl://a:1"}[tc.plain]}))
		require.Error(t, err, name)
		assert.Contains(t, err.Error(), tc.says, name)
	}
}
