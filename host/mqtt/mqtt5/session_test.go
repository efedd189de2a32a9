package mqtt5

import (
	"bytes"
	"testing"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/session"
	"github.com/eclipse/paho.golang/paho/session/state"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// connect begins a connection of a session that the broker has kept, and returns what is
// written to it.
func connect(t *testing.T, s *sessionState) *bytes.Buffer {
	t.Helper()
	written := &bytes.Buffer{}
	connack := &packets.Connack{SessionPresent: s.connection() > 0, Properties: &packets.Properties{}}
	kept := &packets.Properties{SessionExpiryInterval: new(uint32(sessionExpiry))}
	require.NoError(t, s.ConAckReceived(written, &packets.Connect{ClientID: "hub", Properties: kept}, connack))
	return written
}

func publish(topic string, retain bool) *packets.Publish {
	return &packets.Publish{Topic: topic, Payload: []byte("x"), QoS: 1, Retain: retain, Properties: &packets.Properties{}}
}

// TestNoMessageOfAFormerConnection gets into the session of the next: it would be written
// to the former, and nobody would ever acknowledge it.
func TestNoMessageOfAFormerConnection(t *testing.T) {
	for name, retain := range map[string]bool{"retained": true, "an answer": false} {
		t.Run(name, func(t *testing.T) {
			s := newSession(state.NewInMemory())
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			connect(t, s)
			former := onConnection(t.Context(), s.connection())
			require.NoError(t, s.ConnectionLost(nil))
			connect(t, s)

			late := make(chan packets.ControlPacket, 1)
			require.ErrorIs(t, s.AddToSession(former, publish("late", retain), late), session.ErrNoConnection)
			assert.Empty(t, late, "it is the sender's to send it again")

			acknowledged, now := make(chan packets.ControlPacket, 1), publish("now", retain)
			require.NoError(t, s.AddToSession(onConnection(t.Context(), s.connection()), now, acknowledged))
			ack := packets.NewControlPacket(packets.PUBACK)
			ack.Content = &packets.Puback{PacketID: now.PacketID, Properties: &packets.Properties{}}
			require.NoError(t, s.PacketReceived(ack, nil))
			assert.Len(t, acknowledged, 1)
		})
	}
}

// TestWhatWasUnderWayIsSentAgain on the next connection, unless it was retained.
func TestWhatWasUnderWayIsSentAgain(t *testing.T) {
	s := newSession(state.NewInMemory())
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	connect(t, s)
	ctx := onConnection(t.Context(), s.connection())
	answer, value := make(chan packets.ControlPacket, 1), make(chan packets.ControlPacket, 1)
	require.NoError(t, s.AddToSession(ctx, publish("answer", false), answer))
	require.NoError(t, s.AddToSession(ctx, publish("value", true), value))
	require.NoError(t, s.ConnectionLost(nil))
	again := connect(t, s).String()
	assert.Contains(t, again, "answer")
	assert.NotContains(t, again, "value")
	assert.Empty(t, answer)
	assert.Len(t, value, 1, "its sender knows")
}
