package broker

import (
	"net"
	"sync"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCloseWhileClientsCome and while others say nothing: the server's own count of
// its clients does not bear one that comes while it is being closed.
func TestCloseWhileClientsCome(t *testing.T) {
	for range 30 {
		b, err := Start()
		require.NoError(t, err)
		client := paho.NewClient(paho.NewClientOptions().AddBroker(b.URL()).SetAutoReconnect(false))
		token := client.Connect()
		await.Value(t, "a connection", token.Done())
		require.NoError(t, token.Error())

		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				for { // until nobody listens
					conn, err := net.Dial("tcp", b.Address)
					if err != nil {
						return
					}
					_ = conn.Close()
				}
			})
		}
		silent, err := net.Dial("tcp", b.Address)
		require.NoError(t, err)

		require.NoError(t, b.Close(await.Context(t, "the end of the broker")))
		callers.Wait()
		client.Disconnect(0)
		_ = silent.Close()
	}
}
