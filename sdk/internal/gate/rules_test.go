package gate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// TestRules: each is a function of what is known and the time, without a gate.
func TestRules(t *testing.T) {
	t.Parallel()
	now := noon(t).t
	p := policy(t)
	p.Quiet = []Quiet{{From: 11 * time.Hour, To: 13 * time.Hour}}
	ago := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() }
	today := day{Day: "2026-07-01"}
	midnight := time.Date(2026, 7, 2, 0, 5, 0, 0, berlin(t))
	refused := []closed{
		{Scope: ScopeWakes, Vehicle: "a", Until: ago(-time.Hour), Reason: shared.ReasonGuardRefused},
		{Scope: ScopeVehicle, Vehicle: "b", Until: ago(-2 * time.Hour)},
		{Scope: ScopeAccount, Until: ago(time.Hour)},
	}
	falling := []level{{"2026-06-29", 80}, {"2026-06-30", 72}, {"2026-07-01", 64}}
	login := Request{Class: Login}
	with := func(r Request, change func(*Request)) Request {
		change(&r)
		return r
	}
	again := func(r *Request) { r.Again = true }

	type says struct {
		what  string
		state state
		r     Request
		no    bool
		until time.Time // zero: nobody knows
	}
	all := map[Rule][]says{
		VendorRefused: {
			{"nothing", state{}, wake, false, time.Time{}},
			{"wakes of the car", state{closed: refused}, wake, true, now.Add(time.Hour)},
			{"not its reads", state{closed: refused}, read, false, time.Time{}},
			{"all of a car", state{closed: refused}, Request{Class: Read, Vehicle: "b"}, true, now.Add(2 * time.Hour)},
			{"not of another one", state{closed: refused}, Request{Class: Wake, Vehicle: "c"}, false, time.Time{}},
			{"what is over", state{closed: refused}, list, false, time.Time{}},
			{"a person tries", state{closed: []closed{{Scope: ScopeAccount, Until: ago(-time.Hour)}}}, with(login, func(r *Request) { r.Person = true }), false, time.Time{}},
			{"nobody does", state{closed: []closed{{Scope: ScopeAccount, Until: ago(-time.Hour)}}}, login, true, now.Add(time.Hour)},
		},
		CircuitOpen: {
			{"closed", state{}, list, false, time.Time{}},
			{"open", state{openUntil: now.Add(time.Minute)}, list, true, now.Add(time.Minute)},
			{"may try", state{openUntil: now}, read, false, time.Time{}},
		},
		QuietHours: {
			{"a wake", state{}, wake, true, now.Add(time.Hour)},
			{"a read", state{}, read, false, time.Time{}},
			{"a login", state{}, login, false, time.Time{}},
			{"where it is another time", state{}, with(wake, func(r *Request) { r.Zone = time.UTC }), false, time.Time{}},
			{"once more", state{}, with(wake, again), true, now.Add(time.Hour)},
		},
		AuxBattery: {
			{"well", state{}, wake, false, time.Time{}},
			{"low", state{car: carState{Low: true}}, wake, true, time.Time{}},
			{"a read", state{car: carState{Low: true}}, read, false, time.Time{}},
			{"plugged in", state{car: carState{Low: true, Powered: true, Heard: ago(5 * time.Hour)}}, wake, false, time.Time{}},
			{"plugged in long ago", state{car: carState{Low: true, Powered: true, Heard: ago(6 * time.Hour)}}, wake, true, time.Time{}},
		},
		AuxTrend: {
			{"unknown", state{}, wake, false, time.Time{}},
			{"falls", state{car: carState{Levels: falling}}, wake, true, time.Date(2026, 7, 4, 0, 0, 0, 0, time.UTC)},
			{"a read", state{car: carState{Levels: falling}}, read, false, time.Time{}},
			{"too short", state{car: carState{Levels: falling[1:]}}, wake, false, time.Time{}},
			{"plugged in", state{car: carState{Levels: falling, Powered: true, Heard: ago(time.Hour)}}, wake, false, time.Time{}},
		},
		WakeInterval: {
			{"never woken", state{}, wake, false, time.Time{}},
			{"just woken", state{car: carState{LastWake: ago(4 * time.Minute)}}, wake, true, now.Add(6 * time.Minute)},
			{"woken before", state{car: carState{LastWake: ago(10 * time.Minute)}}, wake, false, time.Time{}},
			{"a read", state{car: carState{LastWake: ago(0)}}, read, false, time.Time{}},
			{"once more", state{car: carState{LastWake: ago(0)}}, with(wake, again), false, time.Time{}},
		},
		WakesPerDay: {
			{"one is left", state{car: carState{day: today, Wakes: 3}}, wake, false, time.Time{}},
			{"none is left", state{car: carState{day: today, Wakes: 4}}, wake, true, midnight},
			{"a read", state{car: carState{day: today, Wakes: 4}}, read, false, time.Time{}},
			{"once more", state{car: carState{day: today, Wakes: 4}}, with(wake, again), false, time.Time{}},
		},
		LoginsPerDay: {
			{"one is left", state{day: today, logins: 2}, login, false, time.Time{}},
			{"none is left", state{day: today, logins: 3}, login, true, midnight},
			{"a list", state{day: today, logins: 3}, list, false, time.Time{}},
		},
		CallsPerDay: {
			{"one is left", state{day: today, spent: 98, held: 1}, read, false, time.Time{}},
			{"none is left", state{day: today, spent: 98, held: 2}, read, true, midnight},
			{"for a login neither", state{day: today, spent: 100}, login, true, midnight},
			{"for people", state{day: today, spent: 80}, with(read, func(r *Request) { r.Background = true }), true, midnight},
			{"once more", state{day: today, spent: 100}, with(read, again), false, time.Time{}},
		},
	}
	for _, rule := range rules() {
		assert.NotEmpty(t, all[rule.name], rule.name)
		for _, tc := range all[rule.name] {
			tc.state.policy = &p
			got := rule.ask(&tc.state, tc.r, now)
			if assert.Equal(t, tc.no, got != nil, "%s: %s", rule.name, tc.what) && tc.no {
				assert.True(t, tc.until.Equal(got.until), "%s: %s: until %s", rule.name, tc.what, got.until)
			}
		}
	}
}

// TestTheFirstNoIsTheAnswer, and its time is that of the last one.
func TestTheFirstNoIsTheAnswer(t *testing.T) {
	t.Parallel()
	now := noon(t).t
	p := policy(t)
	p.Quiet = []Quiet{{From: 13 * time.Hour, To: 15 * time.Hour}}
	s := state{
		policy: &p, openUntil: now.Add(time.Minute), day: day{Day: "2026-07-01"},
		car: carState{day: day{Day: "2026-07-01"}, Wakes: 1, LastWake: now.Add(90 * time.Minute).UnixMilli()},
	}
	d := s.decide(now, read, wake)
	assert.Equal(t, CircuitOpen, d.Rule)
	assert.True(t, d.Until.Equal(now.Add(3*time.Hour)), "%s", d.Until)
	assert.Equal(t, 9, d.Price)
	assert.Equal(t, 100, d.Left)

	s.spent = 100
	assert.Equal(t, time.Date(2026, 7, 2, 0, 5, 0, 0, berlin(t)), s.decide(now, read, wake).Until.In(berlin(t)))
	s.car.Low = true
	assert.True(t, s.decide(now, wake).Until.Equal(now.Add(time.Minute)), "of the battery nobody knows the end")
}
