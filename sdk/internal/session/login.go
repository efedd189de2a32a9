package session

import (
	"errors"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// remedy is what a person can do about a lock.
const remedy = "Log in once with the vendor's app; then run the plugin's login command, or change the settings."

// paused says why no login is made now, if the last one asks for a pause.
func (m Machine) paused(now time.Time) error {
	left := m.record.left(now)
	if m.person && m.record.WaitReason == "" {
		// Who is at hand may try, but not twice in a moment.
		left = min(left, max(0, time.UnixMilli(m.record.Tried).Add(firstPause).Sub(now)))
	}
	if left == 0 || m.ownUnproven(now) { // that login did succeed, which is worse; see tested
		return nil
	}
	if waits := m.Waits(now); waits != nil {
		return waits
	}
	return tooEarly(left, "The last login did not succeed. The next one waits, to keep the account from being locked.")
}

// tested says whether a login can be the cure, and locks if one was none. A single
// car's calls may be refused although the session is good, and that must cost the
// account neither a login each time nor the lock.
func (m Machine) tested(good bool, now time.Time) (Machine, error) {
	if m.ownUnproven(now) {
		return m.lock(true, shared.Errorf(shared.ReasonAuthFailed,
			"The vendor accepts the login but refuses its session. %s", remedy))
	}
	if left := m.foreignUnprovenLeft(now); left > 0 {
		return m, tooEarly(left, "The session of the last login was never used. The next login waits, to keep the account from being locked.")
	}

	if !good && m.died.IsZero() {
		m.died = now
	}
	last, apart := m.replaced, interval
	switch {
	case good:
		// A vendor may have a session for the list and another one for the cars.
		last, apart = m.loggedIn, goodInterval
	case m.died.Sub(m.loggedIn) >= shortLife:
		apart = 0 // so long is what this vendor's sessions last
	}
	if left := apart - now.Sub(last); !last.IsZero() && left > 0 {
		paced := shared.Errorf(shared.ReasonAuthFailed,
			"The vendor refuses a session that worked a short time ago. The next login waits, to keep the account from being locked.")
		paced.Temporary, paced.RetryAfter = true, left
		return m, paced
	}
	return m, nil
}

// foreignUnprovenLeft is how long a login that another process made may still
// be in use there. A vendor that does not store its tokens has lost its session
// with a process that ended, so the session's end proves nothing here.
func (m Machine) foreignUnprovenLeft(now time.Time) time.Duration {
	age := now.Sub(time.UnixMilli(m.record.Unproven))
	// A clock that was set back must not lock the account out for years.
	if m.record.Unproven == 0 || m.record.Unproven == m.loggedIn.UnixMilli() || age < 0 {
		return 0
	}
	return max(0, unprovenWindow-age)
}

// tooEarly is the refusal of a login. It is ours, not the vendor's.
func tooEarly(left time.Duration, sentence string) *shared.APIError {
	e := shared.Errorf(shared.ReasonVendorUnavailable, "%s", sentence)
	e.Source, e.RetryAfter = shared.SourcePlugin, left
	return e
}

// ended is how a login came out. What may have happened in it is no wake of a car, which
// is what callers would take it for.
func (m Machine) ended(err error, now time.Time) (Machine, error) {
	switch {
	case err == nil:
		m.loggedIn, m.died, m.renewed, m.refused, m.asked, m.aside = now, time.Time{}, false, false, false, Lock{}
		if m.worked {
			m.replaced = now
		}
		m.record.Unproven = now.UnixMilli()
		return m, nil
	case Refused(err):
		refusal := *shared.AsAPIError(err)
		refusal.MayHaveHappened = false
		return m.lock(false, &refusal)
	}
	return m.failed(err, now)
}

// failed is for a login that neither succeeded nor was refused. It may be tried again,
// after a pause that begins now; but with the password at the vendor twice, only if the
// failures were outages.
func (m Machine) failed(err error, now time.Time) (Machine, error) {
	if errors.Is(err, ErrExpired) { // of what the password brought
		expired := shared.NewError(shared.ReasonInvalidResponse).Wrap(err)
		expired.MayHaveHappened = true
		err = expired
	}
	api := *shared.AsAPIError(err)
	locked := api.Reason == shared.ReasonAccountLocked
	if api.MayHaveHappened || locked {
		api.MayHaveHappened = false
		m.record.Sent++
		enough := ""
		switch {
		case m.record.Sent > 1 && !passes(api.Reason):
			enough = "This was the second time in a row"
		case locked && api.RetryAfter == 0:
			enough = "The vendor does not say for how long"
		}
		if enough != "" {
			api.Message += " " + enough + ", so the password is not sent again. " + remedy
			api.Temporary, api.RetryAfter = false, 0
			return m.lock(ours(api.Reason), &api)
		}
		m.pause = max(m.pause, min(longestSentPause, sentPause<<min(m.record.Sent-1, 16)))
	}

	if api.Reason == shared.ReasonVendorBlocked {
		api.RetryAfter = min(longestBlock, api.RetryAfter*time.Duration(max(1, m.record.Attempts)))
	}
	if api.RetryAfter > m.pause {
		// The vendor wants to be left alone for longer, also by the next process.
		m.pause = min(api.RetryAfter, longestWait)
		m.record.WaitReason, m.record.WaitMessage = api.Reason, api.Error()
	}
	api.RetryAfter = m.pause
	m.record.pauses(now, m.pause)
	return m, &api
}

// lock ends all calls until a person has acted. ours: it is our own conclusion.
func (m Machine) lock(ours bool, api *shared.APIError) (Machine, error) {
	m.record.Lock = Lock{Reason: api.Reason, Message: api.Error(), Build: m.build, Ours: ours}
	return m, api
}

// ours says whether a failed login may be the fault of who logs in.
func ours(r shared.Reason) bool {
	return r == shared.ReasonInvalidResponse || r == shared.ReasonInternal
}

// passes says whether a failed login is an outage, which says nothing of the
// password or of how it was sent.
func passes(r shared.Reason) bool {
	switch r {
	case shared.ReasonAccountLocked, shared.ReasonVendorBlocked, shared.ReasonInvalidResponse, shared.ReasonInternal:
		return false
	}
	return true
}

// Refused says whether err is the vendor's verdict on the credentials or the account,
// or an answer to the password that is not understood: trying again cannot change
// either.
func Refused(err error) bool {
	for _, r := range []shared.Reason{
		shared.ReasonAuthFailed, shared.ReasonTokenRejected, shared.ReasonOTPRequired,
		shared.ReasonConsentRequired, shared.ReasonCaptchaRequired, shared.ReasonVendorChanged,
	} {
		if errors.Is(err, r) {
			return true
		}
	}
	return false
}
