package sdk_test

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// occasions makes what is rare happen on purpose: what a year must contain is not
// left to chance.
func (y *year) occasions() {
	for _, occasion := range []func(){
		y.wakes, y.lowBattery, y.sinkingBattery, y.revocations, y.mishaps, y.outages, y.forgotten, y.misery,
	} {
		y.morning()
		occasion()
		y.commands.Wait()
	}

	y.morning()
	for _, id := range y.cloud.ids {
		y.set(id, `"recommended"`)
	}
	y.storm()
	y.dusk()
	y.spell()
	y.crowd()
	y.schedule()

	y.revive()
	y.restart(false)
	y.cloud.mu.Lock()
	y.client.kill()
	y.cloud.mu.Unlock()
	y.revive()
	y.weather(usualMishaps, usualKills)
}

// morning waits for ten o'clock of a day on which nothing is wrong and nobody wants
// anything, and which has no quiet hours at noon.
func (y *year) morning() {
	y.weather(0, 0)
	y.commands.Wait()
	y.revive()
	for _, id := range y.cloud.ids {
		y.set(id, `"off"`) // the day's calls are for the occasion
	}

	y.cloud.mu.Lock()
	now, closed := time.Now().In(y.cloud.rec.limits.Zone), y.cloud.rec.closed
	y.cloud.mu.Unlock()

	at := time.Date(now.Year(), now.Month(), now.Day()+1, 10, 0, 0, 0, now.Location())
	for at.Before(closed) || at.Weekday() != time.Tuesday && at.Weekday() != time.Thursday {
		at = at.AddDate(0, 0, 1)
	}
	time.Sleep(time.Until(at))
	y.revive()

	for range 3 {
		// The breaker's trial is among them.
		y.do(shared.ModeCached, "berlin", false)
		time.Sleep(5 * time.Minute)
	}
}

// revive starts a process if there is none, with a person if it needs one.
func (y *year) revive() {
	for {
		select {
		case dir := <-y.cloud.graves:
			y.bury(dir)
			y.start(y.needsPerson())
		case <-y.gaveUp:
			y.did.add("gave up")
			y.restart(y.needsPerson())
		default:
			if !y.needsPerson() {
				return
			}
			y.did.add("person")
			y.restart(true)
		}
	}
}

func (y *year) set(id, schedule string) {
	_, err := y.engine.SetSchedule(y.alive, id, json.RawMessage(schedule))
	require.NoError(y.t, err)
}

// do gives a command and waits for its answer.
func (y *year) do(mode shared.Mode, id string, override bool) {
	y.give(command{mode: mode, car: id, override: override, within: 3 * time.Minute}, 0)
	y.commands.Wait()
}

// put lets a car stand for days, so far as change does not say otherwise, and tell it.
func (y *year) put(id string, change func(*liveCar)) {
	y.cloud.mu.Lock()
	defer y.cloud.mu.Unlock()
	car := y.cloud.cars[id]
	car.live(time.Now(), y.cloud.rng)
	car.running, car.plugged, car.charging, car.kilometresPerHour = false, false, false, 0
	car.aux, car.auxPerHour, car.standing, car.until = 95, 0, 0, car.at.AddDate(0, 0, 6)
	change(car)
	car.report()
}

// wakes of one car on one day: soon after another, more than a day has, and at night.
func (y *year) wakes() {
	const id = "berlin"
	y.put(id, func(*liveCar) {})
	y.do(shared.ModeCached, id, false)
	for range 2 {
		y.do(shared.ModeForce, id, false)
	}
	for range y.cloud.rec.limits.WakesPerDay - 1 { // with what they read, the day's calls are enough
		y.do(shared.ModeForce, id, true)
	}

	time.Sleep(y.cloud.rec.limits.WakeInterval + time.Minute)
	y.do(shared.ModeForce, id, false)
	time.Sleep(12 * time.Hour)
	y.do(shared.ModeForce, id, false)
}

// lowBattery is that of a car that stands, and then has power.
func (y *year) lowBattery() {
	const id = "berlin"
	for _, plugged := range []bool{false, true} {
		y.put(id, func(l *liveCar) { l.aux, l.plugged = 50, plugged })
		y.do(shared.ModeCached, id, false)
		y.do(shared.ModeForce, id, false)
		time.Sleep(10 * time.Minute)
	}
}

// sinkingBattery is that of a car that stands for days, and is low on the fourth.
func (y *year) sinkingBattery() {
	const id = "berlin"
	y.put(id, func(l *liveCar) { l.plugged = true }) // what was before counts no more
	y.do(shared.ModeCached, id, false)
	time.Sleep(10 * time.Minute)

	y.put(id, func(l *liveCar) { l.aux, l.auxPerHour = 78, -5./24 })
	for range 10 {
		y.cloud.mu.Lock()
		car := y.cloud.cars[id]
		car.live(time.Now(), y.cloud.rng)
		car.report()
		y.cloud.mu.Unlock()

		y.do(shared.ModeCached, id, false)
		y.do(shared.ModeForce, id, false)
		time.Sleep(12 * time.Hour)
	}
}

// revocations of a session that cannot be renewed, more than a day has logins.
func (y *year) revocations() {
	for range y.cloud.rec.limits.LoginsPerDay + 2 {
		y.cloud.mu.Lock()
		y.cloud.good, y.cloud.renewable = 0, 0
		y.cloud.mu.Unlock()

		y.do(shared.ModeCached, "berlin", false)
		time.Sleep(61 * time.Minute) // a session that was good is not replaced earlier
	}
}

// mishaps that show in what the engine counts, and in answers.
func (y *year) mishaps() {
	const id = "berlin"
	for range 2 {
		y.put(id, func(*liveCar) {})
		time.Sleep(10 * time.Minute)
	}
	for _, mishap := range []string{"", "older", "aux_0", "deaf"} {
		y.surely(readCall, mishap)
		y.give(command{mode: shared.ModeCached, car: id, within: 30 * time.Second}, 0)
		time.Sleep(20 * time.Minute) // what is deaf hears
	}

	y.put(id, func(*liveCar) {})
	y.surely(wakeCall, "silent")
	y.do(shared.ModeForce, id, true)
}

// outages are a queue that is full, a breaker that opens, and a vendor that closes.
func (y *year) outages() {
	for range 60 {
		y.give(command{mode: shared.ModeCached, car: pick(y.rng, y.cloud.ids...), within: time.Minute}, 0)
	}
	y.commands.Wait()

	time.Sleep(10 * time.Minute)
	for _, id := range slices.Concat(y.cloud.ids, y.cloud.ids) {
		y.surely(readCall, "vendor_unavailable")
		y.do(shared.ModeCached, id, false)
	}
	y.surely(readCall, "")

	time.Sleep(time.Hour)
	y.do(shared.ModeCached, "berlin", false) // the trial
	time.Sleep(10 * time.Minute)
	y.surely(readCall, "rate_limited")
	for range 2 {
		y.do(shared.ModeCached, "berlin", false)
	}
}

// misery lasts until everything has gone wrong that can.
func (y *year) misery() {
	const often = 0.5
	y.weather(often, 0)
	for n := 0; y.cloud.stillDue() && !y.t.Failed(); n++ {
		require.Less(y.t, n, 2000, "%s: some mishaps do not happen", y.seed)
		for _, mode := range []shared.Mode{shared.ModeCached, shared.ModeForce} {
			y.do(mode, pick(y.rng, y.cloud.ids...), mode == shared.ModeForce)
		}
		time.Sleep(30 * time.Minute)
		y.revive()
	}
}

// surely lets the next call of a class have a mishap.
func (y *year) surely(class, mishap string) {
	y.cloud.mu.Lock()
	defer y.cloud.mu.Unlock()
	y.cloud.sure[class] = mishap
}

// forgotten is a car that says nothing for so long that its schedule wakes it.
func (y *year) forgotten() {
	const id = "nowhere"
	y.put(id, func(*liveCar) {})
	y.set(id, `{"idle":"2h","parked":"30m","plugged":"1h","wake_if_older":"8h"}`)
	time.Sleep(54 * time.Hour)
}
