package mqtt5

import (
	"context"
	"io"
	"sync"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/session"
)

// connectionLost is the reason, none of MQTT's for an acknowledgement, by which a message
// ends that was lost with its connection.
const connectionLost = 0xFF

// sessionState is a session that does not send retained messages again on the next
// connection: the bridge sends what is right by then. Nor does it take a message for one
// connection after the next has begun: what the session had was sent again by then, and
// this one is written to the former, so that nobody would ever acknowledge it. Safe for
// concurrent use.
type sessionState struct {
	session.SessionManager

	mu sync.Mutex
	// number of the connection, and of all that there were.
	number uint64
	// retained are the ids of retained messages that are under way on this connection.
	retained map[uint16]bool
	up       bool
}

func newSession(inner session.SessionManager) *sessionState {
	return &sessionState{SessionManager: inner, retained: map[uint16]bool{}}
}

// ConAckReceived implements [session.SessionManager].
func (s *sessionState) ConAckReceived(w io.Writer, connect *packets.Connect, ack *packets.Connack) error {
	s.mu.Lock()
	s.number++
	s.up = true
	s.mu.Unlock()
	return s.SessionManager.ConAckReceived(w, connect, ack)
}

// connection is the number of the one that there is, or was last.
func (s *sessionState) connection() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.number
}

type connectionKey struct{}

// onConnection says which connection a message is published on.
func onConnection(ctx context.Context, number uint64) context.Context {
	return context.WithValue(ctx, connectionKey{}, number)
}

// AddToSession implements [session.SessionManager].
func (s *sessionState) AddToSession(ctx context.Context, packet session.Packet, resp chan<- packets.ControlPacket) error {
	number, ours := ctx.Value(connectionKey{}).(uint64)
	if ours && number != s.connection() {
		return session.ErrNoConnection
	}
	err := s.SessionManager.AddToSession(ctx, packet, resp)
	publish, ok := packet.(*packets.Publish)
	if err != nil || !ok || !ours && !publish.Retain {
		return err
	}
	s.mu.Lock()
	lost := ours && number != s.number || publish.Retain && !s.up
	if publish.Retain && !lost {
		s.retained[publish.PacketID] = true
	}
	s.mu.Unlock()
	if lost { // just now
		s.end(publish.PacketID)
	}
	return nil
}

// PacketReceived implements [session.SessionManager].
func (s *sessionState) PacketReceived(packet *packets.ControlPacket, publishes chan<- *packets.Publish) error {
	if ack, ok := packet.Content.(*packets.Puback); ok {
		s.mu.Lock()
		delete(s.retained, ack.PacketID)
		s.mu.Unlock()
	}
	return s.SessionManager.PacketReceived(packet, publishes)
}

// ConnectionLost implements [session.SessionManager].
func (s *sessionState) ConnectionLost(d *packets.Disconnect) error {
	err := s.SessionManager.ConnectionLost(d)
	s.mu.Lock()
	lost := s.retained
	s.retained, s.up = map[uint16]bool{}, false
	s.mu.Unlock()
	for id := range lost {
		s.end(id)
	}
	return err
}

// end takes a message out of the session, as if the broker had refused it.
func (s *sessionState) end(id uint16) {
	ack := &packets.Puback{PacketID: id, ReasonCode: connectionLost, Properties: &packets.Properties{}}
	packet := packets.NewControlPacket(packets.PUBACK)
	packet.Content = ack
	_ = s.SessionManager.PacketReceived(packet, nil) // never fails for a PUBACK
}
