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
type store struct {
	paho.Store
	base string // with a slash
}

// Put implements paho.Store.
func (s *store) Put(key string, message packets.ControlPacket) {
	state, ok := message.(*packets.PublishPacket)
	if !ok || !strings.HasPrefix(key, outbound) || !state.Retain || !strings.HasPrefix(state.TopicName, s.base) {
		s.Store.Put(key, message)
		return
	}
	empty := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket) //nolint:forcetypeassert // as it says
	empty.TopicName, empty.MessageID, empty.Qos = s.base+bridgeLevel+"/resent", state.MessageID, state.Qos
	s.Store.Put(key, empty)
}

// outbound is how the keys of packets begin that the client sends.
const outbound = "o."
