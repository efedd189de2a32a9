package mqtt5

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
)

const (
	// lanes is how many messages are under way at a time: fewer than any broker allows.
	lanes = 16
	// acknowledgeTimeout bounds how long a message waits for the broker on a connection
	// that lives; the bridge gives up much earlier.
	acknowledgeTimeout = time.Hour
)

// lane sends messages one after the other, each when the one before is acknowledged, so
// that those of a topic keep their order. It has a goroutine while it has messages.
type lane struct {
	mu      sync.Mutex
	queue   []*publication
	running bool
}

// publication is a message on its way, and its receipt.
type publication struct {
	message mqtt.Message
	// number of the connection that it was meant for.
	number uint64
	done   chan struct{}
	err    error
}

// Done implements [mqtt.Receipt].
func (r *publication) Done() <-chan struct{} { return r.done }

// Error implements [mqtt.Receipt].
func (r *publication) Error() error {
	select {
	case <-r.done:
		return r.err
	default:
		return nil
	}
}

// Publish implements [mqtt.Client]. It never waits.
func (p *Client) Publish(m mqtt.Message) mqtt.Receipt {
	connection, _ := p.Connection()
	r := &publication{message: m, number: connection.Number, done: make(chan struct{})}
	l := &p.lanes[maphash.String(p.seed, m.Topic)%lanes]
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, r)
	if !l.running {
		l.running = true
		go p.send(l)
	}
	return r
}

// send sends what is in a lane.
func (p *Client) send(l *lane) {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.running, l.queue = false, nil
			l.mu.Unlock()
			return
		}
		r := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		r.err = p.deliver(r)
		close(r.done)
	}
}

// deliver sends a message until the broker has acknowledged or refused it; a retained one
// on the connection that it was meant for only.
func (p *Client) deliver(r *publication) error {
	for {
		session := p.session.connection() // before it is known to be up: see [sessionState]
		p.mu.Lock()
		manager, number, life, changed, longest := p.manager, p.connection.Number, p.life, p.changed, p.longest
		up := p.connection.Up
		p.mu.Unlock()
		switch {
		case r.message.Retained && number != r.number:
			return mqtt.ErrUnacknowledged
		case longest > 0 && lengthOf(r.message) > int(longest):
			return fmt.Errorf("%w: the broker takes packets of up to %d bytes", mqtt.ErrPublishRefused, longest)
		}

		if up {
			response, err := manager.Publish(onConnection(life, session), packetOf(r.message))
			switch {
			case err == nil:
				return nil
			case errors.Is(err, paho.ErrInvalidArguments):
				return fmt.Errorf("%w: %w", mqtt.ErrPublishRefused, err)
			case response != nil && response.ReasonCode != connectionLost:
				return fmt.Errorf("%w with reason 0x%02X", mqtt.ErrPublishRefused, response.ReasonCode)
			}
		}
		if r.message.Retained || life.Err() != nil {
			return mqtt.ErrUnacknowledged
		}
		again(life, changed)
	}
}

// again waits until the connection has changed, or for a moment.
func again(ctx context.Context, changed <-chan struct{}) {
	pause := time.NewTimer(leastPause)
	defer pause.Stop()
	select {
	case <-changed:
	case <-pause.C:
	case <-ctx.Done():
	}
}

func packetOf(m mqtt.Message) *paho.Publish {
	packet := &paho.Publish{Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retained}
	if m.Correlation != nil {
		packet.Properties = &paho.PublishProperties{CorrelationData: m.Correlation}
	}
	return packet
}

// lengthOf is the most that a message's packet has, in bytes.
func lengthOf(m mqtt.Message) int {
	const header = 5 + 2 + 2 + 4 + 3 // fixed, of the topic, id, of the properties, of the correlation
	return header + len(m.Topic) + len(m.Payload) + len(m.Correlation)
}
