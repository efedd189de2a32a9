package europe

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
)

// pipes is a network within the process. Whoever waits for it waits in the time
// of a synctest bubble, so that a week of timeouts, retries and sleeping cars
// takes seconds.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener, as do the next two.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// pipeBase is where a client of pipes believes its server to be.
const pipeBase = "http://127.0.0.1:1"

// overPipes serves handler within the synctest bubble of t, and leads a client
// there. A time limit then ends only when nobody has anything left to do, so a
// slow machine meets it where a quick one does.
func overPipes(t *testing.T, handler http.Handler) func(*ccs.Options) {
	t.Helper()
	network := newPipes()
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(network) }() // ends with Close
	t.Cleanup(func() { assert.NoError(t, server.Close()) })

	return func(o *ccs.Options) {
		o.Transport = func(next http.RoundTripper) http.RoundTripper {
			pool := next.(*http.Transport).Clone()
			pool.DialContext = network.dial
			return pool
		}
	}
}
