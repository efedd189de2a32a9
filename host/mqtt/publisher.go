package mqtt

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Topics below the vehicle that are not an attribute's, or whose place in the
// order matters.
const (
	topicError       = "status/error"
	topicLastUpdated = "status/last_updated"
)

// acknowledgeTimeout bounds how long the publishing of a state waits for the
// broker; after that the client goes on by itself.
const acknowledgeTimeout = 10 * time.Second

const (
	// window is how many cars' messages are on their way to the broker at a time.
	// What is published behind them, the client's own ping too, waits for no more.
	window = 4
	// windowTimeout is how long a broker that does not answer can make others wait.
	windowTimeout = 200 * time.Millisecond
)

// publisher writes states and failures to topics. The messages of one car keep
// together and in order. Safe for concurrent use.
type publisher struct {
	client paho.Client
	base   string
	log    *slog.Logger
	now    func() time.Time
	topics *catalogue
	window chan struct{}

	mu   sync.Mutex
	cars map[string]*carTopics
}

// carTopics remembers what a car's topics hold.
type carTopics struct {
	mu sync.Mutex
	// shown, so that a value that becomes unknown is published as null and does not
	// live on.
	shown shown
	// observed and polled are the times of the state that is shown.
	observed, polled int64
	marker           outgoing
	// warned: a topic of the plugin's was refused.
	warned bool
}

func newPublisher(c paho.Client, base string, log *slog.Logger, now func() time.Time) *publisher {
	return &publisher{client: c, base: base, log: log, now: now, topics: newCatalogue(), window: make(chan struct{}, window), cars: map[string]*carTopics{}}
}

// outgoing is the message of one topic.
type outgoing struct {
	topic string
	// number in the catalogue; negative if it is not in there.
	number   int
	attr     shared.Attribute
	qos      byte
	retained bool
	body     []byte
}

// state publishes all topics of a car. status/last_updated is the last: who has
// seen it has seen the rest. A state that is older than the one that is shown,
// because its command took longer, does not take its place. answers says that
// the state is the answer to a command, so that the last failure is over.
func (p *publisher) state(vehicle string, data *vehiclev1.VehicleData, answers bool) error {
	car := p.car(vehicle)
	car.mu.Lock()
	defer car.mu.Unlock()
	sent := p.deliver()
	defer sent.leave()
	now := p.now()
	if !car.outdates(data, now) {
		p.show(sent, car, vehicle, data, now)
	}
	if answers {
		sent.add(p.send(vehicle, outgoing{topic: topicError, retained: true, body: encodeNoFailure(now)}))
	}
	sent.add(p.send(vehicle, car.marker))
	return sent.wait()
}

// outdates says whether the state that is shown is newer. One that claims to be
// of the future cannot stay in the way.
func (c *carTopics) outdates(data *vehiclev1.VehicleData, now time.Time) bool {
	observed, polled := data.GetRefresh().GetObservedAt(), data.GetRefresh().GetPolledAt()
	if c.observed == 0 || observed == 0 || c.observed > now.Add(maxClockSkew).UnixMilli() {
		return false
	}
	return observed < c.observed || observed == c.observed && polled < c.polled
}

// maxClockSkew is how far a car's clock may be ahead.
const maxClockSkew = 5 * time.Minute

// show publishes what a car's topics hold from now on, but for the marker.
func (p *publisher) show(sent *delivery, car *carTopics, vehicle string, data *vehiclev1.VehicleData, now time.Time) {
	// The marker comes also if the car gave no time.
	car.marker = outgoing{topic: topicLastUpdated, qos: 1, retained: true, body: encode(lastUpdated(), nil, now)}
	car.observed, car.polled = data.GetRefresh().GetObservedAt(), data.GetRefresh().GetPolledAt()
	before := car.shown
	car.shown = shown{}
	for _, m := range p.messages(car, data, now) {
		if m.topic == topicLastUpdated {
			car.marker = m
			continue
		}
		car.shown.add(m)
		sent.add(p.send(vehicle, m))
	}
	for _, m := range before.without(&car.shown, p.topics) {
		m.body = encode(m.attr, nil, now)
		sent.add(p.send(vehicle, m))
	}
}

// messages are the topics of a snapshot in order, status/last_updated wherever it
// comes.
func (p *publisher) messages(car *carTopics, data *vehiclev1.VehicleData, now time.Time) []outgoing {
	observed := now
	if at := data.GetRefresh().GetObservedAt(); at > 0 {
		observed = time.UnixMilli(at)
	}
	located := observed
	if at := data.GetLocation().GetObservedAt(); at > 0 {
		located = time.UnixMilli(at)
	}
	var all []outgoing
	extra := 0
	for a, v := range shared.Values(data) {
		at := observed
		switch a.Group() {
		case "refresh", "vehicle":
			at = now
		case "location":
			at = located
		}
		if isExtra(a) {
			for _, topic := range topicsOf(a) {
				if extra++; extra > maxExtra || !mayName(topic, p.topics.taken) {
					p.refuse(car, topic)
					continue
				}
				all = append(all, outgoing{topic: topic, number: -1, attr: a, qos: qosOf(a), retained: a.Info.GetRetained(), body: encode(a, v, at)})
			}
			continue
		}
		numbers := p.topics.of[a.Path]
		if len(numbers) == 0 {
			continue
		}
		body := encode(a, v, at)
		for _, n := range numbers {
			m := p.topics.topics[n]
			m.body = body
			all = append(all, m)
		}
	}
	return all
}

// refuse tells once a car that a plugin wants a topic that it cannot have.
func (p *publisher) refuse(car *carTopics, topic string) {
	if !car.warned {
		car.warned = true
		p.log.Warn("the plugin wants topics that it cannot have; they are left out, the rest is published", "first", topic[:min(len(topic), maxTopic)])
	}
}

// failure publishes what went wrong; the other topics stay as they are, unless the
// failure carries newer data. Nothing is kept by the broker for a car that nobody
// has.
func (p *publisher) failure(s Served, known bool) error {
	if known {
		car := p.car(s.Vehicle)
		car.mu.Lock()
		defer car.mu.Unlock()
	}
	sent := p.deliver()
	defer sent.leave()
	if last := lastOf(s.Err); known && last != nil {
		// A refusal carries the newest data that the plugin has: if that is news here,
		// it is shown.
		if car, now := p.car(s.Vehicle), p.now(); car.observed == 0 || last.GetRefresh().GetObservedAt() > car.observed {
			p.show(sent, car, s.Vehicle, last, now)
			sent.add(p.send(s.Vehicle, car.marker))
		}
	}
	sent.add(p.send(s.Vehicle, outgoing{topic: topicError, retained: known, body: encodeFailure(s, p.now())}))
	return sent.wait()
}

// lastOf is the newest data of the car that an error carries, or nil.
func lastOf(err error) *vehiclev1.VehicleData {
	var refresh *shared.RefreshError
	if !errors.As(err, &refresh) {
		return nil
	}
	return refresh.Last
}

// schedule publishes the schedule that is in force, and that the command was
// carried out.
func (p *publisher) schedule(vehicle string, now []byte) error {
	car := p.car(vehicle)
	car.mu.Lock()
	defer car.mu.Unlock()
	sent := p.deliver()
	defer sent.leave()
	sent.add(p.send(vehicle, outgoing{topic: topicError, retained: true, body: encodeNoFailure(p.now())}))
	sent.add(p.send(vehicle, outgoing{topic: topicSchedule, qos: 1, retained: true, body: now}))
	return sent.wait()
}

func (p *publisher) send(vehicle string, m outgoing) paho.Token {
	return p.client.Publish(p.base+"/"+vehicle+"/"+m.topic, m.qos, m.retained, m.body)
}

func (p *publisher) car(vehicle string) *carTopics {
	p.mu.Lock()
	defer p.mu.Unlock()
	car := p.cars[vehicle]
	if car == nil {
		car = &carTopics{}
		p.cars[vehicle] = car
	}
	return car
}

// errUnacknowledged: the client goes on trying by itself.
var errUnacknowledged = errors.New("the broker has not acknowledged it yet")

// delivery is what is handed to the client at one time.
type delivery struct {
	tokens []paho.Token
	// leave the window.
	leave func()
}

// deliver begins a delivery when there is room in the window. The caller leaves it.
func (p *publisher) deliver() *delivery {
	if !p.client.IsConnectionOpen() {
		return &delivery{leave: func() {}} // the client keeps it, or fails at once
	}
	p.window <- struct{}{}
	return &delivery{leave: sync.OnceFunc(func() { <-p.window })}
}

func (d *delivery) add(t paho.Token) { d.tokens = append(d.tokens, t) }

// wait waits for the last message, and tells of any that failed.
func (d *delivery) wait() error {
	last := d.tokens[len(d.tokens)-1]
	if !last.WaitTimeout(windowTimeout) {
		d.leave()
		if !last.WaitTimeout(acknowledgeTimeout - windowTimeout) {
			return errUnacknowledged
		}
	}
	for _, t := range d.tokens {
		select {
		case <-t.Done():
			if err := t.Error(); err != nil {
				return err
			}
		default: // the client may hold back what is not the last
		}
	}
	return nil
}

func lastUpdated() shared.Attribute {
	for _, a := range shared.Attributes() {
		if a.Info.GetTopic() == topicLastUpdated {
			return a
		}
	}
	return shared.Attribute{Info: &vehiclev1.Attribute{Topic: topicLastUpdated}}
}
