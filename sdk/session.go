package sdk

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Timing of logins.
const (
	loginTimeout  = 90 * time.Second
	loginPause    = 15 * time.Second
	loginPauseMax = time.Hour
	// A session refused within this time after its login was never accepted; one
	// refused later has simply ended.
	unprovenWindow = 10 * time.Minute
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
	// Account is the fingerprint of the settings that the state belongs to.
	Account string `json:"account"`
	// Attempts counts logins without a success since.
	Attempts int `json:"attempts,omitempty"`
	// NotBefore is the earliest time of the next attempt, Unix milliseconds.
	NotBefore int64 `json:"not_before,omitempty"`
	// Unproven is when a login succeeded whose session no call has proven yet,
	// Unix milliseconds; 0 if there is none.
	Unproven int64 `json:"unproven,omitempty"`
	// Reason and Message of a refusal that only a person can lift.
	Reason  shared.Reason `json:"reason,omitempty"`
	Message string        `json:"message,omitempty"`
}

// session renews the vendor's session: one renewal at a time however many
// callers need it, and never the same password twice for one cause.
type session struct {
	vendor Vendor
	// guard is the breaker: it also counts renewals and logins that fail.
	guard  func(call func() error) error
	store  *Store
	doc    string // where in the store the lock-out clock is kept
	log    *slog.Logger
	now    func() time.Time
	events sessionEvents

	mu         sync.Mutex
	state      loginState
	generation uint64
	// renewed: the present session came from Renew and is not proven yet.
	renewed bool
	flight  *flight
	closed  bool
	// retired: the document belongs to another account's session by now.
	retired bool
	wg      sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
}

type sessionEvents struct {
	login, renewal func()
	// needsHuman is called with the lock-out, or nil when it is lifted.
	needsHuman func(*shared.APIError)
}

type flight struct {
	done chan struct{}
	err  error
}

// newSession reads the lock-out clock. account is the fingerprint of the
// settings; a clock of other settings does not count.
func newSession(s *session, account string) *session {
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, doc := range []string{loginDoc, candidateDoc} {
		var stored loginState
		if ok, err := s.store.Get(doc, &stored); err != nil {
			s.log.Warn("the lock-out clock cannot be read and starts anew", "error", err)
		} else if ok && stored.Account == account {
			s.state = stored
			break
		}
	}
	s.state.Account = account
	if refusal := s.refusal(); refusal != nil {
		s.events.needsHuman(refusal)
	}
	return s
}

// current returns the generation of the session that the next call will use, or
// the refusal that only a person can lift.
func (s *session) current() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if refusal := s.refusal(); refusal != nil {
		return 0, refusal
	}
	return s.generation, nil
}

// proven notes that a call with the session of this generation succeeded.
func (s *session) proven(generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if generation != s.generation {
		return
	}
	s.renewed = false
	if s.state.Unproven != 0 || s.state.Attempts > 0 {
		s.state.Unproven, s.state.Attempts, s.state.NotBefore = 0, 0, 0
		s.save()
	}
}

// renew gets a new session unless somebody already did since generation. It
// returns ctx's error when the caller's time is up; the renewal goes on, for a
// login that is cut off half-way still counts with the vendor.
func (s *session) renew(ctx context.Context, generation uint64) error {
	s.mu.Lock()
	if s.generation != generation {
		s.mu.Unlock()
		return nil
	}
	if s.closed {
		s.mu.Unlock()
		return shared.NewError(shared.ReasonDraining)
	}
	f := s.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		s.flight = f
		s.wg.Add(1)
		flightCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loginTimeout)
		stop := context.AfterFunc(s.ctx, cancel)
		go func() {
			defer s.wg.Done()
			defer cancel()
			defer stop()
			s.fly(flightCtx, f)
		}()
	}
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// adopt is for the session of an account that serves from now on.
func (s *session) adopt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doc == loginDoc {
		return
	}
	s.doc = loginDoc
	s.save()
	if err := s.store.Delete(candidateDoc); err != nil {
		s.log.Warn("the candidate's lock-out clock cannot be removed", "error", err)
	}
}

// retire ends the session without waiting, and leaves the store to others.
func (s *session) retire() {
	s.mu.Lock()
	s.closed, s.retired = true, true
	s.mu.Unlock()
	s.cancel()
}

// close waits for a running renewal after cancelling it.
func (s *session) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
}

// fly runs in a goroutine of its own, one at a time.
func (s *session) fly(ctx context.Context, f *flight) {
	err := errors.New("the renewal ended its goroutine")
	defer func() {
		if p := recover(); p != nil {
			err = panicked(ctx, p)
		}
		s.mu.Lock()
		if err == nil {
			s.generation++
		}
		f.err = err
		s.flight = nil
		s.mu.Unlock()
		close(f.done)
	}()
	err = s.guard(func() error { return s.open(ctx) })
}

// open tries the cheap way first: renew without the password, then log in.
func (s *session) open(ctx context.Context) error {
	s.mu.Lock()
	refusal := s.refusal()
	triedRenew := s.renewed
	unproven := s.state.Unproven != 0 && s.now().Sub(time.UnixMilli(s.state.Unproven)) < unprovenWindow
	s.mu.Unlock()
	if refusal != nil {
		return refusal
	}
	if unproven {
		return s.lock(shared.Errorf(shared.ReasonAuthFailed,
			"The vendor accepts the login but refuses its session. Log in once with the vendor's app, then restart the plugin."))
	}
	if renewer, ok := s.vendor.(Renewer); ok && !triedRenew {
		err := renewer.Renew(ctx)
		if err == nil {
			s.events.renewal()
			s.mu.Lock()
			s.renewed = true
			s.mu.Unlock()
			Logger(ctx).Info("session renewed")
			return nil
		}
		if !errors.Is(err, ErrSessionExpired) && !refusedLogin(err) {
			return shared.AsAPIError(err)
		}
		Logger(ctx).Info("session cannot be renewed, logging in", "error", shared.ErrorChain(err))
	}
	return s.login(ctx)
}

func (s *session) login(ctx context.Context) error {
	if err := s.countAttempt(); err != nil {
		return err
	}
	s.events.login()
	err := s.vendor.Login(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.state.Unproven, s.renewed = s.now().UnixMilli(), false
		s.save()
		Logger(ctx).Info("logged in")
		return nil
	case refusedLogin(err):
		api := shared.AsAPIError(err)
		s.lockLocked(api)
		return api
	case errors.Is(err, ErrSessionExpired):
		err = shared.NewError(shared.ReasonInvalidResponse).Wrap(err)
	}
	api := shared.AsAPIError(err)
	if left := s.pauseLeft(); left > api.RetryAfter {
		api.RetryAfter = left
	} else if api.RetryAfter > 0 {
		// The vendor wants to be left alone for longer, also by the next process.
		s.state.NotBefore = s.now().Add(min(api.RetryAfter, loginPauseMax*4)).UnixMilli()
		s.save()
	}
	Logger(ctx).Warn("login failed", "error", shared.ErrorChain(err), "retry_after", api.RetryAfter)
	return api
}

// countAttempt puts the attempt on disk before it is made, with a growing pause
// behind it.
func (s *session) countAttempt() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := s.pauseLeft(); left > 0 {
		wait := shared.Errorf(shared.ReasonVendorUnavailable,
			"The last login did not succeed. The next one waits, to keep the account from being locked.")
		wait.RetryAfter = left
		return wait
	}
	pause := min(loginPauseMax, loginPause<<min(s.state.Attempts, 16))
	// Up to a quarter more, so that many plugins do not come back together.
	pause += rand.N(pause/4 + 1) //nolint:gosec // spreading load needs no secrecy
	s.state.Attempts++
	s.state.NotBefore = s.now().Add(pause).UnixMilli()
	if s.retired {
		return shared.NewError(shared.ReasonDraining)
	}
	if err := s.store.Put(s.doc, s.state); err != nil {
		// Without the clock on disk a crash loop could lock the account.
		return shared.Errorf(shared.ReasonConfigInvalid,
			"The plugin cannot write its state directory, so it does not log in. Check its permissions and free space.").Wrap(err)
	}
	return nil
}

func (s *session) pauseLeft() time.Duration {
	left := time.UnixMilli(s.state.NotBefore).Sub(s.now())
	// A clock that was set back must not lock the account out for years.
	if s.state.NotBefore == 0 || left <= 0 || left > 5*loginPauseMax {
		return 0
	}
	return left
}

// refusedLogin says whether err is the vendor's verdict on the credentials or
// the account, which trying again cannot change.
func refusedLogin(err error) bool {
	for _, r := range []shared.Reason{
		shared.ReasonAuthFailed, shared.ReasonOTPRequired, shared.ReasonConsentRequired, shared.ReasonCaptchaRequired,
	} {
		if errors.Is(err, r) {
			return true
		}
	}
	return false
}

func (s *session) lock(api *shared.APIError) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lockLocked(api)
	return api
}

func (s *session) lockLocked(api *shared.APIError) {
	s.state.Reason, s.state.Message = api.Reason, api.Error()
	s.save()
	s.log.Error("login needs a human", "reason", string(api.Reason), "error", shared.ErrorChain(api))
	s.events.needsHuman(api)
}

func (s *session) refusal() *shared.APIError {
	if s.state.Reason == "" {
		return nil
	}
	return shared.Errorf(s.state.Reason, "%s", s.state.Message)
}

func (s *session) save() {
	if s.retired {
		return
	}
	if err := s.store.Put(s.doc, s.state); err != nil {
		s.log.Warn("the lock-out clock cannot be stored", "error", err)
	}
}
