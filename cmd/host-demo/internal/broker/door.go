package broker

import (
	"net"
	"sync"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// door is a TCP listener that knows which connections the server still has. Safe for
// concurrent use.
type door struct {
	*listeners.TCP

	mu     sync.Mutex
	closed bool
	inside map[net.Conn]bool
	served sync.WaitGroup // of inside
}

func newDoor(address string) *door {
	return &door{
		TCP:    listeners.NewTCP(listeners.Config{ID: "loopback", Address: address}),
		inside: map[net.Conn]bool{},
	}
}

// Serve implements listeners.Listener.
func (d *door) Serve(establish listeners.EstablishFn) {
	d.TCP.Serve(func(id string, conn net.Conn) error {
		if !d.enter(conn) {
			return conn.Close()
		}
		defer d.leave(conn)
		return establish(id, conn)
	})
}

func (d *door) enter(conn net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.inside[conn] = true
	d.served.Add(1)
	return true
}

func (d *door) leave(conn net.Conn) {
	d.mu.Lock()
	delete(d.inside, conn)
	d.mu.Unlock()
	d.served.Done()
}

// shut lets nobody in any more, ends the connections that are there, and waits until
// the server has done with them.
func (d *door) shut() {
	d.mu.Lock()
	d.closed = true
	for conn := range d.inside {
		_ = conn.Close()
	}
	d.mu.Unlock()
	d.served.Wait()
}
