package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
)

// Bounds of the monitor.
const (
	// patience is how long a client may take to say what it wants.
	patience      = 5 * time.Second
	answerTimeout = 10 * time.Second
	idleTimeout   = time.Minute
	// lastWords is how long answers may take at the end.
	lastWords = 500 * time.Millisecond
	// scrapes at a time; the next one is refused.
	maxScrapes = 4
)

// monitorOptions of startMonitor.
type monitorOptions struct {
	// address to listen on, complete. A port of 0 becomes the one in use.
	address string
	// status of the plugins, and what is wrong with MQTT. They must not block.
	status  func() []host.PluginStatus
	trouble func() *mqtt.Trouble
	metrics prometheus.Gatherer
	log     *slog.Logger
	// profiles of the hub are served, too.
	profiles bool
	// patience with clients; default see above.
	patience time.Duration
}

// monitor answers over HTTP how the hub is. It changes nothing.
type monitor struct {
	monitorOptions
	server *http.Server
	done   chan struct{}
}

// startMonitor listens and serves until close.
func startMonitor(ctx context.Context, o monitorOptions) (*monitor, error) {
	if o.patience == 0 {
		o.patience = patience
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", o.address)
	if err != nil {
		return nil, fmt.Errorf("--http: %w", err)
	}
	o.address = listener.Addr().String()
	m := &monitor{monitorOptions: o, done: make(chan struct{})}
	if at, ok := listener.Addr().(*net.TCPAddr); ok && !at.IP.IsLoopback() {
		o.log.Warn("other machines can see how this hub is", "address", o.address)
	}
	m.server = &http.Server{
		Handler: m.pages(), ErrorLog: slog.NewLogLogger(o.log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: o.patience, ReadTimeout: o.patience, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 8 << 10,
	}
	go func() { // ends with close
		defer close(m.done)
		_ = m.server.Serve(listener) // it says that it was closed
	}()
	return m, nil
}

// close lets answers under way finish for a moment and cuts off the rest.
func (m *monitor) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	err := m.server.Shutdown(ctx)
	if err != nil {
		err = m.server.Close()
	}
	<-m.done
	return err
}

// pages answers GET and HEAD, and nothing else.
func (m *monitor) pages() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.metrics, promhttp.HandlerOpts{
		MaxRequestsInFlight: maxScrapes, ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelError),
	}))
	mux.HandleFunc("GET /healthz", m.health)
	mux.HandleFunc("GET /readyz", m.readiness)
	if m.profiles {
		addProfiles(mux)
	}
	return mux
}

// health says that the hub lives, and how its plugins are.
func (m *monitor) health(w http.ResponseWriter, _ *http.Request) {
	plugins := m.status()
	if plugins == nil {
		plugins = []host.PluginStatus{} // a list all the same
	}
	answer(w, http.StatusOK, map[string]any{"status": "ok", "plugins": plugins})
}

// notReady is one thing that keeps the hub from serving.
type notReady struct {
	// What it is: mqtt or plugin.
	What   string     `json:"what"`
	Plugin string     `json:"plugin,omitempty"`
	State  host.State `json:"state,omitempty"`
	Reason string     `json:"reason,omitempty"`
	// Message is a sentence for people.
	Message string `json:"message"`
}

// readiness says whether commands are served, and if not, why.
func (m *monitor) readiness(w http.ResponseWriter, _ *http.Request) {
	missing := m.missing()
	if len(missing) > 0 {
		answer(w, http.StatusServiceUnavailable, map[string]any{"status": "not ready", "not_ready": missing})
		return
	}
	answer(w, http.StatusOK, map[string]any{"status": "ready"})
}

func (m *monitor) missing() []notReady {
	var all []notReady
	if t := m.trouble(); t != nil {
		all = append(all, notReady{What: "mqtt", Reason: string(t.Kind), Message: t.Message})
	}
	plugins := m.status()
	if len(plugins) == 0 {
		all = append(all, notReady{What: "plugin", Message: "The plugin has not been started yet."})
	}
	for _, st := range plugins {
		if st.Serving {
			continue
		}
		n := notReady{What: "plugin", Plugin: st.Name, State: st.State, Reason: st.Reason, Message: st.Message}
		if n.Message == "" {
			n.Message = fmt.Sprintf("Plugin %s is %s.", st.Name, st.State)
		}
		all = append(all, n)
	}
	return all
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // whoever asked may be gone
}
