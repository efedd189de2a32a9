package sdk_test

import (
	"context"
	"os"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// strayGrace is how long a call of the vendor's may take to notice its end.
const strayGrace = 5 * time.Second

// start starts a process on the state directory, again and again until one serves.
func (y *year) start(person bool) {
	for !y.try(person) {
		time.Sleep(time.Minute + time.Duration(y.rng.Int64N(int64(20*time.Minute))))
		person = person || y.needsPerson() && y.rng.IntN(5) == 0
	}
	y.mu.Lock()
	y.locked = y.locked && !person
	y.mu.Unlock()
	engine, client, alive := y.engine, y.client, y.alive
	y.watching.Go(func() {
		_ = engine.Watch(alive, func(d *vehiclev1.VehicleData) error {
			if client.isKilled() {
				return nil
			}
			y.mu.Lock()
			defer y.mu.Unlock()
			y.tell(d.GetVehicle().GetId(), d)
			return nil
		})
	})
}

// try starts a process and says whether it serves. One that does not is gone.
func (y *year) try(person bool) bool {
	y.client = &client{cloud: y.cloud, dir: y.dir, person: person, gone: make(chan struct{}), again: map[repetition]bool{}}
	y.engine = sdk.NewEngine(y.client.plugin(), sdk.Options{
		Person: person, MaxWaiting: 24, ReservedForReads: 2, Grace: strayGrace, MaxStrays: 4,
		GiveUp: func() { y.gaveUp <- struct{}{} },
	})
	y.alive, y.die = context.WithCancel(y.t.Context())
	const within = 3 * time.Minute
	ctx, cancel := context.WithTimeout(y.alive, within)
	defer cancel()
	begun := time.Now()
	_, err := y.engine.Initialize(ctx, shared.Config{Settings: settings("x"), StateDir: y.dir})
	if took := time.Since(begun); took > within {
		y.broken("deadline", "Initialize takes %s", took)
	}
	select {
	case dir := <-y.cloud.graves:
		y.did.add("killed at its start")
		y.bury(dir)
		return false
	default:
	}
	if err == nil {
		return true
	}
	api := shared.AsAPIError(err)
	y.did.add("start refused " + string(api.Reason))
	if api.Reason == shared.ReasonInternal {
		y.broken("typed", "Initialize fails with %s", shared.ErrorChain(err))
	}
	y.mu.Lock()
	y.locked = y.locked || api.Reason == shared.ReasonAuthFailed && !api.Temporary
	y.mu.Unlock()
	y.stop()
	return false
}

// stop ends the process as its host does. Its commands are answered.
func (y *year) stop() {
	select {
	case dir := <-y.cloud.graves: // nobody can stop it any more
		y.bury(dir)
		return
	default:
	}
	y.count()
	begun := time.Now()
	require.NoError(y.t, y.engine.Close(context.Background()))
	if took := time.Since(begun); took > 2*strayGrace {
		y.broken("deadline", "Close takes %s", took)
	}
	y.cloud.mu.Lock()
	y.client.end()
	y.cloud.mu.Unlock()
	y.leave()
}

// bury removes what is left of a process that was killed. What it would still have
// written is lost, what it told in its last instant perhaps with it.
func (y *year) bury(dir string) {
	y.count()
	y.leave()
	y.mu.Lock()
	for _, told := range y.told {
		if !told.at.Before(y.client.killedAt) {
			told.newest = told.before
		}
	}
	y.mu.Unlock()
	require.NoError(y.t, y.engine.Close(context.Background()))
	require.NoError(y.t, os.RemoveAll(y.dir))
	y.dir = dir
}

// leave waits for those who use a process that has ended.
func (y *year) leave() {
	y.die()
	y.commands.Wait()
	y.watching.Wait()
	select { // it needs no other end
	case <-y.gaveUp:
	default:
	}
}

func (y *year) restart(person bool) {
	y.did.add("restart")
	y.stop()
	y.start(person)
}

// count adds up what the engine counted.
func (y *year) count() {
	for what, times := range health(y.t, y.engine).GetCounters() {
		y.did.addSome("counted "+what, int(times))
	}
}

// unlock is a person's word, to the process that runs, that a login may be tried again.
func (y *year) unlock() {
	y.did.add("unlock")
	engine, client, alive := y.engine, y.client, y.alive
	client.visit(true)
	y.commands.Go(func() {
		ctx, cancel := context.WithTimeout(alive, 3*time.Minute)
		defer cancel()
		err := engine.Unlock(ctx)
		client.visit(false)
		y.mu.Lock()
		defer y.mu.Unlock()
		y.locked = y.locked && err != nil
	})
}

// visit says whether a person is there.
func (c *client) visit(person bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.person = person
}
