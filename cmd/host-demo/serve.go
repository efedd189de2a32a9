package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
)

// stopTimeout bounds the end of everything, whatever state it is in.
const stopTimeout = 4 * time.Second

// pluginName names the one plugin of this hub.
const pluginName = "hyundai"

// Demo cars live this much faster than the clock, so that there is something to
// see.
const demoSpeed = 30

// serve runs the hub until ctx ends.
func serve(ctx context.Context, s settings, stdout, stderr io.Writer) (err error) {
	var parts closers
	defer func() {
		if closeErr := parts.close(); err == nil {
			err = closeErr
		}
	}()
	out := newView(stdout, s.json, s.demo)
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: s.level}))

	broker := s.brokerURL
	if broker == "" {
		embedded, err := startBroker()
		if err != nil {
			return err
		}
		parts.add(func(context.Context) error { return embedded.close() })
		broker = embedded.url()
		out.broker(embedded.address, true)
	} else {
		out.broker(strings.TrimPrefix(broker, "tcp://"), false)
	}
	if s.demo {
		cloud, err := startCloud(&s)
		if err != nil {
			return err
		}
		parts.add(cloud.Close)
		out.cloud(cloud.URL(), s.account)
	}

	var running atomic.Pointer[mqtt.Bridge]
	client, err := connect(ctx, s, broker, func() {
		bridge := running.Load()
		if bridge == nil {
			return // Start subscribes
		}
		if err := bridge.Subscribe(ctx); err != nil {
			log.Error("commands are not subscribed to", "error", err)
		}
	})
	if err != nil || client == nil {
		return err
	}
	parts.add(func(context.Context) error {
		client.Disconnect(250)
		return nil
	})

	hub, err := host.New(host.Options{
		Plugins:  []host.PluginSpec{{Name: pluginName, Path: s.plugin, Settings: s.account.json()}},
		StateDir: s.stateIn, Logger: log, OnEvent: out.event,
	})
	if err != nil {
		return err
	}
	out.hub(hub)
	bridge, err := mqtt.New(mqtt.Options{
		Client: client, Fleet: hub, BaseTopic: s.baseTopic, NoInitialRefresh: s.noInitialRefresh, Logger: log, OnCommand: out.command,
	})
	if err != nil {
		return err
	}
	if err := hub.Start(ctx); err != nil {
		return err
	}
	parts.add(hub.Stop)
	parts.add(bridge.Stop)
	if err := bridge.Start(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	running.Store(bridge)
	out.topics(broker, s.baseTopic)
	<-ctx.Done()
	out.stopping()
	return nil
}

// startCloud starts the scripted cloud and points the account at it.
func startCloud(s *settings) (*cloudsim.Cloud, error) {
	demo := cloudsim.DemoAccount()
	cloud, err := cloudsim.New(cloudsim.Options{Accounts: []cloudsim.Account{demo}, Speed: demoSpeed})
	if err != nil {
		return nil, err
	}
	if err := cloud.Start("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("scripted cloud: %w", err)
	}
	s.account = account{
		Username: demo.Email, Password: demo.Password, Brand: string(demo.Brand),
		Endpoints: map[string]string{"login": cloud.URL(), "cci": cloud.URL(), "api": cloud.URL()},
	}
	return cloud, nil
}

// connect connects to the broker and keeps trying until ctx ends; then the
// client is nil.
func connect(ctx context.Context, s settings, broker string, onConnect func()) (paho.Client, error) {
	id := s.clientID
	if id == "" {
		// A fixed name would make two copies throw each other out.
		id = "hyundai_mqtt_" + strings.ToLower(rand.Text()[:8])
	}
	opts := paho.NewClientOptions().AddBroker(broker).SetClientID(id).SetKeepAlive(60 * time.Second).
		SetConnectRetry(true).SetConnectRetryInterval(2 * time.Second).SetMaxReconnectInterval(30 * time.Second).
		SetOnConnectHandler(func(paho.Client) { onConnect() })
	if s.mqttUser != "" && s.mqttPassword != "" {
		opts.SetUsername(s.mqttUser).SetPassword(s.mqttPassword)
	}
	client := paho.NewClient(opts)
	token := client.Connect()
	select {
	case <-token.Done():
		return client, token.Error()
	case <-ctx.Done():
		client.Disconnect(0)
		return nil, nil
	}
}

// closers end what was started, the last first, within one bound.
type closers []func(context.Context) error

func (c *closers) add(f func(context.Context) error) { *c = append(*c, f) }

func (c *closers) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var first error
	for i := len(*c) - 1; i >= 0; i-- {
		if err := (*c)[i](ctx); err != nil && first == nil {
			first = err
		}
	}
	return first
}
