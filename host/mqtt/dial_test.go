package mqtt_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// Every kind of broker can be reached, and carries many messages both ways.
func TestDialEveryKind(t *testing.T) {
	// A certificate for 127.0.0.1 and example.com, as every httptest server has it.
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	certificates := web.TLS.Certificates
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	web.Close()
	secured := &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12}
	dir, err := os.MkdirTemp("/tmp", "s") // short, whatever TMPDIR is
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	socket := filepath.Join(dir, "s")
	tcp := listeners.NewTCP(listeners.Config{ID: "tcp", Address: "127.0.0.1:0"})
	over := listeners.NewTCP(listeners.Config{ID: "tls", Address: "127.0.0.1:0", TLSConfig: secured})
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, free.Close())
	ws := listeners.NewWebsocket(listeners.Config{ID: "ws", Address: free.Addr().String()}) // does not say which port it took
	serveBroker(t, new(auth.AllowHook), &mochi.Options{}, tcp, over, ws, listeners.NewUnixSock(listeners.Config{ID: "unix", Address: socket}))
	await.True(t, "websockets are served, which begins later than the others", func() bool {
		conn, err := net.Dial("tcp", ws.Address())
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})

	for _, broker := range []string{
		"tcp://" + tcp.Address(), "mqtt://" + tcp.Address(), "ssl://" + over.Address(), "mqtts://" + over.Address(), "ws://" + ws.Address(), "unix://" + socket,
	} {
		o := paho.NewClientOptions().AddBroker(broker).SetClientID(broker).SetCustomOpenConnectionFn(mqtt.Dial).
			SetTLSConfig(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}).SetWriteTimeout(await.Limit)
		c := paho.NewClient(o)
		token := c.Connect()
		await.Value(t, "a connection to "+broker, token.Done())
		require.NoError(t, token.Error(), broker)
		const n = 2000
		got := make(chan string, n)
		confirmed(t, c.Subscribe("x", 1, func(_ paho.Client, m paho.Message) { got <- string(m.Payload()) }))
		for i := range n {
			c.Publish("x", 1, false, strconv.Itoa(i))
		}
		for i := range n {
			require.Equal(t, strconv.Itoa(i), await.Value(t, broker+": message "+strconv.Itoa(i), got), broker)
		}
		c.Disconnect(100)
	}
}

func TestDialThatFails(t *testing.T) {
	for _, broker := range []string{"http://x", "tcp://127.0.0.1:1", "ssl://127.0.0.1:1", "unix:///nonexistent", "ws://127.0.0.1:1"} {
		u, err := url.Parse(broker)
		require.NoError(t, err)
		_, err = mqtt.Dial(u, *paho.NewClientOptions())
		require.Error(t, err, broker)
	}
	// Somebody else's certificate.
	web := httptest.NewUnstartedServer(nil)
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	defer web.Close()
	_, err := mqtt.Dial(&url.URL{Scheme: "ssl", Host: web.Listener.Addr().String()}, *paho.NewClientOptions())
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)
}

// pair is a dialled connection and its other end.
func pair(t *testing.T) (conn net.Conn, other *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		assert.NoError(t, err)
		accepted <- c
	}()
	conn, err = mqtt.Dial(&url.URL{Scheme: "tcp", Host: l.Addr().String()}, *paho.NewClientOptions())
	require.NoError(t, err)
	c := <-accepted
	t.Cleanup(func() {
		_ = conn.Close()
		_ = c.Close()
	})
	return conn, c.(*net.TCPConn)
}

func TestWhatIsWrittenArrivesInOrderAndBeforeTheEnd(t *testing.T) {
	conn, other := pair(t)
	const n = 50_000 // more than any buffer on the way holds
	var want bytes.Buffer
	for i := range n {
		want.WriteString(strconv.Itoa(i) + "\n")
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		got, err := io.ReadAll(other)
		assert.NoError(t, err)
		assert.Equal(t, want.String(), string(got))
	})
	for i := range n {
		_, err := conn.Write([]byte(strconv.Itoa(i) + "\n"))
		require.NoError(t, err)
	}
	require.NoError(t, conn.Close())
	wg.Wait()
	_, err := conn.Write([]byte("x"))
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestWriteFindsOutThatTheOtherEndIsGone(t *testing.T) {
	conn, other := pair(t)
	require.NoError(t, other.SetLinger(0))
	require.NoError(t, other.Close())
	await.True(t, "a write fails", func() bool {
		_, err := conn.Write([]byte("x"))
		return err != nil
	})
	_, err := conn.Read(make([]byte, 1))
	require.Error(t, err)
}

func TestBrokerThatDoesNotRead(t *testing.T) {
	conn, _ := pair(t)
	require.NoError(t, conn.SetWriteDeadline(time.Now().Add(200*time.Millisecond)))
	require.NoError(t, conn.SetWriteDeadline(time.Time{}))
	require.ErrorContains(t, await.Value(t, "a write fails", fill(conn)), "timeout", "the client's own bound holds")

	conn, _ = pair(t)
	failed, closed := fill(conn), make(chan error, 1)
	go func() { closed <- conn.Close() }()
	require.NoError(t, await.Value(t, "it closes although nobody reads", closed))
	require.Error(t, await.Value(t, "the write ends with it", failed))
}

// TestCloseDuringWrites ends, whenever it comes, and what was written before it has
// arrived.
func TestCloseDuringWrites(t *testing.T) {
	for range 500 {
		conn, other := pair(t)
		arrived := make(chan int64, 1)
		go func() {
			n, _ := io.Copy(io.Discard, other) // to its end
			arrived <- n
		}()
		_, err := conn.Write(make([]byte, 1000))
		require.NoError(t, err)

		failed, closed := fill(conn), make(chan error, 1)
		go func() { closed <- conn.Close() }()
		require.NoError(t, await.Value(t, "the end of Close", closed))
		require.ErrorIs(t, await.Value(t, "the end of the writes", failed), net.ErrClosed)
		require.GreaterOrEqual(t, await.Value(t, "the end of the connection", arrived), int64(1000))
	}
}

// fill writes until that fails.
func fill(conn net.Conn) <-chan error {
	failed := make(chan error, 1)
	go func() {
		for {
			if _, err := conn.Write(make([]byte, 10_000)); err != nil {
				failed <- err
				return
			}
		}
	}()
	return failed
}
