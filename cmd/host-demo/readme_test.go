package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/host-demo/internal/broker"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// readmeHub is the hub that README.md tells others to write, as a program.
const readmeHub = `package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
)

func run(ctx context.Context) error {
%s
	<-ctx.Done()
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
`

// buildReadmeHub builds that program, with a broker, a plugin and an account of the test's.
func buildReadmeHub(t *testing.T, replace map[string]string) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, after, ok := strings.Cut(string(readme), "```go\n")
	require.True(t, ok)
	code, _, ok := strings.Cut(after, "```")
	require.True(t, ok)
	for old, with := range replace {
		require.Equal(t, 1, strings.Count(code, old), "%s in README.md", old)
		code = strings.Replace(code, old, with, 1)
	}
	dir := t.TempDir()
	source, overlay := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(source, fmt.Appendf(nil, readmeHub, code), 0o600))
	here, err := filepath.Abs(".")
	require.NoError(t, err)
	at := filepath.Join(filepath.Dir(here), "readme-hub") // it is there for the compiler only
	files, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(at, "main.go"): source}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, files, 0o600))
	program := filepath.Join(dir, "hub")
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-o", program, at)
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

// TestTheReadmesHub survives a broker that restarts and has forgotten everything.
func TestTheReadmesHub(t *testing.T) {
	t.Parallel()
	demo := cloudsim.DemoAccount()
	cloud := demoCloud(t, demo)
	first, err := broker.Start()
	require.NoError(t, err)
	settings, err := json.Marshal(map[string]any{
		"username": demo.Email, "password": demo.Password, "brand": demo.Brand,
		"endpoints": map[string]string{"login": cloud.URL(), "cci": cloud.URL(), "api": cloud.URL()},
	})
	require.NoError(t, err)
	program := buildReadmeHub(t, map[string]string{
		`/usr/local/lib/hub/hyundai-plugin`: filepath.Join(binaries, "hyundai-plugin"), `/var/lib/hub`: stateFor(t), `tcp://192.168.1.5:1883`: first.URL(),
		`{"username":"me@example.com","password":"…","brand":"hyundai"}`: string(settings),
	})
	hub := exec.CommandContext(t.Context(), program)
	var log await.Log
	hub.Stderr = &log
	require.NoError(t, hub.Start())
	ended := make(chan error, 1)
	go func() { ended <- hub.Wait() }()

	works := func(at *broker.Broker) {
		t.Helper()
		client := mqttClient(t, at.URL())
		defer client.Disconnect(100) // before the broker goes
		levels, answers := make(chan struct{}, 100), make(chan string, 100)
		subscribe := func(topic string, f func(paho.Message)) {
			token := client.Subscribe("hyundai/"+ioniq+"/"+topic, 1, func(_ paho.Client, m paho.Message) { f(m) })
			await.Value(t, "the broker's acknowledgement", token.Done())
		}
		subscribe("battery/level", func(paho.Message) { levels <- struct{}{} })
		subscribe("responses/refresh", func(m paho.Message) { answers <- string(m.Payload()) })
		await.Value(t, "the car's state", levels)
		await.True(t, "a command is answered", func() bool {
			client.Publish("hyundai/"+ioniq+"/commands/refresh", 1, false, `{"mode":"cached"}`)
			select {
			case a := <-answers:
				return strings.Contains(a, `"done"`) || strings.Contains(await.Value(t, "the end", answers), `"done"`)
			default:
				return false
			}
		})
	}
	works(first)
	require.NoError(t, first.Close(await.Context(t, "the broker's end")))
	second, err := broker.StartAt(first.Address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, second.Close(await.Context(t, "the broker's end"))) })
	works(second)

	require.NoError(t, hub.Process.Signal(syscall.SIGTERM))
	require.NoError(t, await.Value(t, "the hub's end", ended), log.String())
	assert.Empty(t, log.String())
	assert.Equal(t, 1, cloud.Calls(cloudsim.Login))
}
