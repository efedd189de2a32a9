package mqtt

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Client is what the bridge needs of an MQTT client. [NewPaho] makes one of the
// options of an eclipse/paho.mqtt.golang client, and package mqtt5 one for MQTT 5. Its
// methods are safe for concurrent use.
//
// The broker has to keep the client's session while the client is away, so that no
// command is lost, and has to publish the will, so that nobody takes the values of a
// hub that has died for those of one that lives.
type Client interface {
	// Connection is how the client is connected now, and a channel that is closed when
	// that has changed.
	Connection() (Connection, <-chan struct{})
	// Publish hands a message to the client. It may wait while the connection takes no
	// more, and never waits for the broker's answer: that is the receipt's. A message
	// with [Message.Retained] that is lost with its connection stays lost; the bridge
	// sends it again. Any other the client sends again by itself.
	Publish(m Message) Receipt
	// Subscribe asks the broker for messages, until the connection is lost. It fails
	// with [ErrSubscriptionRefused] if the broker does not allow it.
	Subscribe(ctx context.Context, s Subscription) error
	// Will is the topic on which the broker says that the client is gone, see
	// [StateTopic].
	Will() string
}

// Connection is how a client is connected.
type Connection struct {
	// Number tells connections apart: it grows with each attempt.
	Number uint64
	Up     bool
	// Err is why it is not up, if it was tried.
	Err error
}

// Message is one that is published or was received.
type Message struct {
	Topic    string
	Payload  []byte
	QoS      byte
	Retained bool
	// Waited is how long a received message may have waited at the broker while the
	// client was away; zero: it has not; negative: nobody knows how long.
	Waited time.Duration
	// Expiry is how long a received message is still good for by its sender's word; zero:
	// the sender has not said. The broker keeps none for longer. Of MQTT 5.
	Expiry time.Duration
	// ResponseTopic is where the sender of a received message wants the answers, too, and
	// Correlation goes with them; empty: nothing. Of MQTT 5.
	ResponseTopic string
	Correlation   []byte
}

// Subscription is what a client subscribes to. The handler must not block, nor keep
// the payload. It also gets what the broker has kept for the client's session.
type Subscription struct {
	Filters []string
	QoS     byte
	Handler func(Message)
	// AsPublished: a message's Retained says how it was published, and Waited is told.
	// Else Retained only says that the broker had kept it before the client subscribed.
	AsPublished bool
}

// Receipt is the broker's acknowledgement of a message; a paho.Token is one. Done is
// closed when it has come or will not come any more, which Error then tells.
type Receipt interface {
	Done() <-chan struct{}
	Error() error
}

var (
	// ErrSubscriptionRefused says that the broker does not let the hub read its commands.
	ErrSubscriptionRefused = errors.New("the broker refused the subscription")
	// ErrPublishRefused says that the broker does not take a message, and will not take it
	// later. Of MQTT 5: brokers of before say that they have taken it.
	ErrPublishRefused = errors.New("the broker refused the message")
	// ErrUnacknowledged says that the broker has not acknowledged a message. The bridge
	// goes on trying.
	ErrUnacknowledged = errors.New("the broker has not acknowledged it yet")
)

// RefusedSubscription is [ErrSubscriptionRefused] of a filter, for a [Client].
func RefusedSubscription(filter string) error {
	return fmt.Errorf("%w to %s: let the hub read it in the broker's access rules", ErrSubscriptionRefused, filter)
}

// The words of [StateTopic]; Offline is the will's.
const (
	online  = "online"
	Offline = "offline"
)

// StateTopic is where a bridge says, retained, that it is online, and its client's
// will that it is offline.
func StateTopic(base string) string { return base + "/" + bridgeLevel + "/state" }
