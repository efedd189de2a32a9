package mqtt

import (
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWhatTheBrokerHadKept comes before anybody has subscribed on the new connection; it
// is as old as the client was away.
func TestWhatTheBrokerHadKept(t *testing.T) {
	p, err := NewPaho(paho.NewClientOptions().SetClientID("hub"), "hyundai")
	require.NoError(t, err)
	c := newCommands(p)
	c.asking = true // nobody is to ask
	arrive := func() time.Duration {
		c.arrived(Message{Topic: "hyundai/car1/commands/refresh", Payload: []byte("force")})
		return c.pending[len(c.pending)-1].Waited
	}
	p.connection.Number = 1
	assert.Negative(t, arrive(), "the first connection: nobody knows")
	c.caughtUp = 1
	assert.Zero(t, arrive())
	p.lost, p.connection.Number = time.Now().Add(-time.Hour), 2
	assert.GreaterOrEqual(t, arrive(), time.Hour)
	c.caughtUp = 2
	assert.Zero(t, arrive())

	huge := make([]byte, 1<<20)
	c.arrived(Message{Payload: huge})
	assert.Len(t, c.pending[len(c.pending)-1].Payload, keptPayload)
	handed := 0
	c.subscription.Handler = func(Message) { handed++ }
	for range maxWaiting {
		c.arrived(Message{Payload: []byte("force")})
	}
	assert.Equal(t, maxWaiting, len(c.pending))
	assert.Equal(t, 5, handed, "what is too much is counted by the next")
	c.arrived(Message{})
	assert.Equal(t, 6, handed, "an empty message waits for nothing")
}

// TestStopWithoutStart ends nothing, and does not hang.
func TestStopWithoutStart(t *testing.T) {
	p, err := NewPaho(paho.NewClientOptions().SetClientID("hub"), "hyundai")
	require.NoError(t, err)
	b, err := New(Options{Client: p, Fleet: struct{ Fleet }{}})
	require.NoError(t, err)
	require.NoError(t, b.Stop(t.Context()))
}
