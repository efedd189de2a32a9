package session

import (
	"errors"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// ErrExpired is what a vendor's call returns when there is no session or it has ended.
var ErrExpired = errors.New("the vendor's session has expired")

// Timing of logins.
const (
	// Timeout of a renewal as a whole.
	Timeout = 90 * time.Second

	firstPause, longestPause = 15 * time.Second, time.Hour
	// A login after which the password was with the vendor, but that failed all the
	// same, is followed by longer pauses.
	sentPause, longestSentPause = 5 * time.Minute, 12 * time.Hour
	// longestWait that a vendor can ask for: a lock of the account is kept to its end.
	longestWait = 32 * 24 * time.Hour
	// longestBlock is what each further attempt at a firewall adds up to.
	longestBlock = 25 * time.Hour
	// A session refused within this time after its login was never accepted; one
	// refused later has simply ended.
	unprovenWindow = 10 * time.Minute
	// A session that had worked, but not for shortLife, is not replaced by a login more
	// often than this.
	shortLife, interval = 2 * time.Minute, 10 * time.Minute
	// One that still works for the list of cars, less often.
	goodInterval = time.Hour
)

// Machine is what an account's session and logins have come to. Its zero value is not
// useful: begin with New.
type Machine struct {
	record Record
	// aside is the lock in spite of which a person tries. It stays on disk until a login
	// has succeeded: what keeps that one from being made must not let the service try.
	aside Lock
	// build is the plugin's version and the settings: another one may understand what
	// this one did not.
	build string
	// person: somebody sits there and has asked for this login, so an earlier refusal
	// does not forbid it. asked: it has not been made yet, and nothing else will do.
	person, asked bool
	// visits: the person leaves when this login has come out.
	visits bool

	// renewed: the present session came from a renewal and is not proven yet.
	renewed bool
	// worked: some call of this process had a session that was accepted.
	worked bool
	// refused: the session of the last login of this process was refused at once.
	refused bool
	// loggedIn is when this process last logged in, replaced when it last did so
	// although a session had worked. died is when the session of that login was found to
	// have ended.
	loggedIn, replaced, died time.Time
	// pause that belongs to the last login of this process.
	pause time.Duration
}

// New is a session that does not exist yet. account is the fingerprint of the
// credentials, person whether somebody sits there and asks for a login.
func New(account, build string, person bool) Machine {
	return Machine{record: Record{Account: account}, build: build, person: person, asked: person}
}

// Step returns the machine after in. The error says why a login is not made, or how
// one came out. random is in [0, 1).
func (m Machine) Step(in Input, now time.Time, random float64) (Machine, error) {
	m.record.settle(now)
	switch in := in.(type) {
	case Recalled:
		return m.recalled(in.Record, now), nil
	case Damaged:
		return m.damaged(now), nil
	case Took:
		m.renewed = in.Renewed
	case Accepted:
		return m.accepted(), nil
	case RefusedAtOnce:
		m.refused = true
	case PersonAsks:
		return m.personAsks(), nil
	case PersonLeft:
		return m.personLeft(), nil
	case LoginWanted:
		return m, m.paused(now)
	case Tested:
		return m.tested(in.Good, now)
	case LoginBegins:
		return m.begins(now, random), nil
	case LoginEnded:
		return m.ended(in.Err, now)
	}
	return m, nil
}

// recalled takes over what is on disk. A lock ends only there if a person has logged in
// meanwhile.
func (m Machine) recalled(stored Record, now time.Time) Machine {
	if stored.Account != m.record.Account || m.record.Reason != "" && !stored.clean() {
		return m
	}
	m.record = stored
	switch {
	case stored.Reason == "":
	case m.person:
		m.aside, m.record.Lock = stored.Lock, Lock{}
	case !stored.standsFor(m.build):
		m.record.Lock = Lock{}
	}
	m.record.settle(now)
	return m
}

// personAsks sets aside what an earlier login has come to, but for what the vendor said
// of the next one.
func (m Machine) personAsks() Machine {
	m.person, m.asked, m.visits = true, true, true
	if m.record.Reason != "" {
		m.aside, m.record.Lock = m.record.Lock, Lock{}
	}
	if m.record.Unproven == m.loggedIn.UnixMilli() {
		m.record.Unproven, m.refused = 0, false
	}
	return m
}

// personLeft lets a refusal stand again in spite of which no login has succeeded.
func (m Machine) personLeft() Machine {
	if !m.visits {
		return m
	}
	if m.record.Reason == "" {
		m.record.Lock = m.aside
	}
	m.person, m.asked, m.visits, m.aside = false, false, false, Lock{}
	return m
}

// damaged takes it that the password was sent a moment ago, and was not understood.
func (m Machine) damaged(now time.Time) Machine {
	m.record.Attempts, m.record.Sent, m.record.Tried = 1, 1, now.UnixMilli()
	m.record.pauses(now, longestSentPause)
	return m
}

// accepted forgets the logins that failed. What the vendor said of the next one stands: a
// session may work while logins are locked.
func (m Machine) accepted() Machine {
	m.renewed, m.refused, m.worked, m.died = false, false, true, time.Time{}
	m.record.Attempts, m.record.Sent, m.record.Unproven = 0, 0, 0
	if m.record.WaitReason == "" {
		m.record.NotBefore, m.record.Wait = 0, 0
	}
	return m
}

// begins counts the attempt, with a growing pause behind it.
func (m Machine) begins(now time.Time, random float64) Machine {
	m.pause = min(longestPause, firstPause<<min(m.record.Attempts, 16))
	// Up to a quarter more, so that many plugins do not come back together.
	m.pause += time.Duration(random * float64(m.pause/4))
	m.record.Attempts++
	m.record.Tried = now.UnixMilli()
	m.record.WaitReason, m.record.WaitMessage = "", ""
	m.record.pauses(now, m.pause)
	return m
}

// Locked is the refusal that only a person can lift, or nil.
func (m Machine) Locked() *shared.APIError { return m.record.refusal() }

// Waits is what the vendor said of the next login, or nil when its time has passed.
func (m Machine) Waits(now time.Time) *shared.APIError {
	left := m.record.left(now)
	if m.record.WaitReason == "" || left == 0 {
		return nil
	}
	e := shared.Errorf(m.record.WaitReason, "%s", m.record.WaitMessage)
	e.Source, e.Temporary, e.RetryAfter = shared.SourcePlugin, true, left
	return e
}

// Stands is what stands in the way of the next call: the lock, or the pause after logins
// that have failed, since which no call has succeeded.
func (m Machine) Stands(now time.Time) *shared.APIError {
	if refusal := m.Locked(); refusal != nil || m.record.Attempts == 0 {
		return refusal
	}
	return shared.AsAPIError(m.paused(now))
}

// Asked says whether a person has asked for a login that was not made yet.
func (m Machine) Asked() bool { return m.asked }

// Pending says whether the next call that succeeds is news for the disk.
func (m Machine) Pending() bool {
	return m.record.Unproven != 0 || m.record.Attempts > 0 || m.person
}

// Testable says whether the list of cars can tell a session that works from one that
// does not.
func (m Machine) Testable() bool { return m.worked || !m.loggedIn.IsZero() }

// RenewalIsUseless says whether the present session is one that was refused although it
// was new.
func (m Machine) RenewalIsUseless(now time.Time) bool { return m.renewed || m.ownUnproven(now) }

// OnDisk is what other processes are to know.
func (m Machine) OnDisk() Record {
	r := m.record
	if r.Reason == "" {
		r.Lock = m.aside
	}
	return r
}

// ownUnproven says whether the session comes from a login of this process and
// counts as never accepted if it is refused.
func (m Machine) ownUnproven(now time.Time) bool {
	own := m.record.Unproven != 0 && m.record.Unproven == m.loggedIn.UnixMilli()
	return own && (m.refused || now.Sub(m.loggedIn) < unprovenWindow)
}
