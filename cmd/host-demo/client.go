package main

import (
	"context"
	"net/url"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	paho5 "github.com/eclipse/paho.golang/paho"
	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/mqtt5"
)

// keepAlive is how often the broker hears of the service at least.
const keepAlive = time.Minute

// client of the broker that is not connected yet.
type client struct {
	mqtt.Client
	// connect connects, and returns what ends that.
	connect func(ctx context.Context) (end func(context.Context) error, err error)
}

// newClient returns one for the settings' version of MQTT.
func newClient(s setup, broker string) (*client, error) {
	id, err := clientID(s)
	if err != nil {
		return nil, err
	}
	if s.Broker.Version == "5" {
		return newClient5(s, broker, id)
	}
	return newClient3(s, broker, id)
}

func newClient3(s setup, broker, id string) (*client, error) {
	user, password := s.Broker.Login()
	o := paho.NewClientOptions().AddBroker(broker).SetClientID(id).SetKeepAlive(keepAlive).SetUsername(user).SetPassword(password)
	if s.Broker.TLSConfig != nil {
		o.SetTLSConfig(s.Broker.TLSConfig)
	}
	c, err := mqtt.NewPaho(o, s.Broker.BaseTopic)
	if err != nil {
		return nil, err
	}
	return &client{Client: c, connect: func(ctx context.Context) (func(context.Context) error, error) { return connect3(ctx, c), nil }}, nil
}

// connect3 connects for as long as ctx lives, and returns what ends that.
func connect3(ctx context.Context, client *mqtt.Paho) func(context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = client.Connect(ctx) // it says why not where the bridge's trouble is told
	}()
	return func(context.Context) error {
		cancel()
		<-done
		client.Client().Disconnect(250)
		return nil
	}
}

func newClient5(s setup, broker, id string) (*client, error) {
	at, err := url.Parse(broker)
	if err != nil {
		return nil, err
	}
	o := autopaho.ClientConfig{
		ServerUrls: []*url.URL{at}, TlsCfg: s.Broker.TLSConfig, KeepAlive: uint16(keepAlive.Seconds()), ClientConfig: paho5.ClientConfig{ClientID: id},
	}
	user, password := s.Broker.Login()
	if at.User != nil { // as the client for MQTT 3.1.1 does
		user = at.User.Username()
		password, _ = at.User.Password()
	}
	o.ConnectUsername, o.ConnectPassword = user, []byte(password)
	c, err := mqtt5.New(o, s.Broker.BaseTopic)
	if err != nil {
		return nil, err
	}
	return &client{Client: c, connect: func(ctx context.Context) (func(context.Context) error, error) {
		manager, err := c.Connect(context.WithoutCancel(ctx)) // the bridge's last word comes when ctx has ended
		if err != nil {
			return nil, err
		}
		return manager.Disconnect, nil
	}}, nil
}
