package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/term"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/host-demo/internal/broker"
	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/metrics"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// stopTimeout bounds the end of everything, whatever state it is in. Container engines
// kill after ten seconds.
const stopTimeout = 9 * time.Second

// Demo cars live this much faster than the clock, so that there is something to
// see.
const demoSpeed = 30

// demoLimits leave out what a day allows: a day of the cars is over too soon.
const demoLimits = `{"calls_per_day":-1,"wakes_per_day":-1,"wake_interval":"10s"}`

// serve runs the hub until ctx ends.
func serve(ctx context.Context, s setup, stdout, stderr io.Writer) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	var parts closers
	defer func() {
		cancel()
		if closeErr := parts.close(); err == nil {
			err = closeErr
		}
	}()
	out := newView(stdout, s)
	var level slog.LevelVar
	level.Set(s.level)
	log := slog.New(logHandler(stderr, &level))
	if err := makeStateDir(s.stateIn); err != nil {
		return err
	}
	broker, err := chooseBroker(s, out, &parts)
	if err != nil {
		return err
	}
	out.notes(s.Notes)
	if s.demo {
		cloud, err := startCloud(&s)
		if err != nil {
			return err
		}
		parts.add("the scripted cloud", cloud.Close)
		out.cloud(cloud.URL(), s.Accounts[0].Own)
	}
	out.recording(s)
	collector, bridgeCollector := metrics.New(metrics.Options{}), metrics.NewBridge()
	hub, err := newHub(s, out, collector, log)
	if err != nil {
		return err
	}

	client, err := newClient(s, broker)
	if err != nil {
		return err
	}
	options := mqtt.Options{
		Client: client, Fleet: hub, BaseTopic: s.Broker.BaseTopic, NoInitialRefresh: !s.InitialRefresh, Logger: log, StateDir: s.stateIn,
		ProbeInterval: s.Broker.ProbeInterval,
		OnCommand: func(c mqtt.Served) {
			bridgeCollector.Served(c)
			out.command(c)
		},
		OnProbe: bridgeCollector.Probed, OnTrouble: out.trouble,
	}
	if s.homeAssistant != nil {
		options.Announcer = s.homeAssistant
	}
	bridge, err := mqtt.New(options)
	if err != nil {
		return err
	}
	bridgeCollector.Watch(bridge)
	if s.HTTP.Address != "" {
		m, err := startMonitor(ctx, monitorOptions{
			address: s.HTTP.Address, status: hub.Status, trouble: bridge.Trouble, metrics: registry(collector, bridgeCollector), log: log,
			profiles: s.HTTP.Profiles,
		})
		if err != nil {
			return err
		}
		parts.add("the HTTP server", m.close)
		out.http(m.address, m.profiles)
	}
	reloader, manager := newReloader(s, hub, &level), serviceManager()
	parts.add("upgrades", onHangup(ctx, func(ctx context.Context) {
		manager.reloading()
		defer manager.ready()
		out.reloaded(reloader.reload(ctx))
		if err := upgrade(ctx, hub); err == nil || ctx.Err() == nil {
			out.upgraded(err)
		}
	}, cancel))
	disconnect, err := client.connect(ctx)
	if err != nil {
		return err
	}
	parts.add("the MQTT client", disconnect)
	if err := hub.Start(ctx); err != nil {
		return err
	}
	parts.add("the plugins", hub.Stop)
	bridge.Start()
	parts.add("the MQTT bridge", bridge.Stop)
	out.topics(broker, s.Broker.BaseTopic, s.homeAssistant)
	manager.ready()
	parts.add("signs of life", manager.watch(ctx, func() { hub.Status() }))
	<-ctx.Done()
	manager.stopping()
	out.stopping()
	return nil
}

// logHandler writes lines for people on a terminal, else JSON for programs.
func logHandler(w io.Writer, level slog.Leveler) slog.Handler {
	o := &slog.HandlerOptions{Level: level}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return slog.NewTextHandler(w, o)
	}
	return slog.NewJSONHandler(w, o)
}

// chooseBroker returns the URL of the broker, and starts one if there is none.
func chooseBroker(s setup, out *view, parts *closers) (string, error) {
	if s.Broker.URL != "" {
		out.broker(withoutPassword(s.Broker.URL), false)
		return s.Broker.URL, nil
	}
	embedded, err := broker.Start()
	if err != nil {
		return "", err
	}
	parts.add("the embedded broker", embedded.Close)
	out.broker(embedded.Address, true)
	return embedded.URL(), nil
}

// withoutPassword is a broker's URL as it may be shown.
func withoutPassword(broker string) string {
	u, err := url.Parse(broker)
	if err != nil {
		return "" // the settings were checked
	}
	return strings.TrimPrefix(u.Redacted(), "tcp://")
}

// newHub makes the host of the accounts' plugins.
func newHub(s setup, out *view, collector *metrics.Collector, log *slog.Logger) (*host.Host, error) {
	release := newReleaser(s.release)
	hub, err := host.New(host.Options{
		Plugins: specs(s), StateDir: s.stateIn, StartTimeout: s.StartTimeout, Logger: log, Metrics: collector,
		OnEvent: func(e host.Event) {
			out.event(e)
			if release.event(e) {
				out.released()
			}
		},
	})
	if err != nil {
		return nil, err
	}
	release.hub = hub
	collector.Watch(hub)
	out.hub(hub)
	return hub, nil
}

// specs are the accounts' plugins.
func specs(s setup) (all []host.PluginSpec) {
	for _, a := range s.Accounts {
		all = append(all, host.PluginSpec{
			Name: a.Name, Path: a.Plugin, Args: a.Args, Env: a.Env, Settings: a.Settings(), SHA256: a.SHA256, DigestFile: a.Plugin + ".sha256", MemoryLimit: a.MemoryLimit,
			AcceptChanges: s.acceptPlugin, Reattach: s.reattach,
		})
	}
	return all
}

// upgrade starts the programs that now lie at the plugins' paths.
func upgrade(ctx context.Context, hub *host.Host) error {
	plugins := hub.Status()
	if len(plugins) == 0 { // it comes with the start
		return shared.Errorf(shared.ReasonPluginDown, "The plugin has not been started yet.")
	}
	var wrong []error
	for _, p := range plugins {
		wrong = append(wrong, hub.Upgrade(ctx, p.Name))
	}
	return errors.Join(wrong...)
}

// registry holds what /metrics shows: the plugins, the bridge, and this process itself.
func registry(plugins *metrics.Collector, bridge *metrics.Bridge) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(plugins, bridge, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// startCloud starts the scripted cloud and points the account at it.
func startCloud(s *setup) (*cloudsim.Cloud, error) {
	demo := cloudsim.DemoAccount()
	cloud, err := cloudsim.New(cloudsim.Options{Accounts: []cloudsim.Account{demo}, Speed: demoSpeed})
	if err != nil {
		return nil, err
	}
	if err := cloud.Start("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("scripted cloud: %w", err)
	}
	a := &s.Accounts[0]
	a.Own = settings.Settings{
		Username: demo.Email, Password: redact.Secret(demo.Password), Brand: settings.Name(demo.Brand),
		Endpoints: settings.Endpoints{Login: cloud.URL(), CCI: cloud.URL(), API: cloud.URL()},
		Limits:    a.Own.Limits, Schedule: a.Own.Schedule, Record: a.Own.Record,
	}
	if a.Own.Limits == nil {
		a.Own.Limits = json.RawMessage(demoLimits)
	}
	return cloud, nil
}

// closers end what was started, the last first, within one bound.
type closers []closer

type closer struct {
	what  string
	close func(context.Context) error
}

func (c *closers) add(what string, f func(context.Context) error) { *c = append(*c, closer{what, f}) }

// endOf waits for something that ends by itself: until done is closed.
func endOf(done <-chan struct{}) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *closers) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()

	var first error
	for _, part := range slices.Backward(*c) {
		if err := part.close(ctx); err != nil && first == nil {
			first = fmt.Errorf("%s could not be ended: %w", part.what, err)
		}
	}
	return first
}
