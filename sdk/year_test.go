package sdk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// How often a call goes wrong, and ends its process.
const usualMishaps, usualKills = 0.08, 0.001

// year is a part of a simulated one: the processes of an engine, their vendor, and
// who gives commands.
type year struct {
	t     *testing.T
	seed  string
	rng   *rand.Rand
	cloud *cloud
	did   *tally
	dir   string

	engine *sdk.Engine
	client *client
	// alive ends with the process that commands are for.
	alive              context.Context
	die                context.CancelFunc
	commands, watching sync.WaitGroup
	gaveUp             chan struct{}
	again              chan command // that were told to come back
	serial             int

	mu     sync.Mutex
	told   map[string]*telling
	locked bool // nothing goes without a person
}

// usualSeed and usualDays, of each quarter, are those of an ordinary run.
const usualSeed, usualDays = 1, 15

// TestAYearOfTheEngine: whatever people, schedules, cars, clouds and kills do, what
// docs/gate.md says holds for every single call that reaches the vendor, and
// every command has a true answer in time. YEAR_SEED=N lives another year, and
// YEAR_SEED=random one that nobody has seen; YEAR_DAYS=92 all of it. A seed repeats
// a year, but for the order of what happens at one instant.
func TestAYearOfTheEngine(t *testing.T) {
	seed, days, did := yearSeed(t), yearDays(t), newTally()
	t.Logf("YEAR_SEED=%d YEAR_DAYS=%d", seed, days)

	// The second and the last one begin before the clocks change.
	beginnings := []time.Time{
		time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 25, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 21, 0, 0, 0, 0, time.UTC),
	}
	t.Run("quarters", func(t *testing.T) {
		for n := range 4 {
			t.Run(strconv.Itoa(n+1), func(t *testing.T) {
				t.Parallel()
				dir := memoryDir(t)
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(time.Until(beginnings[n]))
					newYear(t, dir, seed, n, did).live(days)
				})
			})
		}
	})

	if !testing.Short() && !t.Failed() {
		did.requireAll(t)
	}
}

func yearSeed(t *testing.T) uint64 {
	t.Helper()
	switch text := os.Getenv("YEAR_SEED"); text {
	case "":
		return usualSeed
	case "random":
		return rand.Uint64()
	default:
		seed, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "YEAR_SEED")
		return seed
	}
}

func yearDays(t *testing.T) int {
	t.Helper()
	if text := os.Getenv("YEAR_DAYS"); text != "" {
		days, err := strconv.Atoi(text)
		require.NoError(t, err, "YEAR_DAYS")
		return days
	}
	if testing.Short() {
		return usualDays / 2
	}
	return usualDays
}

// memoryDir is a directory that need not survive a loss of power, where there is one:
// a year waits for the disk thousands of times.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "year")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func newYear(t *testing.T, dir string, seed uint64, quarter int, did *tally) *year {
	t.Helper()
	y := &year{
		t: t, seed: fmt.Sprintf("YEAR_SEED=%d", seed), rng: rand.New(rand.NewPCG(seed, uint64(quarter))), did: did,
		dir: filepath.Join(dir, "state"), gaveUp: make(chan struct{}, 1), again: make(chan command, 64), told: map[string]*telling{},
	}
	y.cloud = &cloud{
		rng: rand.New(rand.NewPCG(seed, uint64(quarter)+4)), did: did, cars: map[string]*liveCar{}, wrong: mishapsByClass(),
		graves: make(chan string, 1), entered: map[string]int{}, asleep: map[string]string{}, sure: map[string]string{},
	}
	y.cloud.allDue(readCall, wakeCall)
	limits := randomLimits(t, y.rng, quarter%2 == 0)
	y.cloud.rec = &record{limits: limits, broken: y.broken, cars: map[string]*carRecord{}}
	for id, zone := range map[string]string{
		"berlin": "Europe/Berlin", "newyork": "America/New_York", "howe": "Australia/Lord_Howe", "nepal": "Asia/Kathmandu", "nowhere": "",
	} {
		y.cloud.rec.cars[id] = &carRecord{zone: limits.Zone} // unless a car has one
		if zone != "" {
			y.cloud.rec.cars[id].zone = location(t, zone)
		}
		y.cloud.ids = append(y.cloud.ids, id)
		y.cloud.cars[id] = newLiveCar(zone, time.Now(), y.cloud.rng)
	}
	slices.Sort(y.cloud.ids)
	return y
}

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	return zone
}

// randomLimits have the form of Europe's, and are small enough to be met.
func randomLimits(t *testing.T, rng *rand.Rand, metered bool) sdk.Limits {
	t.Helper()
	l := sdk.Limits{
		CallsPerDay: 28 + rng.IntN(22), Reserve: 10, LoginsPerDay: 3, WakesPerDay: 3 + rng.IntN(4),
		WakeInterval: time.Duration(10+rng.IntN(50)) * time.Minute, AuxStop: 60, AuxResume: 75, Workers: 6,
		Prices: sdk.Prices{Login: 3, Renewal: 1, List: 1, Read: 1, Wake: 2}, Zone: location(t, "Europe/Berlin"), ResetAt: 5 * time.Minute,
		Quiet: []sdk.QuietHours{
			{From: 22 * time.Hour, To: 6*time.Hour + 30*time.Minute},
			{From: 21 * time.Hour, To: 9 * time.Hour, Days: []time.Weekday{time.Friday, time.Saturday}},
			{From: 12*time.Hour + 30*time.Minute, To: 14 * time.Hour, Days: []time.Weekday{time.Sunday, time.Wednesday}, Reads: true},
		},
	}
	if metered {
		l.Metered, l.CallsPerDay, l.Prices = true, 2*l.CallsPerDay, sdk.Prices{Login: 5, Renewal: 2, List: 1, Read: 2, Wake: 5}
	}
	return l
}

// broken reports a promise that was not kept.
func (y *year) broken(rule, format string, args ...any) {
	y.t.Helper()
	y.t.Errorf("%s %s [%s] %s", y.seed, time.Now().UTC().Format(time.RFC3339Nano), rule, fmt.Sprintf(format, args...))
}

// live lets time pass, with all that may happen in it, and all that must.
func (y *year) live(days int) {
	y.start(false)
	if !testing.Short() {
		y.occasions()
	}
	y.pass(days)
	y.stop()
}

// pass lets days pass.
func (y *year) pass(days int) {
	y.weather(usualMishaps, usualKills)
	for end := time.Now().AddDate(0, 0, days); time.Now().Before(end) && !y.t.Failed(); {
		// Days of many commands, and days of few.
		pause := []time.Duration{20 * time.Minute, 40 * time.Minute, time.Hour, 6 * time.Hour}[time.Now().YearDay()%4]
		select {
		case dir := <-y.cloud.graves:
			y.bury(dir)
			y.start(false)
		case <-y.gaveUp:
			y.did.add("gave up")
			y.restart(false)
		case c := <-y.again:
			y.did.add("asked again")
			y.give(c, 0)
		case <-time.After(time.Duration(y.rng.Int64N(int64(2 * pause)))):
			y.happen()
		}
	}
}

// happen lets one thing happen.
func (y *year) happen() {
	switch what := y.rng.IntN(200); {
	case what < 5 || what < 100 && y.almostSpent():
		y.crowd()
	case what < 130:
		y.give(y.command(), 0)
	case what < 160:
		y.burst()
	case what < 170:
		y.schedule()
	case what < 176:
		y.spell()
	case what < 184:
		y.restart(false)
	case what < 188:
		y.cloud.mu.Lock()
		defer y.cloud.mu.Unlock()
		y.client.kill()
	case what < 190:
		y.storm()
	case what < 192:
		y.dusk()
	case what < 196 && y.needsPerson():
		y.unlock()
	case y.needsPerson():
		y.did.add("person")
		y.restart(true)
	}
}

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

// almostSpent says whether the day's budget is, which is when calls that are under
// way together could exceed it.
func (y *year) almostSpent() bool {
	y.cloud.mu.Lock()
	defer y.cloud.mu.Unlock()
	left := y.cloud.rec.left(time.Now())
	return left > 0 && left < 8
}

func (y *year) needsPerson() bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.locked
}

// burst gives equal commands at once, which share what they need.
func (y *year) burst() {
	c := y.command()
	for range 2 + y.rng.IntN(6) {
		c.within += time.Duration(y.rng.IntN(1e9))
		y.give(c, 0)
	}
	synctest.Wait() // no time passes
	y.sharedCalls()
}

// crowd gives commands for many cars at once, perhaps more than may wait.
func (y *year) crowd() {
	for range 10 + y.rng.IntN(30) {
		y.give(y.command(), 0)
	}
}

// storm lets cars sleep deeply that many want to wake, while the others are well.
func (y *year) storm() {
	y.weather(0, 0)
	defer y.weather(usualMishaps, usualKills)
	y.commands.Wait()
	time.Sleep(4 * time.Minute) // for what the schedule began
	if len(y.cloud.graves)+len(y.gaveUp) > 0 {
		return
	}
	y.did.add("storm")
	cars := slices.Clone(y.cloud.ids)
	y.rng.Shuffle(len(cars), func(i, j int) { cars[i], cars[j] = cars[j], cars[i] })
	asleep, well := cars[:1+y.rng.IntN(3)], cars[3:]
	y.weather(0, 0, asleep...)
	for _, id := range asleep {
		y.give(command{mode: shared.ModeSmart, car: id, maxAge: time.Minute, within: 5 * time.Minute}, 0)
	}
	synctest.Wait()
	for n := range 5 {
		for _, id := range asleep {
			y.give(command{mode: shared.ModeForce, car: id, override: n == 0, within: time.Duration(10+40*n) * time.Second}, 0)
		}
		time.Sleep(5*time.Second + time.Duration(y.rng.IntN(1e9)))
		// The bounds have room for a login.
		for _, id := range cars {
			y.give(command{mode: shared.ModeCached, car: id, within: time.Minute}, 30*time.Second)
		}
		for _, id := range well {
			y.give(command{mode: shared.ModeForce, car: id, within: 90 * time.Second}, time.Minute)
		}
	}
	y.commands.Wait()
}

// weather sets how often calls go wrong, and which cars are asleep.
func (y *year) weather(mishaps, kills float64, asleep ...string) {
	y.cloud.mu.Lock()
	defer y.cloud.mu.Unlock()
	y.cloud.mishaps, y.cloud.kills, y.cloud.spellEnd = mishaps, kills, time.Time{}
	clear(y.cloud.asleep)
	for _, id := range asleep {
		y.cloud.asleep[id] = pick(y.rng, "", "vehicle_unreachable", "vendor_timeout")
		y.cloud.cars[id].until = time.Now().Add(time.Duration(y.rng.Int64N(int64(time.Minute)))) // it stirs
	}
}

// spell lets the same thing go wrong again and again for a while.
func (y *year) spell() {
	y.did.add("spell")
	y.cloud.mu.Lock()
	y.cloud.spell = pick(y.rng, "vendor_unavailable", "vendor_timeout", "slow", "revoked", "silent", "aux_0", "vehicle_busy", "deaf")
	y.cloud.spellEnd = time.Now().Add(10*time.Minute + y.cloud.upTo(4*time.Hour))
	y.cloud.mu.Unlock()
	for range 8 {
		y.give(y.command(), 0)
		time.Sleep(time.Duration(y.rng.Int64N(int64(20 * time.Second))))
	}
}

// dusk wakes a car that has no session just before its quiet hours begin.
func (y *year) dusk() {
	id := pick(y.rng, y.cloud.ids...)
	quiet := func(t time.Time) bool {
		return quietAt(y.cloud.rec.limits.Quiet, t.In(y.cloud.rec.cars[id].zone), false)
	}
	begin := time.Now().Truncate(time.Minute)
	for !quiet(begin) || quiet(begin.Add(-time.Minute)) {
		begin = begin.Add(time.Minute)
	}
	time.Sleep(time.Until(begin) - time.Duration(y.rng.Int64N(int64(30*time.Second))))
	y.did.add("dusk")
	y.cloud.mu.Lock()
	y.cloud.good, y.cloud.renewable = 0, 0
	y.cloud.mu.Unlock()
	y.give(command{mode: shared.ModeForce, car: id, within: 3 * time.Minute}, 0)
}

// schedule changes the schedule of a car, or of all.
func (y *year) schedule() {
	y.did.add("schedule set")
	_, err := y.engine.SetSchedule(y.alive, pick(y.rng, append(y.cloud.ids, "", "")...), json.RawMessage(pick(y.rng,
		``, `"off"`, `"recommended"`, `{"fresh_at":"05:00"}`, `{"fresh_at":"17:30","idle":"6h"}`, `{"idle":"2h","parked":"30m","plugged":"1h","wake_if_older":"8h"}`)))
	require.NoError(y.t, err)
}

// tally counts what has happened. Safe for concurrent use.
type tally struct {
	mu    sync.Mutex
	times map[string]int
}

func newTally() *tally { return &tally{times: map[string]int{}} }

func (n *tally) add(what string) { n.addSome(what, 1) }

func (n *tally) addSome(what string, times int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.times[what] += times
}

// requireAll fails if something did not happen that the test is about.
func (n *tally) requireAll(t *testing.T) {
	t.Helper()
	for _, what := range slices.Sorted(maps.Keys(n.times)) {
		t.Logf("%6d %s", n.times[what], what)
	}
	for _, what := range slices.Concat(
		[]string{loginCall, renewalCall, listCall, readCall, wakeCall, failedCall, "kill", "restart", "spell", "storm", "dusk", "schedule set", "asked again", "counted gate_decisions.vendor_refused", "counted gate_decisions.circuit_open"},
		[]string{"cached is fresh", "force is fresh", "smart is fresh", "cached is unchanged", "force is silent", "smart is stale"},
		[]string{"wake by schedule", "wake overridden", "wake while powered"},
		[]string{"refused queue_full", "refused circuit_open", "refused budget_spent", "refused guard_refused", "refused rate_limited", "refused deadline_exceeded"},
		slices.Concat(mishapsByClass()[readCall], mishapsByClass()[wakeCall]),
		[]string{"counted coalesced", "counted calls_abandoned", "counted older_snapshots", "counted values_held_back", "counted scheduled.done"},
	) {
		assert.Positive(t, n.times[what], "%q never happened in the year", what)
	}
	for _, rule := range []string{"calls_per_day", "logins_per_day", "wakes_per_day", "wake_interval", "quiet_hours", "aux_battery", "aux_trend", "overridden"} {
		assert.Positive(t, n.times["counted gate_decisions."+rule], "%q decided nothing in the year", rule)
	}
}
