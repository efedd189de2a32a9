package mqtt

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// announcements publishes what an [Announcer] makes; without one it only takes off the
// broker what a former run has announced. Safe for concurrent use.
type announcements struct {
	bridge *Bridge
	// born gets a token when the home automation has started.
	born chan struct{}
	// unwanted are former messages' topics, which are made empty.
	unwanted *unwanted

	mu sync.Mutex
	// told are the messages of this run, by the id of the car; the hub has none.
	told map[string]*announcement
	// former topics are those of a former run that this one has not come to yet, by the
	// same ids.
	former map[string]string
}

// announcement is the page of one message, and its content.
type announcement struct {
	*page
	// message makes it anew.
	message func() (topic string, payload []byte)
	topic   string
	// gone is the number of the change that left nothing to announce; zero: there is
	// something.
	gone uint64
}

// cleared says whether the broker knows that there is nothing to announce any more.
func (n *announcement) cleared() bool { return n.gone > 0 && n.held >= n.gone }

// messages implements content.
func (n *announcement) messages() []outgoing {
	if n.gone > 0 {
		return []outgoing{emptied(n.topic, n.cleared())}
	}
	topic, payload := n.message()
	return []outgoing{{topic: topic, number: -1, retained: true, body: payload, sum: sumOf(payload, 0)}}
}

// emptied takes a retained message off the broker, which may have acknowledged that already.
func emptied(topic string, already bool) outgoing {
	return outgoing{topic: topic, number: -1, retained: true, sum: sumOf(nil, 0), clears: already}
}

// valuesAfter is how much later than an announcement what the broker does not keep is sent
// again: the home automation has to subscribe to it first.
const valuesAfter = 2 * time.Second

func newAnnouncements(b *Bridge) *announcements {
	former := b.leftovers.former
	if keeper, ok := b.opts.Announcer.(Keeper); ok && len(former.Announced) > 0 {
		keeper.Restore(former.Announced)
	}
	a := &announcements{
		bridge: b, born: make(chan struct{}, 1), unwanted: newUnwanted(b.writer), told: map[string]*announcement{}, former: maps.Clone(former.Announcements),
	}
	if b.opts.Announcer == nil {
		a.unwanted.add(slices.Collect(maps.Values(former.Announcements))...)
		a.unwanted.add(former.Unwanted...)
		a.former = nil
	}
	return a
}

// sawList announces the cars that plugins list.
func (a *announcements) sawList(vehicles []*vehiclev1.Vehicle) {
	for _, v := range vehicles {
		if mayServe(v.GetId()) {
			a.sawCar(v.GetId(), Sight{Listed: v})
		}
	}
}

// sawData announces what is new in a snapshot of a car.
func (a *announcements) sawData(data *vehiclev1.VehicleData) {
	a.sawCar(data.GetVehicle().GetId(), Sight{Data: data})
}

// sawCar announces a car, if there is something new about it.
func (a *announcements) sawCar(id string, s Sight) {
	announced := a.saw(id, s)
	if announced == nil {
		return
	}
	a.bridge.work.Go(func() {
		a.subscribed(announced)
		a.bridge.publisher.again(id)
	})
}

// sawPlugins announces the hub, if there is something new about it.
func (a *announcements) sawPlugins(plugins []host.PluginStatus) { a.saw("", Sight{Plugins: plugins}) }

// saw announces a car, or the hub, if there is something new about it; else it returns nil.
func (a *announcements) saw(id string, s Sight) acknowledged {
	announcer := a.bridge.opts.Announcer
	if announcer == nil || !announcer.Saw(s) {
		return nil
	}
	return a.publish(a.of(id), func(n *announcement) { n.gone = 0 })
}

// of returns the announcement of a car, or of the hub. The first one of this run takes the
// place of the former run's, which is taken off the broker if it had another topic.
func (a *announcements) of(id string) *announcement {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.told[id]
	if n == nil {
		n = &announcement{message: func() (string, []byte) { return a.bridge.opts.Announcer.Message(id) }}
		n.topic, _ = n.message()
		n.page = newPage("", n)
		a.bridge.writer.add(n.page)
		a.told[id] = n
		if former, there := a.former[id]; there && former != n.topic {
			a.unwanted.add(former)
		}
		delete(a.former, id)
	}
	return n
}

func (a *announcements) publish(n *announcement, change func(*announcement)) acknowledged {
	number := n.change(func() { change(n) })
	a.bridge.writer.write(n.page)
	return func(ctx context.Context) error { return n.await(ctx, number) }
}

// withdraw takes off the broker what announces a car.
func (a *announcements) withdraw(id string) acknowledged {
	announcer := a.bridge.opts.Announcer
	if announcer == nil {
		return func(context.Context) error { return nil } // all are
	}
	n := a.of(id)
	announcer.Saw(Sight{Gone: id})
	return a.publish(n, func(n *announcement) { n.gone = n.now.change + 1 })
}

// keep returns what a later run has to know: the topics by id, and those that may still
// have to be taken off the broker.
func (a *announcements) keep() (topics map[string]string, unwanted []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	topics = make(map[string]string, len(a.former)+len(a.told))
	maps.Copy(topics, a.former)
	for id, n := range a.told {
		n.look(func() {
			if !n.cleared() {
				topics[id] = n.topic
			}
		})
	}
	return topics, a.unwanted.left()
}

// clearFormer takes off the broker what the runs before the former one had not managed to,
// once this one has announced what it has.
func (a *announcements) clearFormer() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := map[string]bool{}
	for _, n := range a.told {
		now[n.topic] = true
	}
	a.unwanted.add(slices.DeleteFunc(slices.Clone(a.bridge.leftovers.former.Unwanted), func(topic string) bool { return now[topic] })...)
}

// subscribed waits until the home automation may have subscribed to what was announced.
func (a *announcements) subscribed(announced ...acknowledged) {
	for _, brokerHolds := range announced {
		if brokerHolds(a.bridge.ctx) != nil {
			return // the bridge stops
		}
	}
	wait(a.bridge.ctx, min(valuesAfter, a.bridge.opts.GreetWithin))
}

// subscription is to what the home automation says of itself.
func (a *announcements) subscription() Subscription {
	topic, word := a.bridge.opts.Announcer.Birth()
	return Subscription{Filters: []string{topic}, QoS: 1, Handler: func(m Message) {
		if string(m.Payload) != word {
			return
		}
		select {
		case a.born <- struct{}{}:
		default:
		}
	}}
}

// run greets a home automation that has started, until the bridge stops.
func (a *announcements) run() {
	ctx := a.bridge.ctx
	for {
		select {
		case <-a.born:
		case <-ctx.Done():
			return
		}
		wait(ctx, rand.N(a.bridge.opts.GreetWithin)) //nolint:gosec // hubs shall not answer all at once

		a.mu.Lock()
		told := maps.Clone(a.told)
		a.mu.Unlock()
		var announced []acknowledged
		for _, n := range told {
			n.forget()
			announced = append(announced, a.publish(n, func(*announcement) {}))
		}
		a.subscribed(announced...)
		for id := range told {
			if id != "" {
				a.bridge.publisher.again(id)
			}
		}
	}
}
