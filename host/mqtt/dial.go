package mqtt

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/net/proxy"
)

// Dial opens the client's connection as the client does itself, for the same kinds of
// URL, but so that many small packets need few system calls: a car's state is some
// ninety messages. Give it to the client's options with SetCustomOpenConnectionFn.
func Dial(broker *url.URL, o paho.ClientOptions) (net.Conn, error) {
	dialer := o.Dialer
	if dialer == nil {
		dialer = &net.Dialer{Timeout: o.ConnectTimeout}
	}
	var conn net.Conn
	var err error
	switch broker.Scheme {
	case "mqtt", "tcp":
		conn, err = proxy.FromEnvironmentUsing(dialer).Dial("tcp", broker.Host)
	case "ssl", "tls", "mqtts", "mqtt+ssl", "tcps":
		conn, err = dialTLS(broker.Host, dialer, o.TLSConfig)
	case "unix":
		path := broker.Path
		if broker.Host != "" {
			path = broker.Host
		}
		conn, err = dialer.Dial("unix", path)
	case "ws", "wss":
		plain := *broker
		plain.User = nil // it is in the packet that connects
		conn, err = paho.NewWebsocket(plain.String(), o.TLSConfig, o.ConnectTimeout, o.HTTPHeaders, o.WebsocketOptions)
	default:
		return nil, fmt.Errorf("mqtt: %q is no kind of broker: use tcp, ssl, ws, wss or unix", broker.Scheme)
	}
	if err != nil {
		return nil, err
	}
	return newBuffered(conn), nil
}

func dialTLS(host string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
	conn, err := proxy.FromEnvironmentUsing(dialer).Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	if config == nil || config.ServerName == "" {
		name, _, err := net.SplitHostPort(host)
		if err != nil {
			name = host
		}
		if config = config.Clone(); config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		config.ServerName = name
	}
	secured := tls.Client(conn, config)
	ctx := context.Background()
	if dialer.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, dialer.Timeout)
		defer cancel()
	}
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake failed
		return nil, &handshakeError{err}
	}
	return secured, nil
}

// handshakeError is that of a broker with which TLS could not be agreed on.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "TLS handshake: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

const (
	// bufferSize is how much may wait to be written before Write does.
	bufferSize = 64 << 10
	// closeFlush is how long Close waits for what has been written.
	closeFlush = 500 * time.Millisecond
)

// buffered is a connection that gathers what is written while the write before is
// under way, and reads ahead. A failed write shows at the next one. Safe for
// concurrent use, as connections are.
type buffered struct {
	net.Conn
	r *bufio.Reader

	mu sync.Mutex
	// changed: there is something to write, room to write to, or an end.
	changed *sync.Cond
	waiting []byte
	timeout time.Duration // of a write; 0 for none
	writing bool
	closed  bool
	err     error
}

func newBuffered(conn net.Conn) *buffered {
	b := &buffered{Conn: conn, r: bufio.NewReaderSize(conn, 16<<10)}
	b.changed = sync.NewCond(&b.mu)
	go b.write()
	return b
}

func (b *buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

// Write implements [net.Conn]. It returns before p is on its way.
func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.waiting) > bufferSize && b.err == nil && !b.closed {
		b.changed.Wait()
	}
	switch {
	case b.err != nil:
		return 0, b.err
	case b.closed: // what was written before still leaves, and Close waits for it
		return 0, net.ErrClosed
	}
	b.waiting = append(b.waiting, p...)
	b.changed.Broadcast()
	return len(p), nil
}

// write writes what is waiting, until the connection fails or is closed.
func (b *buffered) write() {
	var under []byte
	for {
		b.mu.Lock()
		for len(b.waiting) == 0 && !b.closed && b.err == nil {
			b.changed.Wait()
		}
		if len(b.waiting) == 0 || b.err != nil {
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		runtime.Gosched() // who is about to write more may do so first
		b.mu.Lock()
		under, b.waiting, b.writing = b.waiting, under[:0], true
		if b.timeout > 0 {
			_ = b.Conn.SetWriteDeadline(time.Now().Add(b.timeout)) // else the write fails too
		}
		b.changed.Broadcast()
		b.mu.Unlock()
		_, err := b.Conn.Write(under)
		b.mu.Lock()
		if b.writing = false; err != nil && b.err == nil {
			b.err = err
		}
		b.changed.Broadcast()
		b.mu.Unlock()
	}
}

// SetDeadline implements [net.Conn] for reads alone: the client waits so for the
// broker's answer to the packet that connects.
func (b *buffered) SetDeadline(t time.Time) error { return b.SetReadDeadline(t) }

// SetWriteDeadline implements [net.Conn]: what is left until t is what each write may
// take. None leaves that as it is, for the client calls it when its Write has returned.
func (b *buffered) SetWriteDeadline(t time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !t.IsZero() {
		b.timeout = time.Until(t)
	}
	return nil
}

// Close implements [net.Conn]. What has been written gets a moment to leave: the last
// of it says that the client goes in peace.
func (b *buffered) Close() error {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		b.changed.Broadcast()
		// No deadline: a websocket takes one only from where it is written to.
		late := time.AfterFunc(closeFlush, func() { _ = b.Conn.Close() })
		for b.err == nil && (b.writing || len(b.waiting) > 0) {
			b.changed.Wait()
		}
		late.Stop()
	}
	b.mu.Unlock()
	return b.Conn.Close()
}
