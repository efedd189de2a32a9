package mqtt

import (
	"maps"
	"slices"
)

// Topics of the bridge's own, below {base}/bridge/.
const (
	topicState   = "state"
	topicInfo    = "info"
	topicEvent   = "event"
	topicAccount = "account/" // and the plugin's name
)

// self is the content of the bridge's own page: retained topics and what they hold.
type self struct{ topics map[string][]byte }

func (s *self) set(topic string, body []byte) {
	if s.topics == nil {
		s.topics = map[string][]byte{}
	}
	s.topics[topic] = body
}

// messages implements content.
func (s *self) messages() []outgoing {
	var all []outgoing
	for _, topic := range slices.Sorted(maps.Keys(s.topics)) {
		body := s.topics[topic]
		all = append(all, outgoing{topic: topic, number: -1, retained: true, body: body, sum: sumOf(body, 0)})
	}
	return all
}
