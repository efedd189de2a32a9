package mqtt

import (
	"strings"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// store is where the client keeps messages until they are acknowledged, to send them
// again on its next connection. There the bridge sends what its topics hold by then;
// an older state, sent again in between, would stay. So of a retained message of the
// bridge's only the packet's number is kept, and its second time goes to a topic that
// means nothing.
//
// What is kept is a copy, and so is what is handed out: the client marks a packet that it
// takes from here as sent again, while it may be writing the same one.
type store struct {
	paho.Store
	base string // with a slash
}

// Put implements paho.Store.
func (s *store) Put(key string, message packets.ControlPacket) {
	state, ok := message.(*packets.PublishPacket)
	if !ok || !strings.HasPrefix(key, outbound) || !state.Retain || !strings.HasPrefix(state.TopicName, s.base) {
		s.Store.Put(key, copied(message))
		return
	}
	empty := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket) //nolint:forcetypeassert // as it says
	empty.TopicName, empty.MessageID, empty.Qos = s.base+bridgeLevel+"/resent", state.MessageID, state.Qos
	s.Store.Put(key, empty)
}

// Get implements paho.Store.
func (s *store) Get(key string) packets.ControlPacket { return copied(s.Store.Get(key)) }

// copied is a packet that may be changed without changing the one that is given.
func copied(packet packets.ControlPacket) packets.ControlPacket {
	if p, ok := packet.(*packets.PublishPacket); ok {
		c := *p
		return &c
	}
	return packet
}

// outbound is how the keys of packets begin that the client sends.
const outbound = "o."
