package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/atomicfile"
)

// newClient returns a client that is not connected yet.
func newClient(s config, broker string) (*mqtt.Paho, error) {
	id, err := clientID(s)
	if err != nil {
		return nil, err
	}
	o := paho.NewClientOptions().AddBroker(broker).SetClientID(id).SetKeepAlive(60 * time.Second)
	if s.mqttUser != "" && s.mqttPassword != "" {
		o.SetUsername(s.mqttUser).SetPassword(s.mqttPassword.Reveal())
	}
	if s.brokerTLS != nil {
		o.SetTLSConfig(s.brokerTLS)
	}
	return mqtt.NewPaho(o, s.baseTopic)
}

// clientIDFile keeps the client's id in the state directory.
const clientIDFile = "mqtt-client-id"

// clientID is the name by which the broker knows this hub's session, the same after a
// restart: so commands wait for a hub that is away. A fixed one would make two hubs
// throw each other out, so it is the settings' or a random one that is kept.
func clientID(s config) (string, error) {
	random := "hyundai_mqtt_" + strings.ToLower(rand.Text()[:8])
	if s.clientID != "" {
		return s.clientID, nil
	}
	switch {
	case s.stateIn == "" && s.brokerURL == "":
		return random, nil // a demo, whose broker ends with it
	case s.stateIn == "":
		// A demo keeps nothing; sessions on somebody's broker shall not add up.
		name, err := os.Hostname()
		return "hyundai_mqtt_demo_" + name, err
	}
	path := filepath.Join(s.stateIn, clientIDFile)
	kept, err := os.ReadFile(path)
	if id := strings.TrimSpace(string(kept)); err == nil && id != "" {
		return id, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the MQTT client's id: %w", err)
	}
	if err := atomicfile.Write(path, []byte(random+"\n")); err != nil {
		return "", fmt.Errorf("the MQTT client's id: %w", err)
	}
	return random, nil
}

// makeStateDir makes the directory that keeps things over a restart; empty: there is none.
func makeStateDir(dir string) error {
	if dir == "" {
		return nil
	}
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // plugins of users of their own pass through it to theirs
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return fmt.Errorf("the state directory: %w", err)
	}
	return nil
}

// connect connects for as long as ctx lives, and returns what ends that.
func connect(ctx context.Context, client *mqtt.Paho) func(context.Context) error {
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
