package mqtt

import (
	"math/bits"
	"slices"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// catalogue numbers the topics of the schema, so that what a car shows takes a few
// bytes: a fleet has a hundred topics a car.
type catalogue struct {
	// topics by number, without a body.
	topics []outgoing
	// of an attribute, by its path, are the numbers of its topics.
	of    map[string][]int
	taken map[string]bool
}

func newCatalogue() *catalogue {
	c := &catalogue{of: map[string][]int{}, taken: map[string]bool{topicError: true, topicSchedule: true}}
	for _, a := range shared.Attributes() {
		for _, topic := range topicsOf(a) {
			c.taken[topic] = true
			c.of[a.Path] = append(c.of[a.Path], len(c.topics))
			c.topics = append(c.topics, outgoing{
				topic: topic, number: len(c.topics), attr: a, qos: qosOf(a), retained: a.Info.GetRetained(),
			})
		}
	}
	return c
}

// shown are the topics that a car has a value on.
type shown struct {
	// schema's topics: a bit for each number.
	schema []uint64
	// extra topics, which plugins name.
	extra []outgoing
}

func (s *shown) add(m outgoing) {
	if m.number < 0 {
		m.body = nil
		s.extra = append(s.extra, m)
		return
	}
	for len(s.schema) <= m.number/64 {
		s.schema = append(s.schema, 0)
	}
	s.schema[m.number/64] |= 1 << (m.number % 64)
}

// without yields the topics that other does not show.
func (s *shown) without(other *shown, c *catalogue) []outgoing {
	var gone []outgoing
	for i, set := range s.schema {
		if i < len(other.schema) {
			set &^= other.schema[i]
		}
		for ; set != 0; set &= set - 1 {
			gone = append(gone, c.topics[i*64+bits.TrailingZeros64(set)])
		}
	}
	for _, m := range s.extra {
		if !slices.ContainsFunc(other.extra, func(o outgoing) bool { return o.topic == m.topic }) {
			gone = append(gone, m)
		}
	}
	return gone
}
