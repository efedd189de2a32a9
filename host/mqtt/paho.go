package mqtt

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/internal/route"
)

// Bounds of what [NewPaho] sets where the hub has set nothing.
const (
	maxReconnect  = 30 * time.Second
	connectPause  = time.Second
	writeTimeout  = 10 * time.Second
	pahoReconnect = 10 * time.Minute // the client's own default
)

// Paho is a [Client] on a client of eclipse/paho.mqtt.golang, MQTT 3.1.1.
type Paho struct {
	client paho.Client
	base   string
	// router gets messages for which the client has no handler: the broker has kept them
	// for the session, and sends them before anybody has subscribed anew.
	router route.Router[Message]

	mu         sync.Mutex
	connection Connection
	changed    chan struct{}
	// lost is when the last connection was; zero: there has been none.
	lost time.Time
	// commands are those of the subscription that tells live messages from kept ones.
	commands *commands
}

var _ Client = (*Paho)(nil)

// NewPaho makes a client of the hub's options, for the bridge and for the hub alike,
// see [Paho.Client]. It sets the will, a session that the broker keeps, and
// reconnects; handlers that are set already are called as before. Nothing else may
// have a will of its own or an empty client id: a session needs a name that is the
// same after a restart, and that nobody else has.
//
// As sessions are kept, the hub's own subscriptions are kept too.
func NewPaho(o *paho.ClientOptions, base string) (*Paho, error) {
	will := StateTopic(base)
	switch err := CheckBase(base); {
	case err != nil:
		return nil, err
	case o.ClientID == "":
		return nil, errors.New("mqtt: the client has no id: set one with SetClientID that is the same after a restart, and that no other client of the broker has")
	case o.WillEnabled && o.WillTopic != will:
		return nil, fmt.Errorf("mqtt: the client has a will of its own on %s, and can have one only: leave it to the bridge, whose will is on %s", o.WillTopic, will)
	}
	p := &Paho{base: base, changed: make(chan struct{})}
	p.router.Keep = func(m Message) Message {
		m.Payload = beginning(m.Payload)
		return m
	}
	o.SetWill(will, Offline, 1, true).SetCleanSession(false).SetAutoReconnect(true).SetResumeSubs(false)
	if o.MaxReconnectInterval == 0 || o.MaxReconnectInterval == pahoReconnect {
		o.SetMaxReconnectInterval(maxReconnect)
	}
	if o.WriteTimeout == 0 {
		o.SetWriteTimeout(writeTimeout)
	}
	if o.CustomOpenConnectionFn == nil {
		o.SetCustomOpenConnectionFn(Dial)
	}
	if o.Store == nil {
		o.SetStore(paho.NewOrderedMemoryStore())
	}
	o.SetStore(&store{Store: o.Store, base: base + "/"})
	hub := o.OnConnectionNotification
	o.SetConnectionNotificationHandler(func(c paho.Client, n paho.ConnectionNotification) {
		p.notified(c, n)
		if hub != nil {
			hub(c, n)
		}
	})
	unrouted := o.DefaultPublishHandler
	o.SetDefaultPublishHandler(func(c paho.Client, m paho.Message) {
		if !strings.HasPrefix(m.Topic(), base+"/") {
			if unrouted != nil {
				unrouted(c, m)
			}
			return
		}
		p.router.Route(m.Topic(), messageOf(m))
	})
	p.client = paho.NewClient(o)
	return p, nil
}

// Client is the client, for the hub's own messages. The hub connects and disconnects
// it, see also [Paho.Connect].
func (p *Paho) Client() paho.Client { return p.client }

// Connect connects, and tries again with growing pauses until it has succeeded or ctx
// ends. Meanwhile [Paho.Connection] tells why it is not connected. A connection that
// is lost later comes back by itself.
func (p *Paho) Connect(ctx context.Context) error {
	for pause := connectPause; ; pause = min(2*pause, maxReconnect) {
		token := p.client.Connect()
		select {
		case <-token.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
		if token.Error() == nil {
			return nil
		}
		if wait(ctx, pause/2+rand.N(pause/2)); ctx.Err() != nil { //nolint:gosec // hubs shall not come all at once
			return ctx.Err()
		}
	}
}

// Connection implements [Client].
func (p *Paho) Connection() (Connection, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.connection
	now.Up = now.Up && p.client.IsConnectionOpen() // the hub may have ended it
	return now, p.changed
}

// number is that of the connection.
func (p *Paho) number() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connection.Number
}

// notified keeps the connection. That of an attempt is told before it is made; the
// others in goroutines of their own, in any order: they say that something is new, and
// the client itself says what.
func (p *Paho) notified(c paho.Client, n paho.ConnectionNotification) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.connection
	switch n := n.(type) {
	case paho.ConnectionNotificationConnecting:
		if p.connection.Number++; p.connection.Up {
			p.lost = time.Now()
		}
		p.connection.Up = false
	case paho.ConnectionNotificationFailed:
		p.connection.Err = n.Reason
	case paho.ConnectionNotificationConnected:
		if p.connection.Up = c.IsConnectionOpen(); p.connection.Up {
			p.connection.Err = nil
		}
	case paho.ConnectionNotificationLost:
		if p.connection.Up && !c.IsConnectionOpen() {
			p.lost = time.Now()
			p.connection.Up, p.connection.Err = false, n.Reason
		}
	}
	if p.connection != was {
		close(p.changed)
		p.changed = make(chan struct{})
	}
}

// Publish implements [Client].
func (p *Paho) Publish(m Message) Receipt {
	number := p.number()
	return &pahoReceipt{Token: p.client.Publish(m.Topic, m.QoS, m.Retained, m.Payload), paho: p, number: number}
}

// pahoReceipt is a token that was given out on a connection: the client completes it
// when it sends the message again on the next one, before the broker has answered.
type pahoReceipt struct {
	paho.Token
	paho   *Paho
	number uint64
}

// Error implements [Receipt].
func (r *pahoReceipt) Error() error {
	if err := r.Token.Error(); err != nil {
		return err
	}
	if r.paho.number() != r.number {
		return ErrUnacknowledged
	}
	return nil
}

// Subscribe implements [Client].
func (p *Paho) Subscribe(ctx context.Context, s Subscription) error {
	if !s.AsPublished {
		return p.subscribe(ctx, s.Filters, s.QoS, s.Handler)
	}
	p.mu.Lock()
	if p.commands == nil {
		p.commands = newCommands(p)
	}
	c := p.commands
	p.mu.Unlock()
	return c.subscribe(ctx, s)
}

func (p *Paho) subscribe(ctx context.Context, filters []string, qos byte, handler func(Message)) error {
	wanted := map[string]byte{}
	for _, filter := range filters {
		wanted[filter] = qos
		p.router.Handle(filter, handler)
	}
	token := p.client.SubscribeMultiple(wanted, func(_ paho.Client, m paho.Message) { handler(messageOf(m)) })
	select {
	case <-token.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("subscribing to %s: %w", filters, err)
	}
	// The client takes a refusal for a success.
	if s, ok := token.(*paho.SubscribeToken); ok {
		granted := s.Result()
		for _, filter := range filters {
			if granted[filter] == subscriptionRefused {
				return RefusedSubscription(filter)
			}
		}
	}
	return nil
}

// subscriptionRefused is what a broker answers to a subscription that it does not
// grant.
const subscriptionRefused = 0x80

// away is how long the client was away before this connection; negative: nobody
// knows, for it has just started.
func (p *Paho) away() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost.IsZero() {
		return -1
	}
	return max(1, time.Since(p.lost))
}

// Will implements [Client].
func (p *Paho) Will() string { return StateTopic(p.base) }

func messageOf(m paho.Message) Message {
	return Message{Topic: m.Topic(), Payload: m.Payload(), QoS: m.Qos(), Retained: m.Retained()}
}
