package mqtt

import (
	"context"
	"errors"
	"sync"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/internal/route"
)

// commands tells how messages were published, which MQTT 3.1.1 does not: to a client
// that has subscribed, a broker hands out a message that it also keeps like any other.
// So each message waits until the broker was asked for what it keeps, by subscribing
// again. Its answer has come when a message of the client's own, the fence, is back.
// Whatever comes at once is asked for at once. Safe for concurrent use.
type commands struct {
	paho  *Paho
	fence *route.Fence
	// round is held by who asks the broker.
	round sync.Mutex

	mu           sync.Mutex
	subscription Subscription
	// pending messages have not been asked for.
	pending []Message
	// kept is what the broker keeps, by topic, as far as this round knows.
	kept map[string]string
	// asking: a goroutine asks for what is pending.
	asking bool
	// caughtUp is the number of the connection on which everything has come that the
	// broker had kept for the session; zero: none.
	caughtUp uint64
	// open: there is a fence on this connection.
	open bool
}

func newCommands(p *Paho) *commands { return &commands{paho: p, fence: route.NewFence(p.base)} }

// subscribe subscribes on a new connection, and judges what has come with it.
func (c *commands) subscribe(ctx context.Context, s Subscription) error {
	away := c.paho.away()
	c.mu.Lock()
	c.subscription, c.caughtUp, c.open = s, 0, false
	for i := range c.pending {
		c.pending[i].Waited = away
	}
	c.mu.Unlock()
	c.round.Lock()
	defer c.round.Unlock()

	err := c.paho.subscribe(ctx, []string{c.fence.Topic}, 1, func(m Message) { c.fence.Returned(m.Payload) })
	if err != nil && !errors.Is(err, ErrSubscriptionRefused) {
		return err
	}
	c.mu.Lock()
	c.open = err == nil
	c.mu.Unlock()
	return c.ask(ctx, true)
}

// ask asks the broker for what it keeps, and hands on what was pending. At first it
// also hands on what is kept and nobody has sent just now. Called with round held.
func (c *commands) ask(ctx context.Context, first bool) error {
	number := c.paho.number()
	c.mu.Lock()
	s, count := c.subscription, len(c.pending)
	c.kept = map[string]string{}
	c.mu.Unlock()
	if err := c.paho.subscribe(ctx, s.Filters, s.QoS, c.arrived); err != nil {
		return err
	}
	if err := c.wait(ctx); err != nil {
		return err
	}

	c.mu.Lock()
	if first {
		count = len(c.pending) // what the broker had for the session
		c.caughtUp = number
	}
	judged, kept := c.pending[:count:count], c.kept
	c.pending, c.kept = c.pending[count:], nil
	c.mu.Unlock()
	for _, m := range judged {
		if payload, ok := kept[m.Topic]; ok && payload == string(m.Payload) {
			m.Retained = true
			delete(kept, m.Topic)
		}
		s.Handler(m)
	}
	if first {
		for topic, payload := range kept {
			s.Handler(Message{Topic: topic, Payload: []byte(payload), QoS: s.QoS, Retained: true})
		}
	}
	return nil
}

// wait waits until everything that the broker had to say before has come.
func (c *commands) wait(ctx context.Context) error {
	c.mu.Lock()
	open := c.open
	c.mu.Unlock()
	if !open {
		return nil
	}
	inTime, err := c.fence.Wait(ctx, func(payload []byte) {
		c.paho.Publish(Message{Topic: c.fence.Topic, Payload: payload, QoS: 1}) // its way back is its receipt
	})
	if err == nil && !inTime {
		c.mu.Lock()
		c.open = false
		c.mu.Unlock()
	}
	return err
}

// arrived is the handler of the messages themselves.
func (c *commands) arrived(m Message) {
	m.Payload = beginning(m.Payload)
	number := c.paho.number()
	c.mu.Lock()
	if m.Retained {
		if c.kept != nil {
			c.kept[m.Topic] = string(m.Payload)
		}
		c.mu.Unlock()
		return
	}
	// An empty message is kept nowhere, so there is nothing to ask for; of too many the
	// inbox counts those that it drops.
	if len(m.Payload) == 0 || len(c.pending) >= maxWaiting {
		handler := c.subscription.Handler
		c.mu.Unlock()
		handler(m)
		return
	}
	live := c.caughtUp == number
	if !live {
		m.Waited = c.paho.away()
	}
	c.pending = append(c.pending, m)
	begin := live && !c.asking
	c.asking = c.asking || begin
	c.mu.Unlock()
	if begin {
		go c.askOn() // ends when nothing is pending
	}
}

// askOn asks as long as something is pending. What a lost connection leaves over is
// asked for on the next one.
func (c *commands) askOn() {
	c.round.Lock()
	defer c.round.Unlock()
	for c.hasPending() {
		connection, changed := c.paho.Connection()
		if !connection.Up {
			c.leave()
			return
		}
		ctx, cancel := untilClosed(context.Background(), changed, subscribeTimeout)
		err := c.ask(ctx, false)
		cancel()
		if err != nil && closedWithin(context.Background(), changed, retryPause) {
			c.leave()
			return
		}
	}
}

// hasPending says whether there is something to ask for; else the asking has ended.
func (c *commands) hasPending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asking = len(c.pending) > 0 && c.caughtUp != 0
	return c.asking
}

// leave leaves what is pending to the next connection.
func (c *commands) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asking, c.caughtUp = false, 0
}
