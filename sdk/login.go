package sdk

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Timing of logins.
const (
	loginTimeout  = 90 * time.Second
	loginPause    = 15 * time.Second
	loginPauseMax = time.Hour
	// longestWait that a vendor can ask for: a lock of the account is kept to its end.
	longestWait = 32 * 24 * time.Hour
	// longestBlock is what each further attempt at a firewall adds up to.
	longestBlock = 25 * time.Hour
	// A session refused within this time after its login was never accepted; one
	// refused later has simply ended.
	unprovenWindow = 10 * time.Minute
	// A login after which the password was with the vendor, but that failed all the
	// same, is followed by longer pauses.
	sentPause, sentPauseMax = 5 * time.Minute, 12 * time.Hour
	// A session that had worked is not replaced by a login more often than this.
	loginInterval = 10 * time.Minute
	// One that still works for the list of cars, less often.
	goodLoginInterval = time.Hour
)

// Names of the lock-out clock in the store: of the account that serves, and of
// one that is to replace it.
const (
	loginDoc     = "login"
	candidateDoc = "login-next"
)

// loginState is the lock-out clock: it is on disk before a password leaves the
// process, so that neither a crash loop nor a restart tries it again.
type loginState struct {
	// Account is the fingerprint of the credentials that the state belongs to.
	Account string `json:"account"`
	// Attempts counts logins without a success since, Sent those of them with which
	// the password may have reached the vendor.
	Attempts int `json:"attempts,omitempty"`
	Sent     int `json:"sent,omitempty"`
	// Tried is when the last attempt was made, Unix milliseconds.
	Tried int64 `json:"tried,omitempty"`
	// NotBefore is the earliest time of the next attempt, Unix milliseconds, and Wait
	// how long that was when it was set. If the vendor named it, WaitReason and
	// WaitMessage are what it said.
	NotBefore   int64         `json:"not_before,omitempty"`
	Wait        int64         `json:"wait,omitempty"`
	WaitReason  shared.Reason `json:"wait_reason,omitempty"`
	WaitMessage string        `json:"wait_message,omitempty"`
	// Unproven is when a login succeeded whose session no call has proven yet,
	// Unix milliseconds; 0 if there is none.
	Unproven int64 `json:"unproven,omitempty"`
	lockOut
}

// lockOut is a refusal that only a person can lift.
type lockOut struct {
	Reason  shared.Reason `json:"reason,omitempty"`
	Message string        `json:"message,omitempty"`
	// Build that was refused, see [session].
	Build string `json:"build,omitempty"`
}

// login uses the password, if it may.
func (s *session) login(ctx context.Context) error {
	// Before anything is spent for it.
	if err := s.paused(); err != nil {
		return err
	}
	if err := s.mayLogin(ctx); err != nil {
		return err
	}
	if err := s.admit(gate.Login); err != nil {
		return err
	}
	if err := s.countAttempt(); err != nil {
		return err
	}
	s.events.login()
	err := typed(s.bounded(ctx, s.vendor.Login))
	if err != nil {
		s.events.failed()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.loggedIn, s.renewed, s.refused, s.asked, s.aside = s.now(), false, false, false, lockOut{}
		if s.worked {
			s.replaced = s.loggedIn
		}
		s.state.Unproven = s.loggedIn.UnixMilli()
		s.save()
		Logger(ctx).Info("logged in")
		return nil
	case refusedLogin(err):
		api := shared.AsAPIError(err)
		s.lock(api)
		return api
	}
	return s.loginFailed(ctx, err)
}

// loginFailed is for a login that neither succeeded nor was refused. It may be
// tried again, after a pause that begins now; but with the password at the vendor
// twice, only if the failures were outages. Called with mu held.
func (s *session) loginFailed(ctx context.Context, err error) error {
	if errors.Is(err, ErrSessionExpired) { // of what the password brought
		expired := shared.NewError(shared.ReasonInvalidResponse).Wrap(err)
		expired.MayHaveHappened = true
		err = expired
	}
	api := *shared.AsAPIError(err)
	if api.MayHaveHappened {
		// What may have happened is no wake of a car, which is what callers would
		// take it for.
		api.MayHaveHappened = false
		s.state.Sent++
		if s.state.Sent > 1 && !passes(api.Reason) {
			api.Message += " This was the second time in a row, so the password is not sent again. Log in once with the vendor's app; then run the plugin's login command, or change the settings."
			api.Temporary, api.RetryAfter = false, 0
			s.lock(&api)
			return &api
		}
		s.pause = max(s.pause, min(sentPauseMax, sentPause<<min(s.state.Sent-1, 16)))
	}
	if api.Reason == shared.ReasonVendorBlocked {
		api.RetryAfter = min(longestBlock, api.RetryAfter*time.Duration(max(1, s.state.Attempts)))
	}
	if api.RetryAfter > s.pause {
		// The vendor wants to be left alone for longer, also by the next process.
		s.pause = min(api.RetryAfter, longestWait)
		s.state.WaitReason, s.state.WaitMessage = api.Reason, api.Error()
	}
	api.RetryAfter = s.pause
	s.state.pauses(s.now(), s.pause)
	s.save()
	s.tellWait()
	Logger(ctx).Warn("login failed", "error", shared.ErrorChain(err), "retry_after", api.RetryAfter)
	return &api
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

// mayLogin says whether a login can be the cure, and locks if one was none. A
// single car's calls may be refused although the session is good, and that must
// cost the account neither a login each time nor the lock: a session of this
// process is put to the test with the list of cars first.
func (s *session) mayLogin(ctx context.Context) error {
	s.mu.Lock()
	generation, testable := s.generation, s.worked || !s.loggedIn.IsZero()
	s.mu.Unlock()
	good := false
	if testable {
		if err := s.admit(gate.List); err != nil {
			return err
		}
		_, err := bounded(ctx, s.strays, s.vendor.Vehicles)
		if err = typed(err); err != nil && !errors.Is(err, ErrSessionExpired) {
			s.events.failed()
		}
		if err != nil && !errors.Is(err, ErrSessionExpired) && !refusedLogin(err) {
			return shared.AsAPIError(err)
		}
		if good = err == nil; good {
			s.proven(generation)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ownUnproven() {
		refusal := shared.Errorf(shared.ReasonAuthFailed,
			"The vendor accepts the login but refuses its session. Log in once with the vendor's app; then run the plugin's login command, or change the settings.")
		s.lock(refusal)
		return refusal
	}
	if left := s.foreignUnprovenLeft(); left > 0 {
		return wait(left, "The session of the last login was never used. The next login waits, to keep the account from being locked.")
	}
	last, interval := s.replaced, loginInterval
	if good {
		// A vendor may have a session for the list and another one for the cars.
		last, interval = s.loggedIn, goodLoginInterval
	}
	if left := interval - s.now().Sub(last); !last.IsZero() && left > 0 {
		paced := shared.Errorf(shared.ReasonAuthFailed,
			"The vendor refuses a session that worked a short time ago. The next login waits, to keep the account from being locked.")
		paced.Temporary, paced.RetryAfter = true, left
		return paced
	}
	return nil
}

// ownUnproven says whether the session comes from a login of this process and
// counts as never accepted if it is refused.
func (s *session) ownUnproven() bool {
	own := s.state.Unproven != 0 && s.state.Unproven == s.loggedIn.UnixMilli()
	return own && (s.refused || s.now().Sub(s.loggedIn) < unprovenWindow)
}

// foreignUnprovenLeft is how long a login that another process made may still
// be in use there. A vendor that does not store its tokens has lost its session
// with a process that ended, so the session's end proves nothing here.
func (s *session) foreignUnprovenLeft() time.Duration {
	age := s.now().Sub(time.UnixMilli(s.state.Unproven))
	// A clock that was set back must not lock the account out for years.
	if s.state.Unproven == 0 || s.state.Unproven == s.loggedIn.UnixMilli() || age < 0 {
		return 0
	}
	return max(0, unprovenWindow-age)
}

// wait is the refusal of a login that is too early. It is ours, not the vendor's.
func wait(left time.Duration, sentence string) *shared.APIError {
	e := shared.Errorf(shared.ReasonVendorUnavailable, "%s", sentence)
	e.Source, e.RetryAfter = shared.SourcePlugin, left
	return e
}

// paused says why no login is made now, if the last one asks for a pause.
func (s *session) paused() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.pauseLeft()
	if s.person && s.state.WaitReason == "" {
		// Who is at hand may try, but not twice in a moment.
		left = min(left, max(0, time.UnixMilli(s.state.Tried).Add(loginPause).Sub(s.now())))
	}
	switch {
	case left == 0, s.ownUnproven(): // that login did succeed, which is worse; see mayLogin
		return nil
	case s.state.WaitReason == "":
		return wait(left, "The last login did not succeed. The next one waits, to keep the account from being locked.")
	}
	return s.wanted(left)
}

// countAttempt puts the attempt on disk before it is made, with a growing pause
// behind it.
func (s *session) countAttempt() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause = min(loginPauseMax, loginPause<<min(s.state.Attempts, 16))
	// Up to a quarter more, so that many plugins do not come back together.
	s.pause += rand.N(s.pause/4 + 1) //nolint:gosec // spreading load needs no secrecy
	s.state.Attempts++
	s.state.Tried = s.now().UnixMilli()
	s.state.WaitReason, s.state.WaitMessage = "", ""
	s.state.pauses(s.now(), s.pause)
	s.tellWait()
	if s.retired {
		return shared.NewError(shared.ReasonDraining)
	}
	if err := s.store.Put(s.doc, s.onDisk()); err != nil {
		// Without the clock on disk a crash loop could lock the account.
		return shared.Errorf(shared.ReasonConfigInvalid,
			"The plugin cannot write its state directory, so it does not log in. Check its permissions and free space.").Wrap(err)
	}
	return nil
}

// pauses sets the earliest time of the next attempt.
func (l *loginState) pauses(now time.Time, pause time.Duration) {
	l.NotBefore, l.Wait = now.Add(pause).UnixMilli(), pause.Milliseconds()
}

// pauseLeft is what is left of the pause, which begins anew if the clock was set back:
// that neither shortens it nor locks the account out for years. Called with mu held.
func (s *session) pauseLeft() time.Duration {
	left := time.UnixMilli(s.state.NotBefore).Sub(s.now())
	pause := time.Duration(s.state.Wait) * time.Millisecond
	if pause == 0 {
		pause = longestBlock // an older version did not note it, and had no longer one
	}
	switch {
	case s.state.NotBefore == 0 || left <= 0:
		return 0
	case left > pause:
		s.state.pauses(s.now(), pause)
		s.save()
		return pause
	}
	return left
}

// tellWait says whether the vendor wants no login for a time. Called with mu held.
func (s *session) tellWait() {
	left := s.pauseLeft()
	waits := s.state.WaitReason != "" && left > 0
	switch {
	case waits && !s.waits:
		s.events.waits(s.wanted(left))
	case !waits && s.waits:
		s.events.waits(nil)
	}
	s.waits = waits
}

// wanted is what the vendor said of the next login.
func (s *session) wanted(left time.Duration) *shared.APIError {
	e := shared.Errorf(s.state.WaitReason, "%s", s.state.WaitMessage)
	e.Source, e.Temporary, e.RetryAfter = shared.SourcePlugin, true, left
	return e
}

// refusedLogin says whether err is the vendor's verdict on the credentials or
// the account, or an answer to the password that is not understood: trying again
// cannot change either.
func refusedLogin(err error) bool {
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

// lock ends all calls until a person has acted.
func (s *session) lock(api *shared.APIError) {
	s.state.lockOut = lockOut{api.Reason, api.Error(), s.build}
	s.save()
	s.log.Error("login needs a human", "reason", string(api.Reason), "error", shared.ErrorChain(api))
	s.events.needsHuman(api)
}

func (s *session) refusal() *shared.APIError {
	if s.state.Reason == "" {
		return nil
	}
	e := shared.Errorf(s.state.Reason, "%s", s.state.Message)
	e.Temporary = false // whatever the reason usually is
	return e
}

// liftInterval is how often a locked session looks whether a person has logged in
// by hand.
const liftInterval = 5 * time.Second

// lookForLift ends the lock if another process has logged in with the same
// credentials and the session works.
func (s *session) lookForLift() {
	if s.now().Sub(s.looked).Abs() < liftInterval {
		return
	}
	s.looked = s.now()
	var stored loginState
	if ok, err := s.store.Get(s.doc, &stored); err != nil || !ok || stored.Account != s.state.Account {
		return
	}
	if stored.Reason == "" && stored.Attempts == 0 && stored.Unproven == 0 {
		s.state = stored
		s.log.Info("somebody has logged in by hand, going on")
		s.events.needsHuman(nil)
	}
}

// reload takes over what another process of the same account has noted: during
// an upgrade two of them share the directory for a while.
func (s *session) reload() {
	if s.retired || s.state.Reason != "" {
		return
	}
	var stored loginState
	if ok, err := s.store.Get(s.doc, &stored); err != nil || !ok || stored.Account != s.state.Account {
		return
	}
	s.state = stored
	if s.person {
		s.setLockAside()
	}
	s.tellWait()
	if refusal := s.refusal(); refusal != nil {
		s.events.needsHuman(refusal)
	}
}

// setLockAside lets a person try in spite of a lock. It stays on disk until a login has
// succeeded: what keeps that one from being made must not let the service try.
func (s *session) setLockAside() {
	if s.state.Reason != "" {
		s.aside, s.state.lockOut = s.state.lockOut, lockOut{}
	}
}

// onDisk is what other processes are to know.
func (s *session) onDisk() loginState {
	state := s.state
	if state.Reason == "" {
		state.lockOut = s.aside
	}
	return state
}

func (s *session) save() {
	if s.retired {
		return
	}
	if err := s.store.Put(s.doc, s.onDisk()); err != nil {
		s.log.Warn("the lock-out clock cannot be stored", "error", err)
	}
}
