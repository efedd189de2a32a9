package mqtt

import (
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// catalogue numbers the topics that a car can have without a plugin naming them, so
// that what the broker holds of them takes a few bytes: a fleet has a hundred topics a
// car.
type catalogue struct {
	// topics of the schema, by number, without a body.
	topics []schemaTopic
	// attributes are the places of the schema's attributes, by path.
	attributes map[string]int
	taken      map[string]bool
	// Numbers of the topics that have a part of their own.
	marker, outcome, schedule, preset, availability, state, location, firstEVCC int
	// evcc are what evcc reads, numbered from firstEVCC.
	evcc []evccValue
}

// schemaTopic is one of an attribute's topics.
type schemaTopic struct {
	outgoing
	attr shared.Attribute
	// place of the attribute in the schema.
	place int
	// as is how the value follows from the attribute's.
	as vehiclev1.Derivation
	// vented is the attribute that tells more of a window, if there is one.
	vented *shared.Attribute
}

// payload is that of the topic for a value of data.
func (t schemaTopic) payload(data *vehiclev1.VehicleData, value any, at time.Time) payload {
	p := derive(t.attr, t.as, value, at)
	if t.vented != nil && value == true {
		if vented, _ := t.vented.Get(data); vented == true {
			p.Value, p.State = windowVented, "VENTILATION"
		}
	}
	return p
}

func newCatalogue() *catalogue {
	c := &catalogue{attributes: map[string]int{}, taken: map[string]bool{topicError: true, topicSchedule: true, topicPreset: true, topicAvailability: true, topicState: true, topicLocation: true}}
	byPath := map[string]shared.Attribute{}
	for n, a := range shared.Attributes() {
		byPath[a.Path], c.attributes[a.Path] = a, n
	}
	for _, a := range shared.Attributes() {
		var vented *shared.Attribute
		if more, ok := byPath[a.Info.GetVented()]; ok {
			vented = &more
		}
		for _, topic := range topicsOf(a) {
			if topic == topicLastUpdated {
				c.marker = len(c.topics)
			}
			c.add(schemaTopic{attr: a, vented: vented, outgoing: outgoing{topic: topic, retained: a.Info.GetRetained()}})
		}
		for _, d := range a.Info.GetDerived() {
			c.add(schemaTopic{attr: a, as: d.GetAs(), outgoing: outgoing{topic: d.GetTopic(), retained: d.GetRetained()}})
		}
	}
	for n, number := range []*int{&c.outcome, &c.schedule, &c.preset, &c.availability, &c.state, &c.location, &c.firstEVCC} {
		*number = len(c.topics) + n
	}
	c.evcc = evccValues()
	return c
}

func (c *catalogue) add(t schemaTopic) {
	t.number, t.place = len(c.topics), c.attributes[t.attr.Path]
	c.taken[t.topic] = true
	c.topics = append(c.topics, t)
}
