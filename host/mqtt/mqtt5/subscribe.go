package mqtt5

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/internal/route"
)

// fenceTimeout is how long a fence may take. A broker that does not let the client read
// its own messages costs that once a connection.
const fenceTimeout = 5 * time.Second

// fence is a topic for a message of the client's own: when it is back, everything has come
// that the broker had kept for the session.
type fence struct {
	topic string
	sent  int
	back  chan struct{}
}

// Subscribe implements [mqtt.Client].
func (p *Client) Subscribe(ctx context.Context, s mqtt.Subscription) error {
	for _, filter := range s.Filters {
		p.router.Handle(filter, func(m mqtt.Message) {
			if s.AsPublished {
				m.Waited = p.waited()
			}
			s.Handler(m)
		})
	}
	if err := p.subscribe(ctx, s.Filters, s.QoS, s.AsPublished); err != nil || !s.AsPublished {
		return err
	}
	return p.catchUp(ctx)
}

func (p *Client) subscribe(ctx context.Context, filters []string, qos byte, asPublished bool) error {
	p.mu.Lock()
	manager := p.manager
	p.mu.Unlock()
	if manager == nil {
		return mqtt.ErrUnacknowledged
	}
	packet := &paho.Subscribe{}
	for _, filter := range filters {
		packet.Subscriptions = append(packet.Subscriptions, paho.SubscribeOptions{Topic: filter, QoS: qos, RetainAsPublished: asPublished})
	}
	ack, err := manager.Subscribe(ctx, packet)
	if ack != nil {
		for n, reason := range ack.Reasons {
			if reason >= refusal && n < len(filters) {
				return fmt.Errorf("%w to %s: let the hub read it in the broker's access rules", mqtt.ErrSubscriptionRefused, filters[n])
			}
		}
	}
	if err != nil {
		return fmt.Errorf("subscribing to %s: %w", filters, err)
	}
	return nil
}

// refusal is the least of the reasons that are failures.
const refusal = 0x80

// waited is how long a message that comes now may have waited at the broker; negative:
// nobody knows, for the client has just started.
func (p *Client) waited() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.caughtUp == p.connection.Number:
		return 0
	case p.lost.IsZero():
		return -1
	}
	return max(1, time.Since(p.lost))
}

// catchUp waits until everything has come that the broker had kept for the session.
func (p *Client) catchUp(ctx context.Context) error {
	p.mu.Lock()
	number, changed := p.connection.Number, p.changed
	if p.caughtUp == number {
		p.mu.Unlock()
		return nil
	}
	if p.fence == nil {
		p.fence = &fence{topic: route.Private(p.base, "fence")}
	}
	f := p.fence
	f.sent++
	f.back = make(chan struct{})
	sent, back := f.sent, f.back
	p.mu.Unlock()

	p.router.Handle(f.topic, p.returned)
	switch err := p.subscribe(ctx, []string{f.topic}, 1, false); {
	case errors.Is(err, mqtt.ErrSubscriptionRefused): // so it takes its time
	case err != nil:
		return err
	default:
		p.Publish(mqtt.Message{Topic: f.topic, Payload: []byte(strconv.Itoa(sent)), QoS: 1}) // its way back is its receipt
	}
	late := time.NewTimer(fenceTimeout)
	defer late.Stop()
	select {
	case <-back:
	case <-late.C:
	case <-changed:
		return mqtt.ErrUnacknowledged
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	p.caughtUp = number
	p.mu.Unlock()
	return nil
}

// returned gets the fence's message back.
func (p *Client) returned(m mqtt.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.fence; f.back != nil && string(m.Payload) == strconv.Itoa(f.sent) {
		close(f.back)
		f.back = nil
		p.caughtUp = p.connection.Number // what comes behind it is new
	}
}
