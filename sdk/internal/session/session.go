package session

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// LookInterval is how often a locked session looks whether a person has logged in by
// hand.
const LookInterval = 5 * time.Second

// Vendor makes the calls of a session. They end soon after their context has, and fail
// with errors of package shared or with [ErrExpired].
type Vendor struct {
	Login, List func(context.Context) error
	// Renew without the password, and Restore a session that another process has
	// stored, which says whether there was one. nil: the vendor cannot.
	Renew   func(context.Context) error
	Restore func(context.Context) (another bool, err error)
}

// Docs keep documents, which survive a loss of power.
type Docs interface {
	Get(name string, v any) (bool, error)
	Put(name string, v any) error
	Delete(name string) error
	// Lock keeps other processes from changing documents until unlock is called. It is
	// held for moments.
	Lock() (unlock func())
}

// Options of Start. All are needed but Damaged and Person.
type Options struct {
	Vendor Vendor
	Docs   Docs
	// Account is the fingerprint of the credentials, Build the plugin's version and the
	// settings.
	Account, Build string
	// Damaged: what would name the account's record was lost.
	Damaged bool
	// Person: somebody sits there and asks for a login.
	Person bool

	// Exclusive keeps other processes of the account out of renewals and logins until
	// release is called.
	Exclusive func(ctx context.Context) (release func(), err error)
	// Guard is around each renewal, Admit before each call: it counts the call, or says
	// why it may not go out now.
	Guard func(ctx context.Context, call func() error) error
	Admit func(context.Context, gate.Class) error
	// Locked is called with the refusal that only a person can lift, and Waits with what
	// the vendor said of the next login; both with nil when that is over. They are called
	// with a lock held.
	Locked, Waits func(*shared.APIError)

	// Logger of the call that a context belongs to; of none that of Log.
	Logger func(context.Context) *slog.Logger
	Log    *slog.Logger
	Now    func() time.Time
	// Random is in [0, 1).
	Random func() float64
}

// Session of one account. Safe for concurrent use.
type Session struct {
	o Options

	mu      sync.Mutex
	machine Machine
	// disk is what the record holds there.
	disk Record
	// locked and waits are what was told last.
	locked Lock
	waits  bool
	// looked is when the lock was last looked for on disk.
	looked     time.Time
	generation uint64
	flight     *flight
	closed     bool
	// retired: the record belongs to another account's session by now.
	retired bool
	ctx     context.Context
	cancel  context.CancelFunc
}

// flight is a renewal that is under way.
type flight struct {
	done chan struct{}
	err  error
}

// Start takes up what is on disk; a record of other credentials does not count. It
// makes no call.
func Start(o Options) *Session {
	s := &Session{o: o, machine: New(o.Account, o.Build, o.Person)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.disk = s.machine.OnDisk()

	stored, ok, err := s.stored(docOf(o.Account))
	switch {
	case err != nil, o.Damaged:
		o.Log.Error("the record of the logins is damaged, so the next one waits")
		_ = s.step(Damaged{})
	case ok:
		s.takeOver(stored)
	default:
		s.moveFormer()
	}
	return s
}

// moveFormer takes up the record that an older version has left, where it kept that of
// whatever account there was.
func (s *Session) moveFormer() {
	for _, doc := range []string{"login", "login-next"} {
		if stored, ok, _ := s.stored(doc); ok {
			_ = s.step(Recalled{Record: stored})
			if err := s.o.Docs.Delete(doc); err != nil {
				s.o.Log.Warn("the former record of the logins cannot be removed", "error", err)
			}
			return
		}
	}
}

// Generation of the session that the next call will use, or the refusal that only a
// person can lift.
func (s *Session) Generation() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.machine.Locked() != nil {
		s.lookForLift()
	}
	if refusal := s.machine.Locked(); refusal != nil {
		return 0, refusal
	}
	return s.generation, nil
}

// Stands is what stands in the way of the next call, as far as that is known without
// one: a lock that only a person can lift, or a pause before the next login while there
// is no session; else nil.
func (s *Session) Stands() *shared.APIError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.machine.Stands(s.o.Now())
}

// Accepted notes that a call with the session of this generation succeeded.
func (s *Session) Accepted(generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if generation != s.generation {
		return
	}
	if s.machine.Pending() {
		s.recall()
	}
	_ = s.step(Accepted{})
}

// RefusedAtOnce notes that the session of this generation was refused to the call that
// it was made for.
func (s *Session) RefusedAtOnce(generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if generation == s.generation {
		_ = s.step(RefusedAtOnce{})
	}
}

// Asked says whether a person has asked for a login that was not made yet.
func (s *Session) Asked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.machine.Asked()
}

// LoginIfAsked makes the login that a person has asked for, if there is one.
func (s *Session) LoginIfAsked(ctx context.Context) error {
	s.mu.Lock()
	asked, generation := s.machine.Asked(), s.generation
	s.mu.Unlock()
	if !asked {
		return nil
	}
	return s.Renew(ctx, generation)
}

// Unlock makes a login because a person asks for it, in spite of an earlier refusal, and
// says how it came out. If nothing is refused, there is nothing to do. It returns ctx's
// error when the caller's time is up; the login goes on.
func (s *Session) Unlock(ctx context.Context) error {
	for {
		f, ours, err := s.visit(ctx)
		if f == nil {
			return err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if ours {
			return f.err
		}
	}
}

// visit begins the login that a person asks for, or finds a renewal that has to end
// first; nil: neither.
func (s *Session) visit(ctx context.Context) (f *flight, ours bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.flight != nil:
		return s.flight, false, nil
	case s.machine.Locked() == nil:
		return nil, false, nil
	case s.closed:
		return nil, false, shared.NewError(shared.ReasonDraining)
	}
	_ = s.step(PersonAsks{})
	s.takeOff(ctx)
	return s.flight, true, nil
}

// Renew gets a new session unless somebody already did since generation. It returns
// ctx's error when the caller's time is up; the renewal goes on, for a login that is cut
// off half-way still counts with the vendor.
func (s *Session) Renew(ctx context.Context, generation uint64) error {
	f, err := s.join(ctx, generation)
	if f == nil {
		return err
	}
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join begins a renewal, or finds the one that is under way; nil: there is none to wait
// for.
func (s *Session) join(ctx context.Context, generation uint64) (*flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.generation != generation:
		return nil, nil
	case s.closed:
		return nil, shared.NewError(shared.ReasonDraining)
	case s.flight == nil:
		s.takeOff(ctx)
	}
	return s.flight, nil
}

// takeOff begins a renewal. Called with mu held.
func (s *Session) takeOff(ctx context.Context) {
	s.flight = &flight{done: make(chan struct{})}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Timeout)
	stop := context.AfterFunc(s.ctx, cancel)
	go func(f *flight) {
		defer cancel()
		defer stop()
		s.fly(ctx, f)
	}(s.flight)
}

// fly runs in a goroutine of its own, one at a time.
func (s *Session) fly(ctx context.Context, f *flight) {
	err := errors.New("the renewal ended its goroutine")
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil {
			s.generation++
		}
		_ = s.step(PersonLeft{})
		f.err, s.flight = err, nil
		close(f.done)
	}()
	err = s.o.Guard(ctx, func() error {
		release, err := s.o.Exclusive(ctx)
		if err != nil {
			return err
		}
		defer release()
		return s.open(ctx)
	})
}

// LookAgain ends a lock that a person has lifted meanwhile, or a wait whose time has
// passed, also if nobody calls.
func (s *Session) LookAgain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
	case s.machine.Locked() != nil:
		s.lookForLift()
	default:
		_ = s.step(Looked{})
	}
}

// Retire ends the session without waiting, and leaves the store to others.
func (s *Session) Retire() {
	s.mu.Lock()
	s.closed, s.retired = true, true
	s.mu.Unlock()
	s.cancel()
}

// Close cancels a running renewal and waits until it has ended or ctx ends.
func (s *Session) Close(ctx context.Context) error {
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
