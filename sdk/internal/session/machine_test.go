package session

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// step is what happens after some time, and what is said to it.
type step struct {
	after time.Duration
	in    Input
	want  shared.Reason // of the error; empty: none
	retry time.Duration
}

// failure of a login; sent: the password may have reached the vendor.
func failure(r shared.Reason, sent bool, retry time.Duration) error {
	e := shared.NewError(r)
	e.MayHaveHappened, e.RetryAfter = sent, retry
	return e
}

// login is an attempt that comes out like this.
func login(after time.Duration, err error, want shared.Reason, retry time.Duration) []step {
	return []step{{after: after, in: LoginWanted{}}, {in: Tested{}}, {in: LoginBegins{}}, {in: LoginEnded{Err: err}, want: want, retry: retry}}
}

// unlock is what happens while a person is there.
func unlock(after time.Duration, steps []step) []step {
	return then(one(after, PersonAsks{}, "", 0), steps, one(0, PersonLeft{}, "", 0))
}

func then(parts ...[]step) (all []step) {
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

func one(after time.Duration, in Input, want shared.Reason, retry time.Duration) []step {
	return []step{{after, in, want, retry}}
}

func TestLogins(t *testing.T) {
	const (
		auth, down, blocked, locked = shared.ReasonAuthFailed, shared.ReasonVendorUnavailable, shared.ReasonVendorBlocked, shared.ReasonAccountLocked
		invalid, changed            = shared.ReasonInvalidResponse, shared.ReasonVendorChanged
		hour                        = time.Hour
	)
	good := login(0, nil, "", 0)
	used := then(good, one(0, Accepted{}, "", 0))
	other := Record{Account: "me", Lock: Lock{Reason: auth, Message: "no", Build: "1"}}
	for name, tc := range map[string]struct {
		person bool
		steps  []step
		lock   shared.Reason
		// waits: the vendor has named the time of the next login.
		waits time.Duration
	}{
		"a login":                          {steps: good},
		"a refused password is not tried":  {steps: login(0, failure(auth, true, 0), auth, 0), lock: auth},
		"an answer nobody understands":     {steps: login(0, failure(changed, false, 0), changed, 0), lock: changed},
		"an outage is followed by a pause": {steps: then(login(0, failure(down, false, 0), down, 15*time.Second), one(14*time.Second, LoginWanted{}, down, time.Second))},
		"which grows": {steps: then(login(0, failure(down, false, 0), down, 15*time.Second), login(15*time.Second, failure(down, false, 0), down, 30*time.Second),
			login(30*time.Second, failure(down, false, 0), down, time.Minute))},
		"and ends with a session": {steps: then(login(0, failure(down, false, 0), down, 15*time.Second), login(15*time.Second, nil, "", 0), one(0, Accepted{}, "", 0),
			one(hour, LoginWanted{}, "", 0))},
		"longer if the password was sent":           {steps: login(0, failure(down, true, 0), down, 5*time.Minute)},
		"twice sent in an outage":                   {steps: then(login(0, failure(down, true, 0), down, 5*time.Minute), login(hour, failure(down, true, 0), down, 10*time.Minute))},
		"twice sent, and not understood":            {steps: then(login(0, failure(invalid, true, 0), invalid, 5*time.Minute), login(hour, failure(invalid, true, 0), invalid, 0)), lock: invalid},
		"a session that the password brought, gone": {steps: login(0, ErrExpired, invalid, 5*time.Minute)},
		"the vendor names a time":                   {steps: then(login(0, failure(locked, true, 12*hour), locked, 12*hour), one(11*hour, LoginWanted{}, locked, hour)), waits: hour},
		"which passes":                              {steps: then(login(0, failure(locked, true, 12*hour), locked, 12*hour), one(12*hour, LoginWanted{}, "", 0))},
		"but not for ever":                          {steps: login(0, failure(locked, true, 1e6*hour), locked, longestWait), waits: longestWait},
		"a firewall, longer each time":              {steps: then(login(0, failure(blocked, false, hour), blocked, hour), login(hour, failure(blocked, false, hour), blocked, 2*hour)), waits: 2 * hour},
		"a locked account, twice":                   {steps: then(login(0, failure(locked, true, hour), locked, hour), login(hour, failure(locked, true, hour), locked, 0)), lock: locked},

		"a new session that is refused at once":  {steps: then(good, one(0, RefusedAtOnce{}, "", 0), one(hour, LoginWanted{}, "", 0), one(0, Tested{}, auth, 0)), lock: auth},
		"refused within ten minutes":             {steps: then(good, one(9*time.Minute, LoginWanted{}, "", 0), one(0, Tested{}, auth, 0)), lock: auth},
		"refused later it has ended":             {steps: then(good, one(11*time.Minute, LoginWanted{}, "", 0), one(0, Tested{}, "", 0))},
		"one that worked may be replaced":        {steps: then(used, login(time.Minute, nil, "", 0))},
		"but not after a minute each time":       {steps: then(used, login(time.Minute, nil, "", 0), one(0, Accepted{}, "", 0), one(time.Minute, LoginWanted{}, "", 0), one(0, Tested{}, auth, 9*time.Minute))},
		"sessions of five minutes are replaced":  {steps: then(used, login(5*time.Minute, nil, "", 0), one(0, Accepted{}, "", 0), login(5*time.Minute, nil, "", 0), one(0, Accepted{}, "", 0), login(5*time.Minute, nil, "", 0))},
		"a locked account without an end":        {steps: login(0, failure(locked, false, 0), locked, 0), lock: locked},
		"our own conclusion, by another build":   {steps: one(0, Recalled{Record: Record{Account: "me", Lock: Lock{Reason: auth, Message: "?", Build: "0", Ours: true}}}, "", 0)},
		"a damaged record":                       {steps: then(one(0, Damaged{}, "", 0), one(11*hour, LoginWanted{}, down, hour), one(hour, LoginWanted{}, "", 0), one(0, LoginBegins{}, "", 0), one(0, LoginEnded{Err: failure(invalid, true, 0)}, invalid, 0)), lock: invalid},
		"but a person may try":                   {person: true, steps: then(one(0, Damaged{}, "", 0), one(time.Second, LoginWanted{}, down, 14*time.Second), one(14*time.Second, LoginWanted{}, "", 0))},
		"one that serves the list, in an hour":   {steps: then(used, one(20*time.Minute, LoginWanted{}, "", 0), one(0, Tested{Good: true}, auth, 40*time.Minute))},
		"what another process has not used yet":  {steps: then(one(0, Recalled{Record: Record{Account: "me", Unproven: began.UnixMilli()}}, "", 0), one(time.Minute, Tested{}, down, 9*time.Minute))},
		"its clock is ahead of ours":             {steps: then(one(0, Recalled{Record: Record{Account: "me", Unproven: began.Add(hour).UnixMilli()}}, "", 0), one(0, Tested{}, "", 0))},
		"a lock on disk counts":                  {steps: one(0, Recalled{Record: other}, "", 0), lock: auth},
		"not one of other credentials":           {steps: one(0, Recalled{Record: Record{Account: "you", Lock: other.Lock}}, "", 0)},
		"a person tries in spite of it":          {person: true, steps: then(one(0, Recalled{Record: other}, "", 0), good)},
		"somebody has lifted it":                 {steps: then(one(0, Recalled{Record: other}, "", 0), one(hour, Recalled{Record: Record{Account: "me"}}, "", 0))},
		"not who is still at it":                 {steps: then(one(0, Recalled{Record: other}, "", 0), one(hour, Recalled{Record: Record{Account: "me", Attempts: 1}}, "", 0)), lock: auth},
		"another build may understand":           {steps: one(0, Recalled{Record: Record{Account: "me", Lock: Lock{Reason: changed, Message: "?", Build: "0"}}}, "", 0)},
		"the same one does not":                  {steps: one(0, Recalled{Record: Record{Account: "me", Lock: Lock{Reason: changed, Message: "?", Build: "1"}}}, "", 0), lock: changed},
		"a person waits a moment":                {person: true, steps: then(login(0, failure(down, true, 0), down, 5*time.Minute), one(time.Second, LoginWanted{}, down, 14*time.Second), login(14*time.Second, nil, "", 0))},
		"also a person keeps the vendor's time":  {person: true, steps: then(login(0, failure(locked, true, hour), locked, hour), one(time.Minute, LoginWanted{}, locked, 59*time.Minute)), waits: 59 * time.Minute},
		"a clock set back begins the pause anew": {steps: then(login(0, failure(down, false, 0), down, 15*time.Second), one(-hour, LoginWanted{}, down, 15*time.Second), one(15*time.Second, LoginWanted{}, "", 0))},
		"a session that works does not end it":   {steps: then(login(0, failure(locked, true, 12*hour), locked, 12*hour), one(0, Took{}, "", 0), one(0, Accepted{}, "", 0), one(hour, LoginWanted{}, locked, 11*hour)), waits: 11 * hour},
		"also the vendor's":                      {steps: then(login(0, failure(locked, true, hour), locked, hour), one(-24*hour, LoginWanted{}, locked, hour), one(hour, LoginWanted{}, "", 0))},
		"a person unlocks it":                    {steps: then(login(0, failure(auth, true, 0), auth, 0), unlock(hour, login(0, nil, "", 0)))},
		"in vain":                                {steps: then(login(0, failure(auth, true, 0), auth, 0), unlock(hour, login(0, failure(auth, true, 0), auth, 0))), lock: auth},
		"in an outage":                           {steps: then(login(0, failure(auth, true, 0), auth, 0), unlock(hour, login(0, failure(down, false, 0), down, 30*time.Second))), lock: auth},
		"without a login":                        {steps: then(login(0, failure(auth, true, 0), auth, 0), unlock(hour, nil)), lock: auth},
		"not twice in a moment":                  {steps: then(login(0, failure(auth, true, 0), auth, 0), unlock(time.Second, one(0, LoginWanted{}, down, 14*time.Second))), lock: auth},
		"not before the vendor's time":           {steps: then(login(0, failure(locked, true, hour), locked, hour), unlock(time.Minute, one(0, LoginWanted{}, locked, 59*time.Minute))), waits: 59 * time.Minute},
		"a session that was refused at once":     {steps: then(good, one(0, RefusedAtOnce{}, "", 0), one(hour, Tested{}, auth, 0), unlock(hour, login(0, nil, "", 0)))},
		"who was there is gone":                  {steps: then(login(0, failure(auth, true, 0), auth, 0), unlock(hour, login(0, nil, "", 0)), one(0, Accepted{}, "", 0), login(hour, failure(down, true, 0), down, 5*time.Minute), one(time.Minute, LoginWanted{}, down, 4*time.Minute))},
	} {
		t.Run(name, func(t *testing.T) {
			m, now := New("me", "1", tc.person), began
			for i, s := range tc.steps {
				now = now.Add(s.after)
				var err error
				m, err = m.Step(s.in, now, 0)
				if s.want == "" {
					require.NoError(t, err, "step %d, %T", i, s.in)
					continue
				}
				require.ErrorIs(t, err, s.want, "step %d, %T", i, s.in)
				require.Equal(t, s.retry, shared.AsAPIError(err).RetryAfter, "step %d, %T", i, s.in)
				require.False(t, shared.AsAPIError(err).MayHaveHappened, "no car was woken")
			}
			assertReason(t, tc.lock, m.Locked())
			if waits := m.Waits(now); tc.waits > 0 {
				require.NotNil(t, waits)
				assert.Equal(t, tc.waits, waits.RetryAfter)
			} else {
				assert.Nil(t, waits)
			}
		})
	}
}

func assertReason(t *testing.T, want shared.Reason, got *shared.APIError) {
	t.Helper()
	if want == "" {
		assert.Nil(t, got)
		return
	}
	require.NotNil(t, got)
	assert.Equal(t, want, got.Reason)
	assert.False(t, got.Temporary, "only a person can lift it")
}

// What a person sets aside stays on disk until the login has succeeded.
func TestALockThatAPersonSetsAsideStaysOnDisk(t *testing.T) {
	lock := Lock{Reason: shared.ReasonAuthFailed, Message: "no", Build: "1"}
	m, _ := New("me", "1", true).Step(Recalled{Record: Record{Account: "me", Lock: lock}}, began, 0)
	require.Nil(t, m.Locked())
	assert.Equal(t, lock, m.OnDisk().Lock)
	m, _ = m.Step(LoginBegins{}, began, 0)
	m, err := m.Step(LoginEnded{Err: failure(shared.ReasonVendorUnavailable, false, 0)}, began, 0)
	require.Error(t, err)
	assert.Equal(t, lock, m.OnDisk().Lock, "an outage proves nothing")
	require.True(t, m.Asked(), "it was not made")

	m, _ = m.Step(LoginBegins{}, began.Add(time.Minute), 0)
	m, err = m.Step(LoginEnded{}, began.Add(time.Minute), 0)
	require.NoError(t, err)
	assert.Zero(t, m.OnDisk().Lock)
	assert.False(t, m.Asked())
}

// Whatever happens, and however often the process begins anew: a password that was
// refused is not sent again, two are a pause apart, and the vendor's time is kept.
func TestLoginsOfAnyLife(t *testing.T) {
	errs := []error{
		nil, failure(shared.ReasonAuthFailed, true, 0), failure(shared.ReasonVendorUnavailable, false, 0), failure(shared.ReasonVendorUnavailable, true, time.Minute),
		failure(shared.ReasonAccountLocked, true, 6*time.Hour), failure(shared.ReasonVendorBlocked, false, time.Hour), ErrExpired, errors.New("any"),
	}
	rapid.Check(t, func(t *rapid.T) {
		m, now := New("me", "1", false), began
		var sent, until time.Time
		refused := false
		// try is a login, if one may be made; it says whether it succeeded.
		try := func() bool {
			if m.Locked() != nil {
				return false
			}
			var no error
			if m, no = m.Step(LoginWanted{}, now, 0); no != nil {
				require.Positive(t, shared.AsAPIError(no).RetryAfter, "who is refused is told when to come")
				return false
			}
			if m, no = m.Step(Tested{Good: m.Testable() && rapid.Bool().Draw(t, "good")}, now, 0); no != nil {
				return false
			}
			require.False(t, refused, "it was refused")
			require.False(t, now.Before(until), "the vendor has named a time")
			if !sent.IsZero() && m.OnDisk().Attempts > 0 {
				require.GreaterOrEqual(t, now.Sub(sent), firstPause)
			}
			sent = now
			m, _ = m.Step(LoginBegins{}, now, rapid.Float64Range(0, 0.999).Draw(t, "random"))
			err := rapid.SampledFrom(errs).Draw(t, "error")
			m, _ = m.Step(LoginEnded{Err: err}, now, 0)
			refused = Refused(err)
			require.Equal(t, refused, refused && m.Locked() != nil)
			until = time.Time{}
			if waits := m.Waits(now); waits != nil {
				until = now.Add(waits.RetryAfter)
			}
			return err == nil
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "time")))
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0: // a new process
				stored := m.OnDisk()
				m, _ = New("me", "1", false).Step(Recalled{Record: stored}, now, 0)
			case 1:
				m, _ = m.Step(Accepted{}, now, 0)
			case 2:
				m, _ = m.Step(RefusedAtOnce{}, now, 0)
			case 3:
				m, _ = m.Step(Took{Renewed: rapid.Bool().Draw(t, "renewed")}, now, 0)
			case 4: // a person unlocks it
				before := refused
				refused = false
				m, _ = m.Step(PersonAsks{}, now, 0)
				if before {
					require.NotZero(t, m.OnDisk().Lock, "a kill in the middle lifts nothing")
				}
				succeeded := try()
				m, _ = m.Step(PersonLeft{}, now, 0)
				if before && !succeeded {
					refused = true
					require.NotNil(t, m.Locked())
				}
			default:
				try()
			}
		}
	})
}
