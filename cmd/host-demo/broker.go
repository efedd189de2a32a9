package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"syscall"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
)

// defaultPort of MQTT; portsToTry are tried from it on.
const (
	defaultPort = 1883
	portsToTry  = 50
)

// embeddedBroker is an MQTT broker in this process, on the loopback interface,
// open to everybody on this machine.
type embeddedBroker struct {
	server  *mochi.Server
	address string
}

// startBroker listens on 1883, or on the next port that is free.
func startBroker() (*embeddedBroker, error) {
	server := mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler)})
	if err := server.AddHook(new(auth.AllowHook), nil); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	for port := defaultPort; ; port++ {
		if port == defaultPort+portsToTry {
			port = 0 // whichever is free
		}
		listener := listeners.NewTCP(listeners.Config{ID: "loopback", Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))})
		err := server.AddListener(listener)
		if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EACCES) {
			if port != 0 {
				continue
			}
		}
		if err != nil {
			return nil, fmt.Errorf("embedded broker: %w", err)
		}
		if err := server.Serve(); err != nil {
			return nil, fmt.Errorf("embedded broker: %w", err)
		}
		return &embeddedBroker{server: server, address: listener.Address()}, nil
	}
}

func (b *embeddedBroker) url() string { return "tcp://" + b.address }

func (b *embeddedBroker) close() error { return b.server.Close() }
