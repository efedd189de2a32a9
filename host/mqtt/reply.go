package mqtt

import (
	"bytes"
	"strings"
)

// A sender can name a topic of its own for answers, which MQTT 5 calls the response topic.
// They come there as well as to the bridge's topics, for others listen to these.

// maxReply bounds a response topic and correlation data, in bytes.
const maxReply = 1 << 10

// replyTo returns the response topic of a message and its correlation data. One that
// nothing can be published to, that is too long, or that is one of the bridge's own, on
// which the answers come anyway or which would mislead others, is none.
func replyTo(m Message, base string) (topic string, correlation []byte) {
	switch topic := m.ResponseTopic; {
	case topic == "", len(topic) > maxReply, len(m.Correlation) > maxReply, strings.ContainsAny(topic, "+#\x00"), topic[0] == '$',
		topic == base, strings.HasPrefix(topic, base+"/"):
		return "", nil
	}
	return m.ResponseTopic, bytes.Clone(m.Correlation)
}

// reply sends an answer, in one of the writer's two ways, to its topic and to the one that
// the sender of the message has named. The letter is the first.
func reply(send func(Message) *letter, to message, topic string, answer []byte) *letter {
	sent := send(Message{Topic: topic, Payload: answer, QoS: 1})
	if to.reply != "" {
		send(Message{Topic: to.reply, Payload: answer, QoS: 1, Correlation: to.correlation})
	}
	return sent
}

// unreplied is a message whose sender gets the answers from somebody else.
func (m message) unreplied() message {
	m.reply, m.correlation = "", nil
	return m
}
