package mqtt

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// departures takes the topics of cars off the broker that are gone for good. Safe for
// concurrent use.
type departures struct {
	bridge *Bridge

	mu sync.Mutex
	// since when no plugin lists a car, by id. The zero time: for long enough.
	since map[string]time.Time
	// forgotten are the cars whose topics are taken off, and whether the broker has
	// acknowledged it.
	forgotten map[string]bool
}

// forgottenAfter is how long no plugin has to list a car while all serve until it is gone
// for good: a vendor may forget one for a while.
const forgottenAfter = 7 * 24 * time.Hour

func newDepartures(b *Bridge) *departures {
	d := &departures{bridge: b, since: map[string]time.Time{}, forgotten: map[string]bool{}}
	for id, since := range b.leftovers.former.Gone {
		if mayServe(id) {
			d.since[id] = since
		}
	}
	return d
}

// look notes which cars of which the broker may hold something are not listed, and forgets
// those that have not been for long. It is called when the plugins have had time to list
// their cars.
func (d *departures) look(plugins []host.PluginStatus, listed map[string]bool) {
	cars := d.bridge.held(listed)
	serving := len(plugins) > 0 && !slices.ContainsFunc(plugins, func(st host.PluginStatus) bool { return !st.Serving })
	for _, id := range d.departed(serving, listed, cars) {
		d.bridge.log.Info("no plugin lists the car any more, so its topics are taken off the broker", "vehicle", id)
		d.forget(id)
	}
}

func (d *departures) departed(serving bool, listed map[string]bool, cars []string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, departed := d.bridge.opts.Now(), []string{}
	maps.DeleteFunc(d.since, func(id string, _ time.Time) bool { return listed[id] })
	if !serving {
		return nil // whoever does not may have the car
	}

	for _, id := range cars {
		if _, forgotten := d.forgotten[id]; forgotten {
			continue
		}
		since, known := d.since[id]
		switch {
		case !known:
			d.since[id] = now
		case now.Sub(since) > forgottenAfter:
			departed = append(departed, id)
		}
	}
	return departed
}

// forget takes all topics of a car off the broker, and returns what waits for that.
func (d *departures) forget(id string) acknowledged {
	d.mu.Lock()
	d.since[id] = time.Time{}
	d.forgotten[id] = false
	d.mu.Unlock()

	b := d.bridge
	topics, announcement := b.publisher.forget(id), b.announced.withdraw(id)
	off := func(ctx context.Context) error {
		if err := announcement(ctx); err != nil {
			return err
		}
		return topics(ctx)
	}
	b.work.Go(func() {
		if off(b.ctx) == nil {
			d.done(id)
		}
	})
	return off
}

// done notes that the broker holds nothing of a car any more.
func (d *departures) done(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, still := d.forgotten[id]; still {
		d.forgotten[id] = true
		delete(d.since, id)
		d.bridge.publisher.forgot(id)
	}
}

// back says whether a car that is listed had been forgotten, and so is a new one.
func (d *departures) back(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, was := d.forgotten[id]
	delete(d.forgotten, id)
	return was
}

// keep returns what a later run has to know: the cars that are gone, and those of which the
// broker holds nothing any more.
func (d *departures) keep() (since map[string]time.Time, done map[string]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.since), maps.Clone(d.forgotten)
}

// forget serves a request to take a car off the broker.
func (b *Bridge) forget(_ context.Context, r *request) (any, error) {
	switch {
	case b.known(r.vehicle):
		return nil, shared.Errorf(shared.ReasonInvalidCommand, "A plugin lists that car, so it would come back at once. Take it off the account first.")
	case !slices.Contains(b.held(nil), r.vehicle):
		return nil, shared.Errorf(shared.ReasonUnknownVehicle, "Nothing is published of a car with that id.")
	}
	if b.settle(b.departures.forget(r.vehicle)) != nil {
		return nil, shared.Errorf(shared.ReasonDeadlineExceeded, "The broker has not acknowledged yet that the car's topics are off it; the hub goes on trying.")
	}
	return nil, nil
}

// held are the cars but those that are listed that the broker may hold something of.
func (b *Bridge) held(listed map[string]bool) []string {
	var ids []string
	for id, c := range b.publisher.all() {
		if listed[id] {
			continue
		}
		c.look(func() {
			if _, held := c.car.mayBeHeld(); held {
				ids = append(ids, id)
			}
		})
	}
	return ids
}
