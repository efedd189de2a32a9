// Package mqtt5 is the client of a bridge for MQTT 5, on eclipse/paho.golang's autopaho.
// Beside what MQTT 3.1.1 gives a bridge, the broker tells how a message was published, so
// that commands need not wait until it was asked; senders can name a topic for answers and
// say how long a message is good for; and what the broker refuses, it says.
package mqtt5

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/internal/route"
)

// Client is a [mqtt.Client] for MQTT 5. Safe for concurrent use.
type Client struct {
	config  autopaho.ClientConfig
	session *sessionState
	base    string
	router  route.Router[mqtt.Message]
	fence   *route.Fence
	lanes   [lanes]lane
	seed    maphash.Seed

	mu         sync.Mutex
	manager    *autopaho.ConnectionManager
	connection mqtt.Connection
	changed    chan struct{}
	// cause is why the connection ends, or has ended.
	cause error
	// lost is when the last connection was; zero: there has been none.
	lost time.Time
	// caughtUp is the number of the connection on which everything has come that the
	// broker had kept for the session; zero: none.
	caughtUp uint64
	// longest packet that the broker takes, in bytes; zero: any.
	longest uint32
	// life ends with the manager.
	life context.Context
}

var _ mqtt.Client = (*Client)(nil)

// What [New] sets where the hub has set nothing.
const (
	keepAlive             = 30               // s
	sessionExpiry         = 7 * 24 * 60 * 60 // s
	leastPause, mostPause = time.Second, 30 * time.Second
)

// New makes a client of the hub's configuration, for the bridge and for the hub alike. It
// sets the will, a session that the broker keeps, and reconnects with growing pauses;
// callbacks that are set already are called as before. The configuration needs a client id
// that is the same after a restart, and that nobody else has.
//
// The session is kept for a week unless the hub has set SessionExpiryInterval. A
// persistent one of the hub's own is taken: answers then outlive a restart.
func New(c autopaho.ClientConfig, base string) (*Client, error) {
	will := mqtt.StateTopic(base)
	switch err := mqtt.CheckBase(base); {
	case err != nil:
		return nil, err
	case c.ClientID == "":
		return nil, errors.New("mqtt5: the client has no id: set ClientID to one that is the same after a restart, and that no other client of the broker has")
	case c.WillMessage != nil && c.WillMessage.Topic != will:
		return nil, fmt.Errorf("mqtt5: the client has a will of its own on %s, and can have one only: leave it to the bridge, whose will is on %s", c.WillMessage.Topic, will)
	case c.CleanStartOnInitialConnection:
		return nil, errors.New("mqtt5: CleanStartOnInitialConnection would lose the commands that came while the hub was away: leave it false")
	case c.EnableManualAcknowledgment:
		return nil, errors.New("mqtt5: EnableManualAcknowledgment would leave commands without an acknowledgement: leave it false")
	}
	p := &Client{base: base, fence: route.NewFence(base), changed: make(chan struct{}), life: context.Background(), seed: maphash.MakeSeed()}
	p.router.Keep = shortened

	c.WillMessage = &paho.WillMessage{Topic: will, Payload: []byte(mqtt.Offline), QoS: 1, Retain: true}
	if c.KeepAlive == 0 {
		c.KeepAlive = keepAlive
	}
	if c.SessionExpiryInterval == 0 {
		c.SessionExpiryInterval = sessionExpiry
	}
	if c.ReconnectBackoff == nil {
		c.ReconnectBackoff = autopaho.NewExponentialBackoff(leastPause/2, mostPause, leastPause, 2)
	}
	if c.AttemptConnection == nil && c.WebSocketCfg == nil {
		c.AttemptConnection = dial
	}
	if c.Session == nil {
		c.Session = state.NewInMemory()
	}
	p.session = newSession(c.Session)
	c.Session = p.session
	c.PacketTimeout = acknowledgeTimeout
	p.observe(&c)
	c.OnPublishReceived = append([]func(paho.PublishReceived) (bool, error){p.received}, c.OnPublishReceived...)
	p.config = c
	return p, nil
}

// Connect begins to connect, once, and goes on trying until ctx ends or the manager that it
// returns disconnects. The manager is the hub's, for messages of its own.
func (p *Client) Connect(ctx context.Context) (*autopaho.ConnectionManager, error) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	p.mu.Lock()
	p.life = life
	p.mu.Unlock()
	manager, err := autopaho.NewConnection(ctx, p.config)
	if err != nil {
		end()
		return nil, err
	}
	go func() {
		<-manager.Done()
		end()
		p.change(func(now *mqtt.Connection) { now.Up = false })
	}()
	return manager, nil
}

// Will implements [mqtt.Client].
func (p *Client) Will() string { return mqtt.StateTopic(p.base) }

// Connection implements [mqtt.Client].
func (p *Client) Connection() (mqtt.Connection, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connection, p.changed
}

// change changes the connection, with the lock held.
func (p *Client) change(do func(*mqtt.Connection)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.connection
	if do(&p.connection); p.connection == was {
		return
	}
	if was.Up && !p.connection.Up {
		p.lost = time.Now()
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// observe lets the client know how it is connected.
func (p *Client) observe(c *autopaho.ClientConfig) {
	up, down, failed, broke, ended := c.OnConnectionUp, c.OnConnectionDown, c.OnConnectError, c.OnClientError, c.OnServerDisconnect
	c.OnConnectionUp = func(m *autopaho.ConnectionManager, ack *paho.Connack) {
		p.connected(m, ack)
		if up != nil {
			up(m, ack)
		}
	}
	c.OnConnectionDown = func() bool {
		p.change(func(now *mqtt.Connection) { now.Up, now.Err = false, p.cause })
		return down == nil || down()
	}
	c.OnConnectError = func(err error) {
		p.change(func(now *mqtt.Connection) { now.Err = troubleOf(err) })
		if failed != nil {
			failed(err)
		}
	}
	c.OnClientError = func(err error) {
		p.ends(troubleOf(err))
		if broke != nil {
			broke(err)
		}
	}
	c.OnServerDisconnect = func(d *paho.Disconnect) {
		p.ends(troubleOfDisconnect(d))
		if ended != nil {
			ended(d)
		}
	}
}

// ends takes in why the connection ends, before that or after it.
func (p *Client) ends(cause error) {
	p.change(func(now *mqtt.Connection) {
		if p.cause = cause; !now.Up {
			now.Err = cause
		}
	})
}

// connected takes in a new connection.
func (p *Client) connected(m *autopaho.ConnectionManager, ack *paho.Connack) {
	p.mu.Lock()
	p.manager, p.longest, p.cause = m, 0, nil
	if ack.Properties != nil && ack.Properties.MaximumPacketSize != nil {
		p.longest = *ack.Properties.MaximumPacketSize
	}
	number := p.connection.Number + 1
	if !ack.SessionPresent {
		p.caughtUp = number // the broker has kept nothing
	}
	p.mu.Unlock()
	p.change(func(now *mqtt.Connection) { *now = mqtt.Connection{Number: number, Up: true} })
}

// received takes the messages below the base.
func (p *Client) received(r paho.PublishReceived) (bool, error) {
	if r.AlreadyHandled || !strings.HasPrefix(r.Packet.Topic, p.base+"/") {
		return false, nil
	}
	p.router.Route(r.Packet.Topic, messageOf(r.Packet))
	return true, nil
}

func messageOf(m *paho.Publish) mqtt.Message {
	message := mqtt.Message{Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retained: m.Retain}
	if properties := m.Properties; properties != nil {
		message.ResponseTopic, message.Correlation = properties.ResponseTopic, properties.CorrelationData
		if properties.MessageExpiry != nil {
			message.Expiry = time.Duration(max(1, *properties.MessageExpiry)) * time.Second
		}
	}
	return message
}

// maxKept is longer than any command may be.
const maxKept = 8 << 10

// shortened keeps of a message that waits for its handler what says that it is too long.
func shortened(m mqtt.Message) mqtt.Message {
	if len(m.Payload) > maxKept {
		m.Payload = append([]byte(nil), m.Payload[:maxKept]...)
	}
	return m
}
