package mqtt

import (
	"slices"
	"sync"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// everyCar serves a command to all cars: each as if it had come to that car, with the
// sender's id, and the whole with how they have ended.
func (b *Bridge) everyCar(o *order) {
	var cars []string
	for id := range b.listCars() {
		if mayServe(id) {
			cars = append(cars, id)
		}
	}
	slices.Sort(cars)
	count := len(cars)
	b.tell(o, &response{Stage: StageAccepted, Cars: &count})
	o.begun = o.message.at

	var (
		mu     sync.Mutex
		stages = map[Stage]int{}
		all    sync.WaitGroup
		room   = make(chan struct{}, initialReads)
	)
	for _, id := range cars {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			one := &order{
				Served: Served{Vehicle: id, Command: o.Command, RequestID: newRequestID(), ID: o.ID}, kind: o.kind, message: o.message.unreplied(), cmd: o.cmd,
			}
			b.oneCar(one)
			mu.Lock()
			defer mu.Unlock()
			stages[stageOf(one.Err)]++
		})
	}
	all.Wait()

	now := b.opts.Now()
	o.Duration = now.Sub(o.message.at)
	r := &response{Stage: StageDone, Cars: &count, Stages: stages}
	if count == 0 {
		o.Err = shared.Errorf(shared.ReasonUnknownVehicle, "There is no car yet.")
		r.Stage = stageOf(o.Err)
		r.explain(o.Err)
	}
	r.times(0, o.Duration)
	b.close(o, r)
}

// mayServe says whether a car can have topics: its id is a level of its own, and no
// level of the bridge's.
func mayServe(id string) bool {
	return vehicleID.MatchString(id) && id != allVehicles && id != bridgeLevel
}

// bridgeLevel is the level of the bridge's own topics.
const bridgeLevel = "bridge"
