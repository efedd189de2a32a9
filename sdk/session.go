package sdk

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// session renews the vendor's session: one renewal at a time however many
// callers need it, and never the same password twice for one cause.
type session struct {
	vendor Vendor
	// guard is the breaker: it also counts renewals and logins that fail.
	guard  func(ctx context.Context, call func() error) error
	store  *Store
	doc    string // where in the store the lock-out clock is kept
	log    *slog.Logger
	now    func() time.Time
	events sessionEvents
	// build is the plugin's version and the settings: another one may understand
	// what this one did not.
	build string
	// person: somebody sits there and has asked for this login, so an earlier
	// refusal does not forbid it. asked: it has not been made yet, and nothing else
	// will do.
	person, asked bool
	strays        *strays
	// admit says whether one of the session's own calls may go out now, and counts
	// it.
	admit func(gate.Class) error

	mu    sync.Mutex
	state loginState
	// aside is the lock in spite of which a person tries.
	aside lockOut
	// waits: it was told that the vendor wants no login for a time.
	waits bool
	// looked is when the lock was last looked for on disk.
	looked     time.Time
	generation uint64
	// renewed: the present session came from Renew and is not proven yet.
	renewed bool
	// worked: some call of this process had a session that was accepted.
	worked bool
	// loggedIn is when this process last logged in, replaced when it last did so
	// although a session had worked.
	loggedIn, replaced time.Time
	// pause that belongs to the last login of this process.
	pause time.Duration
	// refused: the session of that login was refused at once.
	refused bool
	flight  *flight
	closed  bool
	// retired: the document belongs to another account's session by now.
	retired bool
	ctx     context.Context
	cancel  context.CancelFunc
}

type sessionEvents struct {
	// login is called for each login, failed for each of the session's own calls that
	// comes to nothing.
	login, failed func()
	// needsHuman is called with the lock-out, or nil when it is lifted; waits with what
	// the vendor said of the next login, or nil when its time has passed.
	needsHuman, waits func(*shared.APIError)
}

type flight struct {
	done chan struct{}
	err  error
}

// newSession reads the lock-out clock. account is the fingerprint of the
// credentials; a clock of other ones does not count.
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
	s.state.Account, s.asked = account, s.person
	switch {
	case s.person:
		s.setLockAside()
	case s.state.Reason == shared.ReasonVendorChanged && s.state.Build != s.build:
		s.state.lockOut = lockOut{}
	}
	if refusal := s.refusal(); refusal != nil {
		s.events.needsHuman(refusal)
	}
	s.tellWait()
	return s
}

// lookAgain ends a lock that a person has lifted meanwhile, or whose time has passed,
// also if nobody calls.
func (s *session) lookAgain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
	case s.refusal() != nil:
		s.lookForLift()
	default:
		s.tellWait()
	}
}

// current returns the generation of the session that the next call will use, or
// the refusal that only a person can lift.
func (s *session) current() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal() != nil {
		s.lookForLift()
	}
	if refusal := s.refusal(); refusal != nil {
		return 0, refusal
	}
	return s.generation, nil
}

// askedFor makes the login that a person has asked for, if there is one.
func (s *session) askedFor(ctx context.Context) error {
	s.mu.Lock()
	asked, generation := s.asked, s.generation
	s.mu.Unlock()
	if !asked {
		return nil
	}
	return s.renew(ctx, generation)
}

// isAsked says whether a person has asked for a login that was not made yet.
func (s *session) isAsked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// proven notes that a call with the session of this generation succeeded.
func (s *session) proven(generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if generation != s.generation {
		return
	}
	s.renewed, s.refused, s.worked = false, false, true
	if s.state.Unproven != 0 || s.state.Attempts > 0 || s.person {
		s.reload()
		s.state.Unproven, s.state.Attempts, s.state.Sent, s.state.NotBefore = 0, 0, 0, 0
		s.state.WaitReason, s.state.WaitMessage = "", ""
		s.save()
	}
}

// refusedAtOnce notes that the session of this generation was refused to the
// call that it was made for.
func (s *session) refusedAtOnce(generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = generation == s.generation
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
		flightCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loginTimeout)
		stop := context.AfterFunc(s.ctx, cancel)
		go func() {
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

// close cancels a running renewal and waits until it has ended or ctx ends.
func (s *session) close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	f := s.flight
	s.mu.Unlock()
	s.cancel()
	if f == nil {
		return nil
	}
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
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
	err = s.guard(ctx, func() error { return s.open(ctx) })
}

// open tries the cheap ways first: a session that another process has stored,
// a renewal without the password, then a login.
func (s *session) open(ctx context.Context) error {
	s.mu.Lock()
	s.reload()
	refusal := s.refusal()
	useless, asked := s.renewed || s.ownUnproven(), s.asked
	s.mu.Unlock()
	if refusal != nil {
		return refusal
	}
	if asked {
		return s.login(ctx)
	}
	if s.restore(ctx) {
		return nil
	}
	if renewer, ok := s.vendor.(Renewer); ok && !useless {
		if err := s.admit(gate.Renewal); err != nil {
			return err
		}
		err := typed(s.bounded(ctx, renewer.Renew))
		if err == nil {
			s.took(true)
			Logger(ctx).Info("session renewed")
			return nil
		}
		s.events.failed()
		if !errors.Is(err, ErrSessionExpired) && !refusedLogin(err) {
			return shared.AsAPIError(err)
		}
		// What was refused may be a token that another process has used up.
		if s.restore(ctx) {
			return nil
		}
		Logger(ctx).Info("session cannot be renewed, logging in", "error", shared.ErrorChain(err))
	}
	return s.login(ctx)
}

// bounded makes a call of the Vendor that may not end.
func (s *session) bounded(ctx context.Context, do func(context.Context) error) error {
	_, err := bounded(ctx, s.strays, func(ctx context.Context) (struct{}, error) { return struct{}{}, do(ctx) })
	return err
}

// restore takes up a session that another process has stored since.
func (s *session) restore(ctx context.Context) bool {
	restorer, ok := s.vendor.(Restorer)
	if !ok {
		return false
	}
	another, err := restorer.Restore(ctx)
	if err != nil {
		Logger(ctx).Warn("the stored session cannot be read", "error", shared.ErrorChain(err))
	}
	if err != nil || !another {
		return false
	}
	s.took(false)
	Logger(ctx).Info("another process has renewed the session")
	return true
}

// took notes whether the present session is one that Renew gave.
func (s *session) took(renewed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renewed = renewed
}
