//go:build unix

package main

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/mosquittotest"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// TestTheOriginalsSampleIsEnough: the service starts with the sample .env of the Python
// service in its working directory, says what of it has no effect, and what listens to the
// old topics goes on. docs/migrating.md tells the same.
func TestTheOriginalsSampleIsEnough(t *testing.T) {
	t.Parallel()
	broker := mosquittotest.New(t)
	broker.Start()
	at, err := url.Parse(broker.URL())
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(at.Host)
	require.NoError(t, err)
	sample, err := os.ReadFile("testdata/original.env")
	require.NoError(t, err)
	text := strings.Replace(string(sample), "MQTT_BROKER_HOST=localhost", "MQTT_BROKER_HOST="+host, 1)
	text = strings.Replace(text, "MQTT_BROKER_PORT=1883", "MQTT_BROKER_PORT="+port, 1)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".env"), []byte(text), 0o600))
	cloud := demoCloud(t, cloudsim.DemoAccount())

	watcher := listen(t, mqttClient(t, broker.URL()))
	p := &program{t: t, cmd: exec.Command(filepath.Join(binaries, "host-demo")), lines: make(chan string, 10_000)}
	p.cmd.Dir, p.cmd.Stderr = dir, &p.stderr
	p.cmd.Env = append(environ(t), append(endpoints(cloud), "XDG_STATE_HOME="+stateFor(t), "HYUNDAI_LIMITS="+unlimited)...)
	p.start()
	_, before := p.find(`^Try `)
	said := strings.Join(before, "\n")
	assert.Contains(t, said, ".env: MQTT_QOS has no effect")
	assert.Contains(t, said, ".env: REFRESH_INTERVAL has no effect")
	assert.NotContains(t, said, "is not known")

	for topic, want := range map[string]string{
		"battery/level": `"unit":"%"`, "ev/range": `"unit":"km"`, "battery/charging_status": `charging`, "status/doors/locked": `"value":`,
		"status/data_source": `"value":"cached"`, "status/last_updated": `"value":"`, "status/location/latitude": `"value":`,
	} {
		watcher.holds("hyundai/"+ioniq+"/"+topic, want)
	}
	for _, c := range []struct{ payload, method string }{{"smart:60", "smart"}, {"force", "force"}, {"cached", "cached"}} {
		token := watcher.Publish("hyundai/"+ioniq+"/commands/refresh", 1, false, c.payload)
		await.Value(t, "the broker's acknowledgement", token.Done())
		watcher.holds("hyundai/"+ioniq+"/status/update_method", `"value":"`+c.method+`"`)
	}
	watcher.holds("hyundai/"+ioniq+"/status/error", "null")
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	p.ended()
}

// TestThePageAboutMigratingNamesEveryVariable of the sample.
func TestThePageAboutMigratingNamesEveryVariable(t *testing.T) {
	page, err := os.ReadFile("../../docs/migrating.md")
	require.NoError(t, err)
	sample, err := os.ReadFile("testdata/original.env")
	require.NoError(t, err)
	for _, name := range regexp.MustCompile(`(?m)^([A-Z_]+)=`).FindAllStringSubmatch(string(sample), -1) {
		assert.Contains(t, string(page), "`"+name[1]+"`")
	}
}
