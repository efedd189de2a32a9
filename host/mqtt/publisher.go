package mqtt

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// publisher keeps the pages of the cars and of the bridge, and tells when the broker
// holds what they say. Safe for concurrent use.
type publisher struct {
	writer *writer
	base   string
	log    *slog.Logger
	now    func() time.Time
	topics *catalogue
	// saw is told of each snapshot that is shown.
	saw func(*vehiclev1.VehicleData)

	self  *page
	about self
	// former are topics that a plugin had named for a car in a former run, by car.
	former map[string][]string

	mu   sync.Mutex
	cars map[string]*carPage
}

// carPage is a car and its page.
type carPage struct {
	*page
	car *car
}

func newPublisher(w *writer, base string, former map[string][]string, log *slog.Logger, now func() time.Time) *publisher {
	p := &publisher{writer: w, base: base, former: former, log: log, now: now, topics: newCatalogue(), cars: map[string]*carPage{}}
	p.saw = func(*vehiclev1.VehicleData) {}
	p.self = newPage(base+"/"+bridgeLevel+"/", &p.about)
	w.add(p.self)
	return p
}

// say publishes one of the bridge's own topics, and returns the number of the change.
func (p *publisher) say(topic string, body []byte) uint64 {
	change := p.self.change(func() { p.about.set(topic, body) })
	p.writer.write(p.self)
	return change
}

func (p *publisher) car(vehicle string) *carPage {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.cars[vehicle]
	if c == nil {
		content := &car{topics: p.topics, log: p.log, now: p.now}
		for _, topic := range p.former[vehicle] {
			if mayName(topic, p.topics.taken) {
				content.former = append(content.former, topic)
			}
		}
		c = &carPage{car: content, page: newPage(p.base+"/"+vehicle+"/", content)}
		p.cars[vehicle] = c
		p.writer.add(c.page)
	}
	return c
}

// named are the topics that plugins have named for the cars of which the broker may hold
// something.
func (p *publisher) named() map[string][]string {
	cars := p.all()
	named := make(map[string][]string, len(cars))
	for vehicle, c := range cars {
		c.look(func() {
			if topics, ok := c.car.mayBeHeld(); ok {
				named[vehicle] = topics
			}
		})
	}
	return named
}

func (p *publisher) all() map[string]*carPage {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.cars)
}

// renew publishes what has changed of the cars by itself: with time, and with the
// condition of their plugins.
func (p *publisher) renew(conditionOf func(vehicle string) condition) {
	for vehicle, c := range p.all() {
		now, condition := p.now(), conditionOf(vehicle)
		if c.changeIf(func() bool {
			c.car.condition = condition
			return c.car.introduced() && c.car.passing(now) != c.car.shownPassing
		}) {
			p.writer.write(c.page)
		}
	}
}

// again publishes once more, for somebody who has just subscribed, what a home automation
// reads of a car.
func (p *publisher) again(vehicle string) {
	c := p.car(vehicle)
	c.forgetOf(p.topics.state, p.topics.availability, p.topics.location)
	p.writer.write(c.page)
}

// introduce publishes how a car is that nobody will have read.
func (p *publisher) introduce(vehicle string) {
	p.publish(vehicle, func(c *car, _ time.Time) { c.unread = true })
}

// forget takes all topics of a car off the broker, until something is published again.
func (p *publisher) forget(vehicle string) acknowledged {
	return p.publish(vehicle, func(c *car, _ time.Time) { c.forget() })
}

// forgot notes that the broker holds nothing of a car any more.
func (p *publisher) forgot(vehicle string) {
	c := p.car(vehicle)
	c.look(func() { c.car.cleared = c.car.gone })
}

// acknowledged waits until the broker holds what was published, or ctx ends.
type acknowledged func(ctx context.Context) error

// publish changes what a car's topics shall hold.
func (p *publisher) publish(vehicle string, change func(c *car, now time.Time)) acknowledged {
	c, now := p.car(vehicle), p.now()
	n := c.change(func() {
		c.car.gone = false
		change(c.car, now)
	})
	p.writer.write(c.page)
	return func(ctx context.Context) error { return c.await(ctx, n) }
}

// data publishes all topics of a car. A state that is older than the one that is
// shown, because its command took longer, does not take its place. answers says that
// the state is the answer to a command, so that the last failure is over.
func (p *publisher) data(vehicle string, data *vehiclev1.VehicleData, answers bool) acknowledged {
	p.saw(data)
	return p.publish(vehicle, func(c *car, now time.Time) {
		c.show(data, now)
		if answers {
			c.result(encodeNoFailure(now))
		}
	})
}

// failure publishes what went wrong; the other topics stay as they are, unless the
// failure carries newer data. Nothing is kept by the broker for a car that nobody
// has.
func (p *publisher) failure(s Served, known bool) acknowledged {
	body := encodeFailure(s, p.now())
	if !known {
		return p.writer.send(Message{Topic: p.base + "/" + s.Vehicle + "/" + topicError, Payload: body, QoS: 1}).await
	}
	last := lastOf(s.Err)
	if last != nil {
		p.saw(last)
	}
	return p.publish(s.Vehicle, func(c *car, now time.Time) {
		// A refusal carries the newest data that the plugin has: if that is news here,
		// it is shown.
		if last != nil && (c.data == nil || last.GetRefresh().GetObservedAt() > c.data.GetRefresh().GetObservedAt()) {
			c.show(last, now)
		}
		c.result(body)
	})
}

// lastOf is the newest data of the car that an error carries, or nil.
func lastOf(err error) *vehiclev1.VehicleData {
	var refresh *shared.RefreshError
	if !errors.As(err, &refresh) {
		return nil
	}
	return refresh.Last
}

// schedule publishes the schedule that is in force. answers says that a command was carried
// out with it.
func (p *publisher) schedule(vehicle string, schedule shared.Schedule, answers bool) acknowledged {
	return p.publish(vehicle, func(c *car, now time.Time) {
		c.schedule = schedule
		if answers {
			c.result(encodeNoFailure(now))
		}
	})
}
