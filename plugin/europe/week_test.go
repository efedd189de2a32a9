package europe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// week is a simulated one: the cloud and its cars, and a service that lives
// beside it in the same time.
type week struct {
	t     *testing.T
	cloud *cloudsim.Cloud
	net   *pipes
	dir   string
	begin time.Time
	// limits of the service, in place of the region's.
	limits sdk.Limits

	// tick of the timetable that comes next.
	tick   time.Duration
	engine *sdk.Engine
	// seen is the newest time that was published of each car.
	seen map[string]time.Time
	// km is the last odometer that was published of each car.
	km map[string]float64
	// lies: reports may be newer than they say. whole has a first reading of each car,
	// of which nothing may be lost; nil: nobody looks.
	lies  bool
	whole map[string]*vehiclev1.VehicleData
	// What became of the commands; failures are those that nobody looked at yet.
	commands int
	answers  map[string]int
	failures map[shared.Reason]int
	// sent are the requests that the processes so far have counted.
	sent map[string]int
}

// Each car drives twice a day and is charged at night.
const drivenAtNine, drivenAtSix = time.Hour, 45 * time.Minute

func commuter(c cloudsim.Car) cloudsim.Car {
	c.Life = []cloudsim.Phase{
		{Doing: cloudsim.Parked, For: 9 * time.Hour},
		{Doing: cloudsim.Driving, For: drivenAtNine},
		{Doing: cloudsim.Parked, For: 8 * time.Hour},
		{Doing: cloudsim.Driving, For: drivenAtSix},
		{Doing: cloudsim.Charging, For: 5*time.Hour + 15*time.Minute},
	}
	return c
}

// odometerAt is what a commuter's odometer showed at a time, by its timetable
// alone: it drives at 60 km/h.
func (w *week) odometerAt(car cloudsim.Car, at time.Time) float64 {
	since := at.Sub(w.begin)
	if since < 0 {
		return car.OdometerKM
	}
	days, today := since.Truncate(24*time.Hour).Hours()/24, since%(24*time.Hour)
	driven := max(0, min(today-9*time.Hour, drivenAtNine)) + max(0, min(today-18*time.Hour, drivenAtSix))
	return car.OdometerKM + days*(drivenAtNine+drivenAtSix).Minutes() + driven.Minutes()
}

// start starts the service, as a restart does: with what is on disk.
func (w *week) start(person bool) error {
	w.t.Helper()
	a, recall := account(profile.Kia), sdk.RecallYoung
	if person {
		recall = sdk.RecallNever
	}
	w.engine = sdk.NewEngine(sdk.Plugin{New: func(cfg sdk.VendorConfig) (sdk.Vendor, error) {
		return New(ccs.Options{
			Profile: brandProfile(w.t, profile.Kia, "http://127.0.0.1:1"), Username: a.Email, Password: a.Password,
			Store: cfg.Store, Logger: cfg.Logger, Redactor: cfg.Redactor, Limits: w.limits, Requested: cfg.Requested, Refused: cfg.Refused,
			Transport: func(next http.RoundTripper) http.RoundTripper {
				pool := next.(*http.Transport).Clone()
				pool.DialContext = w.net.dial
				return pool
			},
		})
	}}, sdk.Options{Person: person, Recall: recall})
	_, err := w.engine.Initialize(w.t.Context(), shared.Config{Settings: []byte(`{}`), StateDir: w.dir})
	return err
}

func (w *week) stop() {
	w.t.Helper()
	w.count()
	require.NoError(w.t, w.engine.Close(context.WithoutCancel(w.t.Context())))
}

// count adds what this process says it has sent, by class.
func (w *week) count() {
	enough := errors.New("enough")
	err := w.engine.WatchHealth(w.t.Context(), func(h *vehiclev1.Health) error {
		for name, n := range h.GetCounters() {
			if class, is := strings.CutPrefix(name, shared.CounterRequests+"."); is {
				w.sent[class] += int(n)
			}
		}
		return enough
	})
	require.ErrorIs(w.t, err, enough)
}

// counted: what the processes have counted is what came to the cloud.
func (w *week) counted() {
	w.t.Helper()
	came, sent := 0, 0
	for _, class := range []cloudsim.Class{cloudsim.Exchange, cloudsim.Renewal, cloudsim.Register, cloudsim.List, cloudsim.Read, cloudsim.History, cloudsim.Wake} {
		came += w.cloud.Attempts(class)
	}
	for _, n := range w.sent {
		sent += n
	}
	assert.Equal(w.t, came, sent, "%v came, %v were counted", w.cloud.State().Calls, w.sent)
}

// refresh gives one command, and checks what it must never do.
func (w *week) refresh(mode shared.Mode, car cloudsim.Car) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), mode.DefaultTimeout())
	defer cancel()
	began, wakes, wrongClock := time.Now(), w.cloud.Attempts(cloudsim.Wake), w.wrongClock()
	var data *vehiclev1.VehicleData
	var err error
	allowed := 1
	if w.lies {
		allowed = 2 // one that was refused, and one with another session
	}
	switch mode {
	case shared.ModeForce:
		data, err = w.engine.RefreshForce(ctx, car.ID)
	case shared.ModeSmart:
		data, err = w.engine.RefreshSmart(ctx, car.ID, 3*time.Hour)
	case shared.ModeCached:
		data, err = w.engine.RefreshCached(ctx, car.ID)
		allowed = 0
	}
	w.commands++
	what := fmt.Sprintf("%s of %s at %s", mode, car.Name, began.Sub(w.begin))
	assert.LessOrEqual(w.t, w.cloud.Attempts(cloudsim.Wake)-wakes, allowed, "wakes for a %s", what)
	assert.LessOrEqual(w.t, time.Since(began), mode.DefaultTimeout(), what)
	if err != nil {
		w.failures[shared.AsAPIError(err).Reason]++
		return
	}
	verdict := data.GetRefresh().GetVerdict()
	w.answers[string(mode)+" "+shared.Word(verdict)]++
	at := time.UnixMilli(data.GetRefresh().GetObservedAt())
	assert.False(w.t, at.After(time.Now()), "%s is from the future: %s", what, at)
	assert.False(w.t, at.Before(w.seen[car.ID]), "%s is older than what was published before", what)
	w.seen[car.ID] = at
	if data.GetDrive().Odometer == nil && w.lies && w.km[car.ID] == 0 {
		return // not even the first report had one
	}
	require.NotNil(w.t, data.GetDrive().Odometer, what)
	// The car's time has full seconds, its odometer one digit.
	km, least := data.GetDrive().GetOdometer(), w.odometerAt(car, at)-0.1
	most := least + 0.2
	if w.lies {
		most = w.odometerAt(car, time.Now()) + 0.1
	}
	if data.GetRefresh().GetHeldBackValues() > 0 { // the report may have had no odometer
		least = w.km[car.ID]
	}
	assert.True(w.t, km >= least && km <= most, "%s says %v km for %s, which is not within %v and %v", what, km, at, least, most)
	w.km[car.ID] = km
	w.nothingLost(car, data, what)
	if wrongClock || w.wrongClock() {
		return // a new report proves itself by a later time, whatever the car's clock says
	}
	if mode == shared.ModeForce && verdict == vehiclev1.Verdict_VERDICT_FRESH {
		assert.False(w.t, at.Before(began.Truncate(time.Second)), "%s is fresh and from %s", what, at)
	}
	if mode == shared.ModeSmart && verdict == vehiclev1.Verdict_VERDICT_FRESH {
		assert.LessOrEqual(w.t, time.Since(at), 3*time.Hour+time.Minute, what)
	}
}

// wrongClock says whether reports have an old time now.
func (w *week) wrongClock() bool {
	return slices.ContainsFunc(w.cloud.Playing(), func(p cloudsim.Playing) bool { return p.Fault == cloudsim.OldTime })
}

// nothingLost: what a car has for ever is known for ever, and no placeholder takes the
// place of a value.
func (w *week) nothingLost(car cloudsim.Car, data *vehiclev1.VehicleData, what string) {
	w.t.Helper()
	switch first, seen := w.whole[car.ID]; {
	case w.whole == nil:
		return
	case !seen:
		w.whole[car.ID] = data
	default:
		assert.Subset(w.t, attributesOf(data), attributesOf(first), "%s has lost something", what)
	}
	if data.Battery != nil && data.Battery.Soc != nil {
		assert.GreaterOrEqual(w.t, data.GetBattery().GetSoc(), 20.0, what)
	}
	if data.Charging != nil && data.Charging.LimitAc != nil {
		assert.InDelta(w.t, car.ChargeLimitAC, data.GetCharging().GetLimitAc(), 0, what)
	}
	if l := data.GetLocation(); l != nil && l.Latitude != nil {
		assert.InDelta(w.t, car.Latitude, l.GetLatitude(), 0.06, what)
		assert.InDelta(w.t, car.Longitude, l.GetLongitude(), 0.06, what)
	}
	if r := data.GetRange(); r != nil && r.Electric != nil {
		assert.Positive(w.t, r.GetElectric(), what)
	}
}

// until lets the service work as people set it up: a cached read of each car
// every half hour, a smart one every two hours, a forced one four times a day,
// and a restart each night.
func (w *week) until(end time.Duration) {
	w.t.Helper()
	cars := account(profile.Kia).Cars
	for ; w.tick < end; w.tick += 30 * time.Minute {
		now := w.tick
		time.Sleep(time.Until(w.begin.Add(now)))
		for _, car := range cars {
			switch {
			case now%(6*time.Hour) == 2*time.Hour:
				w.refresh(shared.ModeForce, car)
			case now%(2*time.Hour) == time.Hour:
				w.refresh(shared.ModeSmart, car)
			default:
				w.refresh(shared.ModeCached, car)
			}
		}
		if now%(24*time.Hour) == 3*time.Hour+30*time.Minute {
			w.stop()
			require.NoError(w.t, w.start(false), "whatever stands in the way of its commands")
		}
	}
}

func newWeek(t *testing.T, limits sdk.Limits, o cloudsim.Options) *week {
	t.Helper()
	// The bubble's time begins in the year 2000, before there were such cars.
	time.Sleep(time.Until(time.Date(2026, 10, 21, 22, 0, 0, 0, time.UTC))) // midnight in Berlin, and winter time comes on the 25th
	a := account(profile.Kia)
	for i := range a.Cars {
		a.Cars[i] = commuter(a.Cars[i])
		a.Cars[i].CapacityKWh = max(a.Cars[i].CapacityKWh, 40) // its battery is never empty
	}
	o.Accounts, o.ForceDelay, o.Latency = []cloudsim.Account{a}, 25*time.Second, 300*time.Millisecond
	cloud, err := cloudsim.New(o)
	require.NoError(t, err)
	w := &week{
		t: t, cloud: cloud, net: newPipes(), dir: t.TempDir(), begin: time.Now(), limits: limits,
		seen: map[string]time.Time{}, km: map[string]float64{}, answers: map[string]int{}, failures: map[shared.Reason]int{}, sent: map[string]int{},
	}
	server := &http.Server{Handler: cloud}
	go func() { _ = server.Serve(w.net) }()
	t.Cleanup(func() {
		assert.NoError(t, cloud.Close(t.Context()))
		assert.NoError(t, server.Close())
	})
	require.NoError(t, w.start(false))
	return w
}

// TestAWeekWithFaults: no wake that was not asked for, no login beyond the
// rules, and nothing published that is older than it says.
func TestAWeekWithFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		blue, red := account(profile.Kia).Cars[0], account(profile.Kia).Cars[1]
		// The timetable is more than an account should be asked for.
		w := newWeek(t, sdk.Limits{CallsPerDay: 500}, cloudsim.Options{})
		assert.Equal(t, 1, w.cloud.Attempts(cloudsim.Login))

		// Thursday: tokens end early, the cloud stumbles, the device is lost.
		w.play(
			cloudsim.Step{Fault: cloudsim.ExpireTokens, Wait: 4 * time.Hour},
			cloudsim.Step{Fault: cloudsim.Status, Status: 503, RetryAfter: 30 * time.Second, On: reads, Times: 3},
			cloudsim.Step{Fault: cloudsim.DropDevices, Wait: 6 * time.Hour},
		)
		was := w.cloud.State().Calls
		w.until(day)
		// Each of the three asks for half a minute of rest, so the other car is not read either.
		assert.Equal(t, map[shared.Reason]int{shared.ReasonVendorUnavailable: 6}, w.fails())
		assert.Equal(t, 1, w.since(was, cloudsim.Register), "once for the lost device")
		assert.Equal(t, 1, w.since(was, cloudsim.Renewal), "tokens live a day, and these ended early")
		assert.Zero(t, w.since(was, cloudsim.Login))

		// Friday: both cars sleep.
		w.play(cloudsim.Step{Fault: cloudsim.Silent, Car: blue.ID, For: day})
		w.play(cloudsim.Step{Fault: cloudsim.Silent, Car: red.ID, For: day})
		asleep := map[string]int{blue.ID: w.cloud.Wakes(blue.ID), red.ID: w.cloud.Wakes(red.ID)}
		w.until(2 * day)
		for car, wakes := range asleep {
			assert.LessOrEqual(t, w.cloud.Wakes(car)-wakes, 9, "three wakes, then each pause is twice as long")
			assert.GreaterOrEqual(t, w.cloud.Wakes(car)-wakes, 3)
		}
		assert.Equal(t, []shared.Reason{shared.ReasonVehicleUnreachable}, w.reasons())

		// Saturday: an outage, and every session is revoked.
		w.play(
			cloudsim.Step{Fault: cloudsim.Down, Wait: 2 * time.Hour, For: 3 * time.Hour},
			cloudsim.Step{Fault: cloudsim.RevokeSessions, Wait: 6 * time.Hour},
		)
		was = w.cloud.State().Calls
		w.until(3 * day)
		assert.Equal(t, 1, w.since(was, cloudsim.Login), "one for the revoked session, none for the outage")
		saturday := w.fails()
		assert.Subset(t, []shared.Reason{
			shared.ReasonVendorUnavailable, shared.ReasonCircuitOpen, shared.ReasonVehicleUnreachable,
		}, slices.Collect(maps.Keys(saturday)))
		assert.GreaterOrEqual(t, saturday[shared.ReasonVendorUnavailable], 6, "three hours of it")

		// Sunday: one car's 12 V battery is low, the other's subscription has ended.
		low := w.play(cloudsim.Step{Fault: cloudsim.Refusal, Code: "4007", On: cloudsim.ClassList{cloudsim.Wake}, Car: blue.ID, For: day})
		ended := w.play(cloudsim.Step{Fault: cloudsim.Refusal, Code: "5921", Car: red.ID, For: day})
		w.until(4 * day)
		assert.LessOrEqual(t, w.met(low), 1+3, "once, and once more after each time that it was driven or charged")
		assert.Equal(t, 1, w.met(ended), "once a day")
		assert.Equal(t, []shared.Reason{shared.ReasonGuardRefused, shared.ReasonVehicleUnreachable}, w.reasons())

		// Monday: the quota is spent at eight.
		w.play(cloudsim.Step{Fault: cloudsim.Quota, Calls: 1, Wait: 8 * time.Hour, For: 16 * time.Hour})
		w.until(4*day + 8*time.Hour + 30*time.Minute)
		was = w.cloud.State().Calls
		w.until(5 * day)
		for class := range was {
			assert.Zero(t, w.since(was, class), "the account is closed for the day, also for a %s", class)
		}
		assert.Contains(t, w.reasons(), shared.ReasonRateLimited)

		// Tuesday: answers that are none, and then the firewall.
		var steps []cloudsim.Step
		for _, fault := range []cloudsim.Fault{
			cloudsim.Garbage, cloudsim.Empty, cloudsim.Page, cloudsim.Truncate, cloudsim.Reset, cloudsim.Huge, cloudsim.Hang, cloudsim.Drip,
		} {
			steps = append(steps, cloudsim.Step{Fault: fault, On: reads, Wait: time.Hour})
		}
		broken := w.play(append(steps, cloudsim.Step{Fault: cloudsim.Blocked, Wait: time.Hour, For: 4 * time.Hour})...)
		was = w.cloud.State().Calls
		w.until(6 * day)
		assert.Equal(t, len(steps)+1, w.met(broken), "each once: the firewall is left alone for four hours")
		assert.Zero(t, w.since(was, cloudsim.Login))
		tuesday := w.fails()
		assert.Positive(t, tuesday[shared.ReasonVendorBlocked])
		assert.GreaterOrEqual(t, tuesday[shared.ReasonInvalidResponse], 3, "garbage, nothing, a page, too much; one may meet the parking position")
		assert.Positive(t, tuesday[shared.ReasonVendorTimeout]+tuesday[shared.ReasonDeadlineExceeded], "what never came")

		// Wednesday: a login is needed, and the vendor wants to see a person.
		w.play(cloudsim.Step{Fault: cloudsim.RevokeSessions, Wait: 5 * time.Hour}, cloudsim.Step{Fault: cloudsim.Captcha})
		was = w.cloud.State().Calls
		w.until(7*day + 4*time.Hour) // over a restart
		assert.Equal(t, 1, w.since(was, cloudsim.Login), "one attempt, then it waits for a person")
		assert.Equal(t, []shared.Reason{shared.ReasonCaptchaRequired}, w.reasons())
		w.stop()
		require.NoError(t, w.start(true))
		w.fails()
		w.until(7*day + 8*time.Hour)
		assert.Equal(t, 2, w.since(was, cloudsim.Login), "the person's")
		assert.Empty(t, w.fails())
		w.stop()
		w.counted()
		t.Logf("%v of published time in %v commands; calls that came and were taken: %v; answers: %v",
			time.Since(w.begin), w.commands, w.cloud.State().Calls, w.answers)
	})
}

// TestTheQuotaIsNeverMet: whatever people set up, with the limits as they are the
// vendor's quota of some 200 requests a day is never met, not even by a service
// that is killed again and again, and no car is woken more than its battery
// bears.
func TestTheQuotaIsNeverMet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWeek(t, sdk.Limits{}, cloudsim.Options{Quota: 200})
		blue := account(profile.Kia).Cars[0]
		for range 3 * 24 * 6 {
			w.refresh(shared.ModeCached, blue)
			w.refresh(shared.ModeForce, blue)
			if time.Since(w.begin)%time.Hour < 10*time.Minute {
				w.stop()
				require.NoError(t, w.start(false))
			}
			time.Sleep(10 * time.Minute)
		}
		assert.Subset(t, []shared.Reason{shared.ReasonBudgetSpent, shared.ReasonGuardRefused}, w.reasons())
		assert.LessOrEqual(t, w.cloud.Wakes(blue.ID), 4*20, "on four dates of the calendar")
		assert.GreaterOrEqual(t, w.cloud.Wakes(blue.ID), 3*10)
		w.stop()
	})
}

// reads are the calls that only look.
var reads = cloudsim.ClassList{cloudsim.Read}

// play starts a script and returns its number.
func (w *week) play(script ...cloudsim.Step) int {
	w.t.Helper()
	id, err := w.cloud.Play(cloudsim.Script{Steps: script})
	require.NoError(w.t, err)
	return id
}

// met is how many calls a script has met.
func (w *week) met(id int) int {
	for _, p := range w.cloud.Playing() {
		if p.ID == id {
			return p.Met
		}
	}
	return 0
}

// since is how many calls of a class came since a state.
func (w *week) since(was map[cloudsim.Class]cloudsim.CallCount, class cloudsim.Class) int {
	return w.cloud.Attempts(class) - was[class].Attempts
}

// fails returns the failures since the last time, by reason.
func (w *week) fails() map[shared.Reason]int {
	all := w.failures
	w.failures = map[shared.Reason]int{}
	return all
}

// reasons are those of the failures since the last time.
func (w *week) reasons() []shared.Reason { return slices.Sorted(maps.Keys(w.fails())) }

// attributesOf are the attributes that a car has for ever once it has told them, as far
// as data has them.
func attributesOf(data *vehiclev1.VehicleData) (paths []string) {
	lasting := []string{"charging.limit_ac", "charging.limit_dc", "drive.odometer", "location.latitude", "location.longitude"}
	for a := range shared.Values(data) {
		if slices.Contains(lasting, a.Path) {
			paths = append(paths, a.Path)
		}
	}
	return paths
}
