// Package broker is an MQTT broker in this process, for demos, tests and
// measurements.
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"syscall"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/packets"
)

// defaultPort of MQTT; portsToTry are tried from it on.
const (
	defaultPort = 1883
	portsToTry  = 50
)

// Broker listens on the loopback interface, open to everybody on this machine.
type Broker struct {
	server *mochi.Server
	door   *door
	// Address is host and port.
	Address string
}

// Start listens on 1883, or on the next port that is free.
func Start() (*Broker, error) {
	for port := defaultPort; port < defaultPort+portsToTry; port++ {
		b, err := StartAt(loopback(port))
		if !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EACCES) {
			return b, err
		}
	}
	return StartAt(loopback(0)) // whichever is free
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// StartAt listens on an address of this machine's.
func StartAt(address string) (*Broker, error) {
	server := mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler)})
	if err := server.AddHook(new(auth.AllowHook), nil); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	listener := newDoor(address)
	if err := server.AddListener(listener); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	if err := server.Serve(); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	return &Broker{server: server, door: listener, Address: listener.Address()}, nil
}

// URL of the broker.
func (b *Broker) URL() string { return "tcp://" + b.Address }

// Close throws everybody out and ends the broker, or leaves it behind when ctx
// ends. The server is not made to be closed while clients come or leave, so none
// does any more by then.
func (b *Broker) Close(ctx context.Context) error {
	closed := make(chan error, 1)
	go func() {
		for _, c := range b.server.Clients.GetAll() {
			_ = b.server.DisconnectClient(c, packets.ErrServerShuttingDown)
		}
		b.door.shut()
		closed <- b.server.Close()
	}()
	select {
	case err := <-closed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
