package mqtt5

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
)

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
				return mqtt.RefusedSubscription(filters[n])
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
	number := p.connection.Number
	done := p.caughtUp == number
	p.mu.Unlock()
	if done {
		return nil
	}

	publish := func(payload []byte) {
		p.Publish(mqtt.Message{Topic: p.fence.Topic, Payload: payload, QoS: 1}) // its way back is its receipt
	}
	p.router.Handle(p.fence.Topic, p.returned)
	switch err := p.subscribe(ctx, []string{p.fence.Topic}, 1, false); {
	case errors.Is(err, mqtt.ErrSubscriptionRefused): // so it takes its time
		publish = func([]byte) {}
	case err != nil:
		return err
	}
	if _, err := p.fence.Wait(ctx, publish); err != nil {
		return err
	}
	p.mu.Lock()
	p.caughtUp = number
	p.mu.Unlock()
	return nil
}

// returned gets the fence's message back.
func (p *Client) returned(m mqtt.Message) {
	if p.fence.Returned(m.Payload) {
		p.mu.Lock()
		p.caughtUp = p.connection.Number // what comes behind it is new
		p.mu.Unlock()
	}
}
