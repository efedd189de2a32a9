package mqtt

import "github.com/hyundai-mqtt/hyundai-plugin/shared"

// catalogue numbers the topics that a car can have without a plugin naming them, so
// that what the broker holds of them takes a few bytes: a fleet has a hundred topics a
// car.
type catalogue struct {
	// topics of the schema, by number, without a body.
	topics []schemaTopic
	// of an attribute, by its path, are the numbers of its topics.
	of    map[string][]int
	taken map[string]bool
	// Numbers of the topics that have a part of their own.
	marker, outcome, schedule int
}

// schemaTopic is one of an attribute's topics.
type schemaTopic struct {
	outgoing
	attr shared.Attribute
}

func newCatalogue() *catalogue {
	c := &catalogue{of: map[string][]int{}, taken: map[string]bool{topicError: true, topicSchedule: true}}
	for _, a := range shared.Attributes() {
		for _, topic := range topicsOf(a) {
			if topic == topicLastUpdated {
				c.marker = len(c.topics)
			}
			c.taken[topic] = true
			c.of[a.Path] = append(c.of[a.Path], len(c.topics))
			c.topics = append(c.topics, schemaTopic{attr: a, outgoing: outgoing{
				topic: topic, number: len(c.topics), retained: a.Info.GetRetained(), clears: true,
			}})
		}
	}
	c.outcome, c.schedule = len(c.topics), len(c.topics)+1
	return c
}
