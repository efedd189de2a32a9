//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/metrics"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

// What must not be seen where it does not belong.
const (
	canaryEmail    = "canary.person@example.org"
	canaryPassword = "canary-Pa55word-q7"
	canaryPIN      = "826413"
	canaryVIN      = "KMHCANARY00000042"
	canaryLat      = -41.876512
	canaryLon      = 173.283941
)

// places are texts by where they were found.
type places struct {
	mu    sync.Mutex
	texts map[string]*strings.Builder
}

func (p *places) add(where, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.texts[where] == nil {
		p.texts[where] = &strings.Builder{}
	}
	p.texts[where].WriteString(text + "\n")
}

// text that was found somewhere so far, and whether there was any.
func (p *places) text(where string) (text string, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.texts[where] == nil {
		return "", false
	}
	return p.texts[where].String(), true
}

// TestCanary lets everything happen that leaves a trace, and looks for secrets in
// the traces.
func TestCanary(t *testing.T) {
	t.Parallel()
	car := cloudsim.Fleet(1)[0]
	car.VIN, car.Latitude, car.Longitude = canaryVIN, canaryLat, canaryLon
	seen := &places{texts: map[string]*strings.Builder{}}
	collector := metrics.New(metrics.Options{})
	state := stateFor(t)
	s := newSystemWith(t, cloudsim.Options{ForceDelay: 10 * time.Millisecond, Accounts: []cloudsim.Account{{
		Brand: profile.Kia, Email: canaryEmail, Password: canaryPassword, PIN: canaryPIN, Cars: []cloudsim.Car{car},
	}}}, quickly, true, func(o *host.Options) {
		o.StateDir, o.Metrics = state, collector
		o.Plugins[0].Settings = []byte(strings.Replace(string(o.Plugins[0].Settings), "{", fmt.Sprintf(`{"pin":%q,`, canaryPIN), 1))
		o.OnEvent = func(e host.Event) {
			b, _ := json.Marshal(e) // plain values
			seen.add("events", string(b))
		}
	})
	collector.Watch(s.hub)
	token := s.client.Subscribe("#", 1, func(_ paho.Client, m paho.Message) {
		where := "topics"
		if strings.Contains(m.Topic(), "/status/location/") || strings.HasSuffix(m.Topic(), "/location") {
			where = "location topics"
		}
		seen.add(where, m.Topic()+" "+string(m.Payload()))
	})
	await.Value(t, "the broker's acknowledgement", token.Done())

	lookAt := func() {
		pid := s.status().PID
		for _, file := range []string{"cmdline", "environ"} {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
			require.NoError(t, err)
			seen.add(file, string(b))
		}
		b, err := json.Marshal(s.hub.Status())
		require.NoError(t, err)
		seen.add("status", string(b))
	}
	for _, c := range [][2]string{{car.ID, "cached"}, {car.ID, "force"}, {car.ID, "smart:1"}, {car.ID, "nonsense"}, {"no-such-car", "force"}} {
		s.command(c[0], c[1])
		s.next()
	}
	lookAt()
	require.NoError(t, syscall.Kill(s.status().PID, syscall.SIGKILL))
	await.True(t, "the next process is ready", func() bool { return s.status().Crashes == 1 && s.status().State == host.Ready })
	lookAt()
	_, err := s.hub.Plugin(pluginName).Initialize(t.Context(), shared.Config{Settings: []byte(`{"username":"` + canaryEmail + `","password":7}`)})
	require.Error(t, err)
	seen.add("errors", err.Error())
	closeCloud(t, s.cloud) // and now everything fails
	for _, mode := range []string{"force", "smart:1"} {
		s.command(car.ID, mode)
		seen.add("errors", fmt.Sprint(s.next().Err))
	}
	seen.add("metrics", gather(t, collector))
	seen.add("log", s.log.String())

	secrets := append([]string{canaryEmail, canaryPassword, canaryVIN, "canary.person%40"}, tokens(t, state)...)
	require.Greater(t, len(secrets), 6, "there are tokens")
	positions := []string{"-41.8765", "173.2839"} // also if it is rounded to ten metres
	pin := regexp.MustCompile(`(^|[^0-9])` + canaryPIN + `([^0-9]|$)`)
	for _, where := range []string{"cmdline", "environ", "status", "events", "errors", "metrics", "log", "topics", "location topics"} {
		text, found := seen.text(where)
		require.True(t, found, where)
		require.NotEmpty(t, strings.TrimSpace(text), where)
		redacttest.NotIn(t, text, secrets...)
		assert.False(t, pin.MatchString(text), "the PIN in %s", where)
		if where != "location topics" {
			redacttest.NotIn(t, text, positions...)
			continue
		}
		for _, position := range positions {
			assert.Contains(t, text, position)
		}
	}
}

// tokens are what the plugin has stored of its session.
func tokens(t *testing.T, state string) (found []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(state, pluginName, "session.json"))
	require.NoError(t, err)
	var doc any
	require.NoError(t, json.Unmarshal(b, &doc))
	var walk func(key string, v any)
	walk = func(key string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, member := range v {
				walk(k, member)
			}
		case string:
			if strings.Contains(strings.ToLower(key), "token") && len(v) > 8 {
				found = append(found, v)
			}
		}
	}
	walk("", doc)
	return found
}

func gather(t *testing.T, c prometheus.Collector) string {
	t.Helper()
	r := prometheus.NewRegistry()
	require.NoError(t, r.Register(c))
	families, err := r.Gather()
	require.NoError(t, err)
	var all strings.Builder
	for _, f := range families {
		all.WriteString(f.String() + "\n")
	}
	return all.String()
}
