package mqtt

import (
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// initialReads is how many cars are read at a time when they are first seen: a
// fleet's must not fill the plugin's queue, where people's commands wait.
const initialReads = 256

// follow publishes what comes without a command.
func (b *Bridge) follow() {
	for {
		data, err := b.opts.Fleet.Update(b.ctx)
		if err != nil {
			return // the bridge has stopped
		}
		id := data.GetVehicle().GetId()
		if !mayServe(id) {
			continue // told when the car was first seen
		}
		wait := b.publisher.data(id, data, false)
		s := Served{Vehicle: id, Command: CommandScheduled, RequestID: newRequestID(), Data: data}
		b.work.Go(func() {
			s.Unpublished = b.settle(wait)
			b.served(s)
		})
	}
}

// known says whether a plugin has listed the car, perhaps just now.
func (b *Bridge) known(vehicle string) bool {
	return (*b.cars.Load())[vehicle] || b.listCars()[vehicle]
}

// listCars remembers the cars that there are.
func (b *Bridge) listCars() map[string]bool {
	vehicles := b.opts.Fleet.Vehicles()
	cars := make(map[string]bool, len(vehicles))
	for _, v := range vehicles {
		cars[v.GetId()] = true
	}
	b.cars.Store(&cars)
	return cars
}

// followVehicles keeps the list of cars, and reads each once when it is first seen,
// from the cloud's copy.
func (b *Bridge) followVehicles(cars map[string]bool, changed <-chan struct{}) {
	seen, reading := map[string]bool{}, make(chan struct{}, initialReads)
	again := make(chan []string, 1)
	b.work.Go(func() { b.readSchedulesAgain(again) })
	for {
		b.announced.sawList(b.opts.Fleet.Vehicles())
		var listedAnew []string
		for id := range cars {
			if returned := b.departures.back(id); seen[id] && !returned {
				listedAnew = append(listedAnew, id)
				continue
			}
			seen[id] = true
			if !mayServe(id) {
				b.log.Warn("a car's id cannot be part of a topic, so the car is left out: letters, digits, _ and - only, and not all or bridge", "plugin_gave", id[:min(len(id), maxTopic)])
				continue
			}
			if b.opts.NoInitialRefresh {
				b.publisher.introduce(id)
			}
			select {
			case reading <- struct{}{}:
			case <-b.ctx.Done():
				return
			}
			b.work.Go(func() {
				defer func() { <-reading }()
				if !b.opts.NoInitialRefresh {
					b.firstRead(id)
				}
				b.readSchedule(id)
			})
		}
		select {
		case <-again: // what still waits is of before
		default:
		}
		again <- listedAnew
		select {
		case <-changed:
			changed = b.opts.Fleet.VehiclesChanged()
			cars = b.listCars()
			b.overview.touch()
		case <-b.ctx.Done():
			return
		}
	}
}

// firstRead reads a car from the cloud's copy, and publishes what came.
func (b *Bridge) firstRead(id string) {
	started, s := b.opts.Now(), Served{Vehicle: id, Command: CommandInitial, RequestID: newRequestID()}
	cmd := Command{Mode: shared.ModeCached}
	s.Data, s.Err = b.ask(id, cmd, cmd.deadline(), shared.CallInfo{RequestID: s.RequestID, Background: true})
	if b.ctx.Err() != nil {
		return
	}
	s.Duration = b.opts.Now().Sub(started)
	s.Unpublished = b.settle(b.publish(&s))
	b.served(s)
}
