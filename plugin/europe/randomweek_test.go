package europe

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// usualWeek is the seed of an ordinary run.
const usualWeek = 1

// weekSeed is what WEEK_SEED says: a number, or random for one that nobody has seen.
func weekSeed(t *testing.T) uint64 {
	t.Helper()
	switch text := os.Getenv("WEEK_SEED"); text {
	case "":
		return usualWeek
	case "random":
		return rand.Uint64N(1_000_000)
	default:
		seed, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "WEEK_SEED")
		return seed
	}
}

// journal of the calls that came.
type journal struct {
	mu    sync.Mutex
	calls []cloudsim.Call
}

func (j *journal) add(c cloudsim.Call) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, c)
}

func (j *journal) of(classes ...cloudsim.Class) (calls []cloudsim.Call) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, call := range j.calls {
		if slices.Contains(classes, call.Class) {
			calls = append(calls, call)
		}
	}
	return calls
}

// TestARandomWeek: whatever goes wrong, and however much of it at once, no car is woken
// and no password sent beyond the rules, nothing old is published as new, and no good
// value is wiped. The seed is printed; WEEK_SEED=N lives that week again, and
// WEEK_SEED=random one that nobody has seen.
func TestARandomWeek(t *testing.T) {
	seed := weekSeed(t)
	t.Logf("WEEK_SEED=%d", seed)
	synctest.Test(t, func(t *testing.T) {
		calls := &journal{}
		w := newWeek(t, sdk.Limits{CallsPerDay: 500}, cloudsim.Options{OnCall: calls.add})
		w.lies, w.whole = true, map[string]*vehiclev1.VehicleData{}
		rng := rand.New(rand.NewPCG(seed, 1))
		var persons []time.Time
		met, failed, human := map[cloudsim.Fault]int{}, map[shared.Reason]int{}, false
		for hour := range 7 * 24 {
			if rng.IntN(2) == 0 {
				w.play(randomStep(rng, account(profile.Kia).Cars))
			}
			w.until(time.Duration(hour+1) * time.Hour)

			for reason, n := range w.fails() {
				failed[reason] += n
				human = human || needsPerson(reason)
			}

			// A person looks in the morning and in the evening, and logs in if that is needed.
			if hour%12 == 8 && human {
				human = false
				persons = append(persons, time.Now())
				w.logsIn()
			}
		}
		w.stop()
		w.counted()

		checkLogins(t, calls, persons)
		checkWakes(t, calls, account(profile.Kia).Cars)
		for _, call := range calls.of(cloudsim.Classes()...) {
			met[call.Fault]++
		}
		delete(met, "")
		if seed == usualWeek {
			assert.Greater(t, len(met), 12, "faults of many kinds met a call: %v", met)
		}
		t.Logf("%d commands; answers: %v; logins: %d, %d by persons; wakes: %d; faults met: %v; failed: %v", w.commands, w.answers,
			len(calls.of(cloudsim.Login)), len(persons), len(calls.of(cloudsim.Wake)), met, failed)
	})
}

// logsIn is what a person does who is needed: what stands in the way at the vendor's
// page is done, and the service goes on.
func (w *week) logsIn() {
	w.t.Helper()
	for _, p := range w.cloud.Playing() {
		if slices.Contains(atSignIn, p.Fault) {
			w.cloud.Stop(p.ID)
		}
	}
	w.stop()
	_ = w.start(true) // may fail: the person comes again
	w.stop()
	require.NoError(w.t, w.start(false))
}

// atSignIn are the faults that only a login meets.
var atSignIn = []cloudsim.Fault{cloudsim.WrongPassword, cloudsim.Locked, cloudsim.Captcha, cloudsim.Consent}

// needsPerson says whether a failure stands until somebody does something.
func needsPerson(r shared.Reason) bool {
	return slices.Contains([]shared.Reason{
		shared.ReasonAuthFailed, shared.ReasonCaptchaRequired, shared.ReasonConsentRequired, shared.ReasonAccountLocked,
		shared.ReasonVendorBlocked, shared.ReasonInvalidResponse, shared.ReasonVendorChanged,
	}, r)
}

// randomStep is any fault, at any calls, of any length that a week bears.
func randomStep(rng *rand.Rand, cars []cloudsim.Car) cloudsim.Step {
	pick := func(of ...string) string { return of[rng.IntN(len(of))] }
	car := cars[rng.IntN(len(cars))].ID
	minutes := time.Duration(1+rng.IntN(150)) * time.Minute
	step := cloudsim.Step{Fault: cloudsim.Faults()[rng.IntN(len(cloudsim.Faults()))], Wait: time.Duration(rng.IntN(60)) * time.Minute}

	switch step.Fault {
	case cloudsim.ExpireTokens, cloudsim.RevokeSessions, cloudsim.DropDevices:
		return step
	case cloudsim.Silent:
		step.Car, step.For = car, minutes
		return step
	case cloudsim.Down:
		step.For = minutes
		return step
	case cloudsim.Quota:
		step.Calls, step.For = 1+rng.IntN(100), minutes
		return step
	case cloudsim.RejectToken, cloudsim.WrongPassword, cloudsim.Locked, cloudsim.Captcha, cloudsim.Consent:
		// A login has to come first.
		return step
	case cloudsim.Refusal:
		step.Code = pick("4002", "4003", "4004", "4005", "4006", "4007", "4010", "4081", "5031", "5091", "5921", "9999")
	case cloudsim.Status:
		step.Status = []int{400, 401, 403, 404, 408, 429, 500, 502, 503, 504}[rng.IntN(10)]
		step.RetryAfter = time.Duration(rng.IntN(3)) * 10 * time.Minute
	case cloudsim.Delay:
		step.Delay = time.Duration(1+rng.IntN(40)) * time.Second
	case cloudsim.OldTime:
		step.Age = minutes * 10
	case cloudsim.Edit:
		step = randomEdit(rng, step)
	}
	if len(step.Path) == 0 && rng.IntN(3) > 0 && !slices.Contains([]cloudsim.Fault{
		cloudsim.OldTime, cloudsim.EmptyState, cloudsim.Placeholders, cloudsim.Unflagged,
	}, step.Fault) {
		step.On = cloudsim.ClassList{[]cloudsim.Class{
			cloudsim.Read, cloudsim.Read, cloudsim.Wake, cloudsim.List, cloudsim.Renewal, cloudsim.Exchange, cloudsim.Register, cloudsim.Login,
			cloudsim.LoginPage, cloudsim.History,
		}[rng.IntN(10)]}
	}
	// What waits for calls that are rare would still wait when a person comes.
	if rare := len(step.On) > 0 && !slices.Contains([]cloudsim.Class{cloudsim.Read, cloudsim.Wake}, step.On[0]); rare || rng.IntN(2) == 0 {
		step.For = minutes
	} else {
		step.Times = 1 + rng.IntN(4)
	}
	if rng.IntN(4) == 0 && len(step.On) > 0 && slices.Contains([]cloudsim.Class{cloudsim.Read, cloudsim.Wake}, step.On[0]) {
		step.Car = car
	}
	return step
}

// randomEdit takes a good value away, or puts one in its place that is none.
func randomEdit(rng *rand.Rand, step cloudsim.Step) cloudsim.Step {
	const ccs1, ccs2 = "resMsg.vehicleStatusInfo.", "resMsg.state.Vehicle."
	edits := []cloudsim.Step{
		{Path: latestCCS2, Set: map[string]any{ccs2 + "Green.BatteryManagement.BatteryRemain.Ratio": 0}},
		{Path: latestCCS2, Set: map[string]any{ccs2 + "Drivetrain.Odometer": 0}},
		{Path: latestCCS2, Remove: []string{ccs2 + "Drivetrain.Odometer", ccs2 + "Location"}},
		{Path: latestCCS2, Remove: []string{ccs2 + "Green"}},
		{Path: latestCCS2, Set: map[string]any{ccs2 + "Location.GeoCoord.Latitude": 0, ccs2 + "Location.GeoCoord.Longitude": 0}},
		{Path: latestCCS2, Set: map[string]any{"resMsg.state.Vehicle": nil}},
		{Path: latestCCS1, Set: map[string]any{ccs1 + "vehicleStatus.evStatus.batteryStatus": 0}},
		{Path: latestCCS1, Set: map[string]any{ccs1 + "odometer.value": 0}},
		{Path: latestCCS1, Remove: []string{ccs1 + "odometer", ccs1 + "vehicleLocation"}},
		{Path: latestCCS1, Remove: []string{ccs1 + "vehicleStatus.evStatus"}},
		{Path: parkPath, Set: map[string]any{"resMsg.coord.lat": 0, "resMsg.coord.lon": 0, "resMsg.gpsDetail.coord.lat": 999}},
	}
	edit := edits[rng.IntN(len(edits))]
	step.Path, step.Set, step.Remove = edit.Path, edit.Set, edit.Remove
	return step
}

// checkLogins: a password goes out for a cause only, never soon after the last time, and
// not again once a person is needed.
func checkLogins(t *testing.T, calls *journal, persons []time.Time) {
	t.Helper()
	perDay := map[string]int{}
	var last *cloudsim.Call
	for _, login := range calls.of(cloudsim.Login) {
		day := login.At.UTC().Format(time.DateOnly)
		perDay[day]++
		byPerson := slices.ContainsFunc(persons, func(at time.Time) bool {
			return !login.At.Before(at) && login.At.Sub(at) < 10*time.Minute && (last == nil || last.At.Before(at))
		})
		if last != nil && !byPerson {
			what := fmt.Sprintf("the login at %s, after that at %s (%s)", login.At, last.At, last.Fault)
			assert.GreaterOrEqual(t, login.At.Sub(last.At), 5*time.Minute, what)
			assert.NotContains(t, []cloudsim.Fault{cloudsim.WrongPassword, cloudsim.Captcha, cloudsim.Consent}, last.Fault, what)
		}
		last = &login
	}
	for day, n := range perDay {
		assert.LessOrEqual(t, n, 10, "logins on %s", day)
	}
}

// checkWakes: each car has its peace between two wakes, and its number a day.
func checkWakes(t *testing.T, calls *journal, cars []cloudsim.Car) {
	t.Helper()
	for _, car := range cars {
		perDay := map[string]int{}
		var last time.Time
		for _, wake := range calls.of(cloudsim.Wake) {
			if wake.Path != wakePathOf(car) || wake.Status >= 400 && wake.Status < 500 {
				continue // another's, or refused
			}
			assert.GreaterOrEqual(t, wake.At.Sub(last), 5*time.Minute-time.Second, "%s is woken at %s and %s", car.Name, last, wake.At)
			last = wake.At
			perDay[wake.At.UTC().Format(time.DateOnly)]++
		}
		for day, n := range perDay {
			assert.LessOrEqual(t, n, 20, "wakes of %s on %s", car.Name, day)
		}
	}
}

func wakePathOf(car cloudsim.Car) string {
	if car.CCS2 {
		return listPath + "/" + car.ID + wakeCCS2
	}
	return listPath + "/" + car.ID + wakeCCS1
}
