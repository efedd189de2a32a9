package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/metrics"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

// ask makes one request on a connection of its own.
func ask(t *testing.T, method, url string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: await.Limit}
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	res, err := client.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body)
}

func testMonitor(t *testing.T, o monitorOptions) *monitor {
	t.Helper()
	o.address, o.log = "127.0.0.1:0", slog.New(slog.DiscardHandler)
	if o.metrics == nil {
		o.metrics = prometheus.NewRegistry()
	}
	if o.status == nil {
		o.status = func() []host.PluginStatus { return nil }
	}
	if o.trouble == nil {
		o.trouble = func() *mqtt.Trouble { return nil }
	}
	m, err := startMonitor(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.close(context.Background())) })
	return m
}

func TestReadiness(t *testing.T) {
	ready := host.PluginStatus{Name: "kia", State: host.Ready, Serving: true}
	quarantined := host.PluginStatus{Name: "hyundai", State: host.Quarantined, Reason: "plugin_quarantined", Message: "It crashed too often."}
	for name, tc := range map[string]struct {
		offline bool
		plugins []host.PluginStatus
		want    string // "" for ready
	}{
		"all is well":        {plugins: []host.PluginStatus{ready, ready}},
		"unwell, but serves": {plugins: []host.PluginStatus{{Name: "kia", State: host.Degraded, Serving: true, Message: "The cloud is slow."}}},
		"no broker": {
			offline: true, plugins: []host.PluginStatus{ready},
			want: `[{"what":"mqtt","reason":"credentials","message":"Check both."}]`,
		},
		"a quarantine": {
			plugins: []host.PluginStatus{ready, quarantined},
			want:    `[{"what":"plugin","plugin":"hyundai","state":"quarantined","reason":"plugin_quarantined","message":"It crashed too often."}]`,
		},
		"starting": {
			plugins: []host.PluginStatus{{Name: "kia", State: host.Starting}},
			want:    `[{"what":"plugin","plugin":"kia","state":"starting","message":"Plugin kia is starting."}]`,
		},
		"nothing yet": {
			offline: true,
			want: `[{"what":"mqtt","reason":"credentials","message":"Check both."},
				{"what":"plugin","message":"The plugin has not been started yet."}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := testMonitor(t, monitorOptions{
				status: func() []host.PluginStatus { return tc.plugins },
				trouble: func() *mqtt.Trouble {
					if !tc.offline {
						return nil
					}
					return &mqtt.Trouble{Kind: mqtt.TroubleCredentials, Message: "Check both."}
				},
			})
			status, body := ask(t, http.MethodGet, "http://"+m.address+"/readyz")
			if tc.want == "" {
				assert.Equal(t, http.StatusOK, status)
				assert.JSONEq(t, `{"status":"ready"}`, body)
				return
			}
			assert.Equal(t, http.StatusServiceUnavailable, status)
			assert.JSONEq(t, `{"status":"not ready","not_ready":`+tc.want+`}`, body)
			status, body = ask(t, http.MethodGet, "http://"+m.address+"/healthz")
			assert.Equal(t, http.StatusOK, status, "the hub lives")
			assert.Contains(t, body, `"status":"ok"`)
		})
	}
}

func TestTheMonitorOnlyAnswers(t *testing.T) {
	m := testMonitor(t, monitorOptions{metrics: registry(metrics.New(metrics.Options{}), metrics.NewBridge())})
	for _, page := range []string{"/metrics", "/healthz"} {
		for method, want := range map[string]int{
			http.MethodGet: 200, http.MethodHead: 200, http.MethodPost: 405, http.MethodPut: 405, http.MethodDelete: 405, http.MethodOptions: 405,
		} {
			status, body := ask(t, method, "http://"+m.address+page)
			assert.Equal(t, want, status, method+page)
			assert.Equal(t, method == http.MethodHead, body == "", method+page)
		}
	}
	status, body := ask(t, http.MethodGet, "http://"+m.address+"/healthz")
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"status":"ok","plugins":[]}`, body)
	for _, page := range []string{"/", "/debug/pprof/", "/metrics/x"} {
		status, _ := ask(t, http.MethodGet, "http://"+m.address+page)
		assert.Equal(t, http.StatusNotFound, status, page)
	}
}

// TestProfiles: they are there when they are asked for, on this machine only, and longer
// ones than other answers may take are not cut off.
func TestProfiles(t *testing.T) {
	m := testMonitor(t, monitorOptions{profiles: true})
	for _, name := range []string{"heap", "goroutine", "profile?seconds=1"} {
		status, body := ask(t, http.MethodGet, "http://"+m.address+"/debug/pprof/"+name)
		assert.Equal(t, http.StatusOK, status, name)
		assert.Equal(t, "\x1f\x8b", body[:2], "gzip, as go tool pprof reads it")
	}
	status, _ := ask(t, http.MethodGet, "http://"+m.address+"/debug/pprof/cmdline")
	assert.Equal(t, http.StatusNotFound, status, "it may hold a password")

	for http, want := range map[string]string{
		"off": "--http", "0.0.0.0:9100": "other machines", "hub.lan:9100": "other machines", "[2001:db8::1]:9100": "other machines",
		"9100": "", "[::1]:9100": "", "localhost:9100": "",
	} {
		_, err := setupFrom(options{}, found(nil, with(here(t), "http", http, "profiles", "true")))
		if want == "" {
			assert.NoError(t, err, http)
			continue
		}
		assert.ErrorContains(t, err, want, http)
	}
}

func TestAnAddressThatIsTaken(t *testing.T) {
	m := testMonitor(t, monitorOptions{})
	_, err := startMonitor(t.Context(), monitorOptions{address: m.address, log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "--http")
	require.ErrorIs(t, err, syscall.EADDRINUSE)
}

// TestSlowClients: one that does not finish its request is cut off, and nobody
// holds up the end.
func TestSlowClients(t *testing.T) {
	m := testMonitor(t, monitorOptions{patience: 50 * time.Millisecond})
	dial := func(words string) net.Conn {
		conn, err := net.Dial("tcp", m.address)
		require.NoError(t, err)
		_, err = io.WriteString(conn, words)
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(await.Limit)))
		return conn
	}
	for _, words := range []string{"", "GET /healthz HT", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow:"} {
		conn := dial(words)
		_, err := io.ReadAll(conn)
		assert.NotErrorIs(t, err, os.ErrDeadlineExceeded, "%q was not cut off", words)
		_ = conn.Close()
	}

	patient := testMonitor(t, monitorOptions{patience: time.Hour})
	conn, err := net.Dial("tcp", patient.address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET /healthz HTTP/1.1\r\n")
	require.NoError(t, err)
	require.NoError(t, patient.close(await.Context(t, "the end, which waits for no client")))
}

// TestMonitorOfARunningHub also freezes and kills the plugin.
func TestMonitorOfARunningHub(t *testing.T) {
	t.Parallel()
	p := runDemo(t, nil, "--json", "--http", "0")
	m, _ := p.find(`"address":"(127\.0\.0\.1:\d+)","event":"http"`)
	url := "http://" + m[1]
	p.find(`"event":"ready"`)
	status, body := ask(t, http.MethodGet, url+"/readyz")
	assert.Equal(t, http.StatusOK, status, body)
	var pages strings.Builder
	health := func() host.PluginStatus {
		status, body := ask(t, http.MethodGet, url+"/healthz")
		require.Equal(t, http.StatusOK, status)
		pages.WriteString(body)
		var answer struct {
			Plugins []host.PluginStatus `json:"plugins"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &answer))
		require.Len(t, answer.Plugins, 1)
		return answer.Plugins[0]
	}
	st := health()
	assert.Equal(t, host.Ready, st.State)
	require.NotZero(t, st.PID)

	require.NoError(t, syscall.Kill(st.PID, syscall.SIGSTOP))
	for range 20 {
		assert.Equal(t, st.PID, health().PID, "a frozen plugin is none of its business")
	}
	require.NoError(t, syscall.Kill(st.PID, syscall.SIGKILL))
	line, _ := p.find(`.*"crash":\{.*`)
	pages.WriteString(line[0])
	p.find(`"state":"ready"`)
	await.True(t, "the hub is ready", func() bool {
		status, body := ask(t, http.MethodGet, url+"/readyz")
		pages.WriteString(body)
		return status == http.StatusOK
	})
	assert.Equal(t, 1, health().Crashes)

	_, body = ask(t, http.MethodGet, url+"/metrics")
	pages.WriteString(body)
	for _, want := range []string{
		`vehicle_plugin_state{plugin="hyundai",state="ready"} 1`, `vehicle_plugin_crashes_total{cause="signal",plugin="hyundai"} 1`,
		`vehicle_plugin_restarts_total{plugin="hyundai"} 1`, `vehicle_plugin_vehicles{plugin="hyundai"} 2`,
		`vehicle_plugin_call_duration_seconds_count{mode="cached",plugin="hyundai",reason="ok"} 2`,
		"go_goroutines ", "go_memstats_heap_alloc_bytes ",
	} {
		assert.Contains(t, body, want)
	}
	redacttest.NotIn(t, pages.String(), secretsOf(cloudsim.DemoAccount())...)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.ended()
}

// TestMonitorWithoutABroker: the hub lives, and says what it waits for.
func TestMonitorWithoutABroker(t *testing.T) {
	t.Parallel()
	const nobody = "tcp://127.0.0.1:1" // no system gives that port to anybody by chance
	_, env := serviceEnv(t)
	p := runDemo(t, env, "--http", ":0", "--broker", nobody)
	m, _ := p.find(`^http +(127\.0\.0\.1:\d+) +/metrics`)
	p.find(`MQTT: Nothing listens where the MQTT broker should be`)
	p.find(`plugin .*ready`)
	status, _ := ask(t, http.MethodGet, "http://"+m[1]+"/healthz")
	assert.Equal(t, http.StatusOK, status)
	status, body := ask(t, http.MethodGet, "http://"+m[1]+"/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, body, `"reason":"unreachable"`)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.ended()
}

// TestStatusIsAskedByMany: readers do not get into each other's way.
func TestStatusIsAskedByMany(t *testing.T) {
	t.Parallel()
	s := newSystem(t, cloudsim.Options{}, quickly)
	collector := metrics.New(metrics.Options{})
	collector.Watch(s.hub)
	m := testMonitor(t, monitorOptions{status: s.hub.Status, trouble: s.bridge.Trouble, metrics: registry(collector, metrics.NewBridge())})
	var all sync.WaitGroup
	for range maxScrapes {
		all.Go(func() {
			for _, page := range []string{"/healthz", "/readyz", "/metrics"} {
				status, body := ask(t, http.MethodGet, "http://"+m.address+page)
				assert.Equal(t, http.StatusOK, status, body)
			}
		})
	}
	for range 20 {
		s.command(ioniq, "cached")
		require.NoError(t, s.next().Err)
	}
	all.Wait()
	require.NoError(t, s.hub.Stop(t.Context()))
	_, body := ask(t, http.MethodGet, "http://"+m.address+"/readyz")
	assert.Contains(t, body, shared.ReasonDraining.Sentence())
}
