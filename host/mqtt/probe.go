package mqtt

import (
	"strconv"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt/internal/route"
)

// defaultProbeInterval is how often the client's loop is measured.
const defaultProbeInterval = 30 * time.Second

// probe measures how long the hub's MQTT client takes from the publishing of a
// message to its handler: to the broker and back, and through the client's loop,
// in which every handler of the hub's runs. One that blocks shows here, whoever
// wrote it. Safe for concurrent use.
type probe struct {
	client Client
	topic  string
	now    func() time.Time
	told   func(time.Duration)

	mu sync.Mutex
	// number of the last message, and when it left if it has not come back; zero if
	// it has.
	number int
	sent   time.Time
	last   time.Duration
}

// lostAfter is when a message that has not come back counts as lost.
const lostAfter = time.Minute

func newProbe(client Client, base string, now func() time.Time, told func(time.Duration)) *probe {
	return &probe{client: client, topic: route.Private(base, "probe"), now: now, told: told}
}

// forget says that what was under way is lost, with its connection.
func (p *probe) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = time.Time{}
}

// send sends the next message, unless one is still under way.
func (p *probe) send() {
	now := p.now()
	p.mu.Lock()
	if now.Sub(p.sent) > lostAfter {
		p.sent = time.Time{}
	}
	due := p.sent.IsZero()
	if due {
		p.number++
		p.sent = now
	}
	number := p.number
	p.mu.Unlock()
	if due {
		p.client.Publish(Message{Topic: p.topic, Payload: strconv.AppendInt(nil, int64(number), 10)}) // its way back is its receipt
	}
}

// receive is the client's callback.
func (p *probe) receive(m Message) {
	p.mu.Lock()
	if p.sent.IsZero() || string(m.Payload) != strconv.Itoa(p.number) {
		p.mu.Unlock()
		return
	}
	p.last, p.sent = p.now().Sub(p.sent), time.Time{}
	last := p.last
	p.mu.Unlock()
	p.told(last)
}

// delay is the last one that was measured, or how long the message that is under
// way has taken so far, if that is longer.
func (p *probe) delay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sent.IsZero() {
		return p.last
	}
	return max(p.last, p.now().Sub(p.sent))
}

// Stats is how busy a bridge is.
type Stats struct {
	// Serving is how many commands are being served, Waiting how many wait for
	// that. Dropped is how many could not even be answered, since the start.
	Serving, Waiting, Dropped int
	// LoopDelay is how long the hub's MQTT client took last to bring a message, or
	// how long it has been taking for the one that is under way.
	LoopDelay time.Duration
	// Connected says whether the client has a broker.
	Connected bool
}

// Stats says how busy the bridge is now.
func (b *Bridge) Stats() Stats {
	s := b.inbox.stats()
	connection, _ := b.opts.Client.Connection()
	s.LoopDelay, s.Connected = b.probe.delay(), connection.Up
	return s
}

// measure sends probes until the bridge stops.
func (b *Bridge) measure() {
	ticker := time.NewTicker(b.opts.ProbeInterval)
	defer ticker.Stop()
	for {
		if b.Trouble() == nil {
			b.probe.send()
		} else {
			b.probe.forget()
		}
		select {
		case <-ticker.C:
		case <-b.ctx.Done():
			return
		}
	}
}
