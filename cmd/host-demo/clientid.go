package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/atomicfile"
)

// clientIDFile keeps the client's id in the state directory.
const clientIDFile = "mqtt-client-id"

// clientID is the name by which the broker knows this hub's session, the same after a
// restart: so commands wait for a hub that is away. A fixed one would make two hubs
// throw each other out, so it is the settings' or a random one that is kept.
func clientID(s setup) (string, error) {
	random := "hyundai_mqtt_" + strings.ToLower(rand.Text()[:8])
	if s.Broker.ClientID != "" {
		return s.Broker.ClientID, nil
	}
	switch {
	case s.stateIn == "" && s.Broker.URL == "":
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
