package mqtt_test

import (
	"context"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
)

// A hub that has an MQTT client of its own adds cars to it.
func Example() {
	runHub := func(ctx context.Context) error {
		h, err := host.New(host.Options{
			Plugins: []host.PluginSpec{{
				Name: "hyundai", Path: "/usr/local/lib/hub/hyundai-plugin",
				Settings: []byte(`{"username":"me@example.com","password":"…","brand":"hyundai"}`),
			}},
			StateDir: "/var/lib/hub",
		})
		if err != nil {
			return err
		}
		opts := paho.NewClientOptions().AddBroker("tcp://192.168.1.5:1883").SetClientID("my-hub")
		client, err := mqtt.NewPaho(opts, "hyundai")
		if err != nil {
			return err
		}
		bridge, err := mqtt.New(mqtt.Options{Client: client, Fleet: h})
		if err != nil {
			return err
		}
		if err := h.Start(ctx); err != nil {
			return err
		}
		defer func() { _ = h.Stop(context.Background()) }()
		defer client.Client().Disconnect(250)
		bridge.Start()
		defer func() { _ = bridge.Stop(context.Background()) }()
		if err := client.Connect(ctx); err != nil { // waits for the broker
			return err
		}
		<-ctx.Done() // the hub's own life, with client.Client() for its own messages
		return nil
	}
	_ = runHub
}
