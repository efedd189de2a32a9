package mqtt

import (
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

// publisher writes states and failures to topics. The messages of one car keep
// together and in order. Safe for concurrent use.
type publisher struct {
	client paho.Client
	base   string
	now    func() time.Time

	mu   sync.Mutex
	cars map[string]*carTopics
}

// carTopics remembers what a car's topics hold, so that a value that becomes
// unknown is published as null and does not live on.
type carTopics struct {
	mu    sync.Mutex
	shown map[string]shared.Attribute // by topic
}

func newPublisher(c paho.Client, base string, now func() time.Time) *publisher {
	return &publisher{client: c, base: base, now: now, cars: map[string]*carTopics{}}
}

// message of one topic.
type outgoing struct {
	topic    string
	attr     shared.Attribute
	qos      byte
	retained bool
	body     []byte
}

// state publishes all topics of a car. status/last_updated is the last: who has
// seen it has seen the rest.
func (p *publisher) state(vehicle string, data *vehiclev1.VehicleData) {
	car := p.car(vehicle)
	car.mu.Lock()
	defer car.mu.Unlock()
	now := p.now()
	var marker outgoing
	shown := map[string]shared.Attribute{}
	for _, m := range stateMessages(data, now) {
		shown[m.topic] = m.attr
		if m.topic == topicLastUpdated {
			marker = m
			continue
		}
		p.send(vehicle, m)
	}
	for topic, attr := range car.shown {
		if _, still := shown[topic]; !still && topic != topicLastUpdated {
			p.send(vehicle, outgoing{
				topic: topic, qos: byte(attr.Info.GetQos()), retained: attr.Info.GetRetained(), body: encode(attr, nil, now),
			})
		}
	}
	car.shown = shown
	p.send(vehicle, outgoing{topic: topicError, retained: true, body: encodeNoFailure(now)})
	if marker.topic == "" {
		// The car gave no time; the marker still has to come.
		marker = outgoing{topic: topicLastUpdated, qos: 1, retained: true, body: encode(lastUpdated(), nil, now)}
	}
	token := p.send(vehicle, marker)
	token.WaitTimeout(acknowledgeTimeout)
}

// stateMessages are the topics of a snapshot in order, status/last_updated
// wherever it comes.
func stateMessages(data *vehiclev1.VehicleData, now time.Time) []outgoing {
	observed := now
	if at := data.GetRefresh().GetObservedAt(); at > 0 {
		observed = time.UnixMilli(at)
	}
	located := observed
	if at := data.GetLocation().GetObservedAt(); at > 0 {
		located = time.UnixMilli(at)
	}
	var all []outgoing
	for a, v := range shared.Values(data) {
		at := observed
		switch a.Group() {
		case "refresh", "vehicle":
			at = now
		case "location":
			at = located
		}
		if a.Info.GetTopic() == "" {
			continue
		}
		body := encode(a, v, at)
		for _, topic := range append([]string{a.Info.GetTopic()}, a.Info.GetAliases()...) {
			all = append(all, outgoing{topic: topic, attr: a, qos: byte(min(1, a.Info.GetQos())), retained: a.Info.GetRetained(), body: body})
		}
	}
	return all
}

// failure publishes what went wrong; the other topics stay as they are. Nothing
// is kept by the broker for a car that nobody has.
func (p *publisher) failure(s Served, known bool) {
	car := p.car("")
	if known {
		car = p.car(s.Vehicle)
	}
	car.mu.Lock()
	defer car.mu.Unlock()
	token := p.send(s.Vehicle, outgoing{topic: topicError, retained: known, body: encodeFailure(s, p.now())})
	token.WaitTimeout(acknowledgeTimeout)
}

func (p *publisher) send(vehicle string, m outgoing) paho.Token {
	return p.client.Publish(p.base+"/"+vehicle+"/"+m.topic, m.qos, m.retained, m.body)
}

func (p *publisher) car(vehicle string) *carTopics {
	p.mu.Lock()
	defer p.mu.Unlock()
	car := p.cars[vehicle]
	if car == nil {
		car = &carTopics{shown: map[string]shared.Attribute{}}
		p.cars[vehicle] = car
	}
	return car
}

func lastUpdated() shared.Attribute {
	for _, a := range shared.Attributes() {
		if a.Info.GetTopic() == topicLastUpdated {
			return a
		}
	}
	return shared.Attribute{Info: &vehiclev1.Attribute{Topic: topicLastUpdated}}
}
