package mqtt_test

import (
	"context"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
)

// A hub that has an MQTT client of its own adds cars to it.
func Example() {
	addCars := func(ctx context.Context, hubClient paho.Client) error {
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
		bridge, err := mqtt.New(mqtt.Options{Client: hubClient, Fleet: h})
		if err != nil {
			return err
		}
		if err := h.Start(ctx); err != nil {
			return err
		}
		defer func() { _ = h.Stop(context.Background()) }()
		if err := bridge.Start(ctx); err != nil {
			return err
		}
		defer func() { _ = bridge.Stop(context.Background()) }()
		<-ctx.Done() // the hub's own life
		return nil
	}
	_ = addCars
}
