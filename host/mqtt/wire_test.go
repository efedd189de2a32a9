package mqtt_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/stretchr/testify/require"
)

// wire lies between clients and a broker. It can be cut, and led to another broker.
type wire struct {
	t        *testing.T
	listener net.Listener
	url      string

	mu sync.Mutex
	// pace is how long a few bytes of the clients' take.
	pace  time.Duration
	to    string // empty: nobody is there
	conns map[net.Conn]bool
	// deaf: what the broker says does not arrive any more; it is closed to go on.
	deaf chan struct{}
	work sync.WaitGroup
}

// lay lays a wire to a broker.
func lay(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{t: t, listener: l, url: "tcp://" + l.Addr().String(), to: to, conns: map[net.Conn]bool{}}
	w.work.Go(w.accept)
	t.Cleanup(func() {
		_ = l.Close()
		w.lead("")
		w.work.Wait()
	})
	return w
}

func (w *wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.work.Go(func() { w.join(client) })
	}
}

func (w *wire) join(client net.Conn) {
	defer func() { _ = client.Close() }()
	w.mu.Lock()
	to := w.to
	w.mu.Unlock()
	if to == "" {
		return
	}
	broker, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	w.mu.Lock()
	if w.to != to {
		w.mu.Unlock()
		_ = broker.Close()
		return
	}
	w.conns[client], w.conns[broker] = true, true
	w.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(broker, w.paced(client))
		_ = broker.Close()
	})
	both.Go(func() {
		w.listen(client, broker)
		_ = client.Close()
	})
	both.Wait()
	w.mu.Lock()
	delete(w.conns, client)
	delete(w.conns, broker)
	w.mu.Unlock()
}

// paced reads no faster than the wire is.
func (w *wire) paced(from io.Reader) io.Reader {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pace == 0 {
		return from
	}
	return &pacedReader{from, time.NewTicker(w.pace)}
}

// slow makes a few bytes of the clients that connect from now on take so long.
func (w *wire) slow(pace time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pace = pace
}

type pacedReader struct {
	io.Reader
	ticker *time.Ticker
}

func (r *pacedReader) Read(b []byte) (int, error) {
	<-r.ticker.C
	return r.Reader.Read(b[:min(len(b), 256)])
}

// listen brings what the broker says to the client.
func (w *wire) listen(client, broker net.Conn) {
	buffer := make([]byte, 4096)
	for {
		n, err := broker.Read(buffer)
		if err != nil {
			return
		}
		w.mu.Lock()
		deaf := w.deaf
		w.mu.Unlock()
		if deaf != nil {
			<-deaf
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// lead cuts all connections; the next ones go elsewhere.
func (w *wire) lead(to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
	if w.deaf != nil {
		close(w.deaf)
		w.deaf = nil
	}
	for c := range w.conns {
		_ = c.Close()
	}
}

// deafen keeps what the broker says from its clients until the wire is cut.
func (w *wire) deafen() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deaf == nil {
		w.deaf = make(chan struct{})
	}
}

// newBroker serves a new, empty broker, and gives its address.
func newBroker(t *testing.T, access mochi.Hook, o *mochi.Options) (*mochi.Server, string) {
	t.Helper()
	if o == nil {
		o = &mochi.Options{}
	}
	l := listeners.NewTCP(listeners.Config{ID: "t", Address: "127.0.0.1:0"})
	return serveBroker(t, access, o, l), l.Address()
}
