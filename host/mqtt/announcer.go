package mqtt

import (
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Announcer makes retained messages outside the bridge's topics that tell a home
// automation which cars there are, and what of them is on which topic. Its methods are safe
// for concurrent use, and do not wait. Package homeassistant has one.
type Announcer interface {
	// Saw takes in what there is now. It says whether the message that is about it is
	// another one now.
	Saw(s Sight) (news bool)
	// Message returns that of a car that it saw, or of the hub, which has no id.
	Message(car string) (topic string, payload []byte)
	// Birth is where and in which words the home automation says that it has started.
	Birth() (topic, payload string)
}

// Sight is one thing of what an [Announcer] sees: a car as its plugin lists it, a snapshot
// of a car, or how the plugins are.
type Sight struct {
	Listed  *vehiclev1.Vehicle
	Data    *vehiclev1.VehicleData
	Plugins []host.PluginStatus
}

// Keeper is an optional part of an [Announcer]: it has something to remember over a restart.
type Keeper interface {
	// Keep returns what that is, as JSON.
	Keep() json.RawMessage
	// Restore takes what a former run has kept, before anything is seen.
	Restore(kept json.RawMessage)
}

// announcements publishes what an [Announcer] makes; without one it does nothing. Safe for
// concurrent use.
type announcements struct {
	bridge *Bridge
	// born gets a token when the home automation has started.
	born chan struct{}

	mu sync.Mutex
	// hub's page, and those of the cars by id.
	hub  *page
	cars map[string]*page
}

// valuesAfter is how much later than an announcement what the broker does not keep is sent
// again: the home automation has to subscribe to it first.
const valuesAfter = 2 * time.Second

func newAnnouncements(b *Bridge) *announcements {
	if keeper, ok := b.opts.Announcer.(Keeper); ok && len(b.leftovers.former.Announced) > 0 {
		keeper.Restore(b.leftovers.former.Announced)
	}
	return &announcements{bridge: b, born: make(chan struct{}, 1), cars: map[string]*page{}}
}

// announcement is the content of a page with one message.
type announcement func() (topic string, payload []byte)

// messages implements content.
func (f announcement) messages() []outgoing {
	topic, payload := f()
	return []outgoing{{topic: topic, number: -1, retained: true, body: payload, sum: sumOf(payload, 0)}}
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
	announcer := a.bridge.opts.Announcer
	if announcer == nil || !announcer.Saw(s) {
		return
	}
	a.mu.Lock()
	p := a.cars[id]
	if p == nil {
		p = a.page(func() (string, []byte) { return announcer.Message(id) })
		a.cars[id] = p
	}
	a.mu.Unlock()
	announced := a.renew(p)
	a.bridge.work.Go(func() {
		a.subscribed(announced)
		a.bridge.publisher.again(id)
	})
}

// sawPlugins announces the hub, if there is something new about it.
func (a *announcements) sawPlugins(plugins []host.PluginStatus) {
	announcer := a.bridge.opts.Announcer
	if announcer == nil || !announcer.Saw(Sight{Plugins: plugins}) {
		return
	}
	a.mu.Lock()
	if a.hub == nil {
		a.hub = a.page(func() (string, []byte) { return announcer.Message("") })
	}
	a.mu.Unlock()
	_ = a.renew(a.hub)
}

func (a *announcements) page(content announcement) *page {
	p := newPage("", content)
	a.bridge.writer.add(p)
	return p
}

// renew publishes a page that may say something else now.
func (a *announcements) renew(p *page) acknowledged {
	n := p.change(func() {})
	a.bridge.writer.write(p)
	return func(ctx context.Context) error { return p.await(ctx, n) }
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
		pages, ids := slices.Collect(maps.Values(a.cars)), slices.Collect(maps.Keys(a.cars))
		if a.hub != nil {
			pages = append(pages, a.hub)
		}
		a.mu.Unlock()
		var announced []acknowledged
		for _, p := range pages {
			p.forget()
			announced = append(announced, a.renew(p))
		}
		a.subscribed(announced...)
		for _, id := range ids {
			a.bridge.publisher.again(id)
		}
	}
}
