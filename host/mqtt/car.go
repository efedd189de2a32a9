package mqtt

import (
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Topics below the vehicle that are not an attribute's, or whose place in the
// order matters.
const (
	topicError       = "status/error"
	topicLastUpdated = "status/last_updated"
)

// car is what the topics of a car shall hold: the content of its page.
type car struct {
	topics *catalogue
	log    *slog.Logger
	now    func() time.Time

	// data is the newest snapshot; nil: none yet. It was taken in at a time, the first
	// one since another.
	data      *vehiclev1.VehicleData
	at, since time.Time
	// earlier is when values were true that are of an earlier report, by path.
	earlier map[string]time.Time
	// shown counts what was taken in, outcomes what status/error has said.
	shown, outcomes uint64
	// outcome is a payload; nil: none yet.
	outcome []byte
	// schedule that is in force; without JSON it is not known.
	schedule shared.Schedule
	// condition of the plugin that looks after the car.
	condition condition
	// unread: nothing comes of the car before somebody asks for it.
	unread bool
	// gone: nothing is to be there any more, and cleared: the broker has acknowledged it.
	gone, cleared bool
	// shownPassing is what was rendered last.
	shownPassing passing
	// extras are the topics that the plugin has named so far, and former those that it
	// had named in a former run.
	extras map[string]outgoing
	former []string
	// refused and cut: it was said that a topic of the plugin's was refused, and that a
	// value was too long.
	refused, cut bool
}

// outdates says whether the state that is shown is newer. One that claims to be
// of the future cannot stay in the way.
func (c *car) outdates(data *vehiclev1.VehicleData, now time.Time) bool {
	before, after := c.data.GetRefresh(), data.GetRefresh()
	if before.GetObservedAt() == 0 || after.GetObservedAt() == 0 || before.GetObservedAt() > now.Add(maxClockSkew).UnixMilli() {
		return false
	}
	return after.GetObservedAt() < before.GetObservedAt() ||
		after.GetObservedAt() == before.GetObservedAt() && after.GetPolledAt() < before.GetPolledAt()
}

// maxClockSkew is how far a car's clock may be ahead.
const maxClockSkew = 5 * time.Minute

// show takes in what was read, unless what is shown is newer.
func (c *car) show(data *vehiclev1.VehicleData, now time.Time) {
	c.shown++
	if c.outdates(data, now) {
		return
	}
	if c.data == nil {
		c.since = now
	}
	c.data, c.at, c.earlier = data, now, c.earlierOf(data)
}

// earlierOf is when values of data were true that are of an earlier report, by path; nil:
// there are none.
func (c *car) earlierOf(data *vehiclev1.VehicleData) map[string]time.Time {
	var all map[string]time.Time
	for _, e := range data.GetRefresh().GetEarlier() {
		if _, known := c.topics.attributes[e.GetPath()]; !known || e.GetObservedAt() <= 0 {
			continue
		}
		if all == nil {
			all = map[string]time.Time{}
		}
		all[e.GetPath()] = time.UnixMilli(e.GetObservedAt())
	}
	return all
}

// result takes in what came of a command.
func (c *car) result(body []byte) {
	c.outcome = body
	c.outcomes++
}

// messages implements content. status/last_updated is the last: who has seen it has
// seen the rest.
func (c *car) messages() []outgoing {
	now := c.now()
	c.shownPassing = c.passing(now)
	if c.gone {
		return c.withdrawn()
	}
	all := make([]outgoing, 0, len(c.topics.topics)+len(c.topics.evcc)+ownTopics)
	if c.introduced() {
		all = append(all, c.own(topicAvailability, c.topics.availability, []byte(c.shownPassing.availability)))
	}
	if c.data != nil {
		all = c.evcc(c.snapshot(all, now))
	}
	if c.outcome != nil {
		all = append(all, outgoing{topic: topicError, number: c.topics.outcome, retained: true, body: c.outcome, sum: sumOf(c.outcome, c.outcomes)})
	}
	if c.schedule.JSON != nil {
		all = append(all, c.own(topicPreset, c.topics.preset, []byte(c.schedule.Preset)), c.own(topicSchedule, c.topics.schedule, c.schedule.JSON))
	}
	return all
}

// ownTopics are those that a car has beside the schema's and evcc's.
const ownTopics = 6

// own is a retained topic that is none of the schema's.
func (c *car) own(topic string, number int, body []byte) outgoing {
	return outgoing{topic: topic, number: number, retained: true, body: body, sum: sumOf(body, 0)}
}

// snapshot adds every topic of the schema: what the car lacks is null, so that no value
// of another time lives on.
func (c *car) snapshot(all []outgoing, now time.Time) []outgoing {
	var e encoder
	values, extras := make([]any, len(c.topics.attributes)), map[string]bool{}
	var plain map[string]any
	for a, v := range shared.Values(c.data) {
		if isExtra(a) {
			all, plain = c.extra(&e, all, extras, a, v), plainExtra(plain, a, v)
			continue
		}
		values[c.topics.attributes[a.Path]] = v
	}
	all = append(all, c.own(topicState, c.topics.state, stateOf(values, plain)))
	if body := locationOf(c.data); body != nil {
		all = append(all, outgoing{topic: topicLocation, number: c.topics.location, body: body, sum: sumOf(body, c.shown)})
	}
	for n, t := range c.topics.topics {
		m, v := t.outgoing, values[t.place]
		at := c.timeOf(t.attr)
		if t.as == vehiclev1.Derivation_DERIVATION_AGE {
			at = now
		}
		m.body = e.payload(t.payload(c.data, v, at), at)
		if c.tooLong(t.attr.Path, m.body) {
			v, m.body = nil, e.payload(t.payload(c.data, nil, at), at)
		}
		// The marker comes each time, also if the car gave no time.
		m.last = n == c.topics.marker
		m.clears = v == nil && !m.retained
		switch {
		case m.last, v != nil && !m.retained:
			m.sum = sumOf(m.body, c.shown)
		case v != nil && t.as == vehiclev1.Derivation_DERIVATION_AGE:
			m.sum = sumOf(strconv.AppendInt(nil, int64(c.shownPassing.age), 10), 0) // not of its time
		case v != nil:
			m.sum = sumOf(m.body, 0)
		default:
			m.sum = unknown
		}
		all = append(all, m)
	}
	for topic, m := range c.extras {
		if !extras[topic] {
			m.body, m.sum = e.payload(payload{}, c.at), unknown
			all = append(all, m)
		}
	}
	for _, topic := range c.former {
		if _, named := c.extras[topic]; !named {
			all = append(all, c.own(topic, -1, nil)) // off the broker
		}
	}
	return all
}

// withdrawn takes off the broker all that it may hold of the car.
func (c *car) withdrawn() []outgoing {
	var all []outgoing
	for _, t := range c.topics.topics {
		if t.retained {
			all = append(all, c.own(t.topic, t.number, nil))
		}
	}
	for topic, number := range map[string]int{
		topicAvailability: c.topics.availability, topicState: c.topics.state, topicError: c.topics.outcome, topicSchedule: c.topics.schedule, topicPreset: c.topics.preset,
	} {
		all = append(all, c.own(topic, number, nil))
	}
	for n, v := range c.topics.evcc {
		all = append(all, c.own(topicEVCC+v.name, c.topics.firstEVCC+n, nil))
	}
	for _, topic := range c.former {
		all = append(all, c.own(topic, -1, nil))
	}
	for n := range all {
		all[n].clears = c.cleared
	}
	return all
}

// forget leaves nothing of the car.
func (c *car) forget() {
	c.former, c.extras = append(c.former, c.named()...), nil
	c.data, c.earlier, c.outcome, c.schedule, c.unread = nil, nil, nil, shared.Schedule{}, false
	c.gone, c.cleared = true, false
}

// mayBeHeld are the topics that plugins have named which the broker may hold something on;
// ok is false if it holds nothing of the car.
func (c *car) mayBeHeld() (topics []string, ok bool) {
	switch {
	case c.data != nil:
		return c.named(), true
	case c.gone && !c.cleared, c.introduced():
		return slices.Concat([]string{}, c.former), true
	}
	return nil, false
}

// named are the retained topics that the plugin has named so far.
func (c *car) named() []string {
	topics := []string{}
	for topic, m := range c.extras {
		if m.retained {
			topics = append(topics, topic)
		}
	}
	slices.Sort(topics)
	return topics
}

// unknown is the sum of every payload that says that a value is not known: its time is
// no news.
const unknown = 1

// timeOf says when an attribute's value was true: the car's time of the report that it is
// of, and the time of the refresh for what is about the refresh.
func (c *car) timeOf(a shared.Attribute) time.Time {
	if at, ok := c.earlier[a.Path]; ok {
		return at
	}
	observed := c.data.GetRefresh().GetObservedAt()
	switch a.Group() {
	case "refresh":
		return c.at
	case "vehicle":
		return c.since
	case "location":
		if at := c.data.GetLocation().GetObservedAt(); at > 0 {
			observed = at
		}
	}
	if observed <= 0 {
		return c.at
	}
	return time.UnixMilli(observed)
}

// extra adds the topics of an attribute that the plugin has named.
func (c *car) extra(e *encoder, all []outgoing, named map[string]bool, a shared.Attribute, v any) []outgoing {
	body := e.payload(form(a, v), c.timeOf(a))
	for _, topic := range topicsOf(a) {
		m, known := c.extras[topic]
		if !known {
			if len(c.extras) >= maxExtra || !mayName(topic, c.topics.taken) {
				c.refuse(topic)
				continue
			}
			if c.extras == nil {
				c.extras = map[string]outgoing{}
			}
			m = outgoing{topic: topic, number: -1, retained: a.Info.GetRetained(), clears: true}
			c.extras[topic] = m
		}
		if c.tooLong(topic, body) || named[topic] {
			continue
		}
		named[topic] = true
		m.clears, m.body, m.sum = false, body, sumOf(body, 0)
		if !m.retained {
			m.sum = sumOf(body, c.shown)
		}
		all = append(all, m)
	}
	return all
}

// refuse tells once a car that a plugin wants a topic that it cannot have.
func (c *car) refuse(topic string) {
	if !c.refused {
		c.refused = true
		c.log.Warn("the plugin wants topics that it cannot have; they are left out, the rest is published", "first", topic[:min(len(topic), maxTopic)])
	}
}

// tooLong says whether a payload is too long to be published, and tells it once a car.
func (c *car) tooLong(name string, body []byte) bool {
	if len(body) <= maxPayload {
		return false
	}
	if !c.cut {
		c.cut = true
		c.log.Warn("the plugin has a value that is too long for MQTT; it is left out, the rest is published",
			"first", name[:min(len(name), maxTopic)], "bytes", len(body), "most", maxPayload)
	}
	return true
}
