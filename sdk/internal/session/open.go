package session

import (
	"context"
	"errors"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// open tries the cheap ways first: a session that another process has stored,
// a renewal without the password, then a login.
func (s *Session) open(ctx context.Context) error {
	refusal, asked, useless := s.begin()
	if refusal != nil {
		return refusal
	}
	if asked {
		return s.login(ctx)
	}
	if s.restore(ctx) {
		return nil
	}
	if s.o.Vendor.Renew != nil && !useless {
		if err := s.o.Admit(ctx, gate.Renewal); err != nil {
			return err
		}
		err := s.o.Vendor.Renew(ctx)
		if err == nil {
			_ = s.locking(Took{Renewed: true})
			s.o.Logger(ctx).Info("session renewed")
			return nil
		}
		if !errors.Is(err, ErrExpired) && !Refused(err) {
			return shared.AsAPIError(err)
		}
		// What was refused may be a token that another process has used up.
		if s.restore(ctx) {
			return nil
		}
		s.o.Logger(ctx).Info("session cannot be renewed, logging in", "error", shared.ErrorChain(err))
	}
	return s.login(ctx)
}

// begin looks at what other processes have noted.
func (s *Session) begin() (refusal *shared.APIError, asked, useless bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recall()
	return s.machine.Locked(), s.machine.Asked(), s.machine.RenewalIsUseless(s.o.Now())
}

// restore takes up a session that another process has stored since.
func (s *Session) restore(ctx context.Context) bool {
	if s.o.Vendor.Restore == nil {
		return false
	}
	another, err := s.o.Vendor.Restore(ctx)
	if err != nil {
		s.o.Logger(ctx).Warn("the stored session cannot be read", "error", shared.ErrorChain(err))
	}
	if err != nil || !another {
		return false
	}
	_ = s.locking(Took{})
	s.o.Logger(ctx).Info("another process has renewed the session")
	return true
}

// login uses the password, if it may.
func (s *Session) login(ctx context.Context) error {
	// Before anything is spent for it.
	if err := s.locking(LoginWanted{}); err != nil {
		return err
	}
	good, err := s.test(ctx)
	if err != nil {
		return err
	}
	if err := s.locking(Tested{Good: good}); err != nil {
		return err
	}
	if err := s.o.Admit(ctx, gate.Login); err != nil {
		return err
	}
	if err := s.loginBegins(); err != nil {
		return err
	}
	err = s.locking(LoginEnded{Err: s.o.Vendor.Login(ctx)})
	switch {
	case err == nil:
		s.o.Logger(ctx).Info("logged in")
	case !Refused(err):
		s.o.Logger(ctx).Warn("login failed", "error", shared.ErrorChain(err), "retry_after", shared.AsAPIError(err).RetryAfter)
	}
	return err
}

// test puts a session of this process to the test with the list of cars.
func (s *Session) test(ctx context.Context) (good bool, err error) {
	s.mu.Lock()
	generation, testable := s.generation, s.machine.Testable()
	s.mu.Unlock()
	if !testable {
		return false, nil
	}
	if err := s.o.Admit(ctx, gate.List); err != nil {
		return false, err
	}
	switch err := s.o.Vendor.List(ctx); {
	case err == nil:
		s.Accepted(generation)
		return true, nil
	case errors.Is(err, ErrExpired), Refused(err):
		return false, nil
	default:
		return false, shared.AsAPIError(err)
	}
}

// loginBegins puts the attempt on disk before it is made.
func (s *Session) loginBegins() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retired {
		return shared.NewError(shared.ReasonDraining)
	}
	_ = s.apply(LoginBegins{})
	defer s.o.Docs.Lock()()
	if err := s.put(); err != nil {
		// Without the clock on disk a crash loop could lock the account.
		return shared.Errorf(shared.ReasonConfigInvalid,
			"The plugin cannot write its state directory, so it does not log in. Check its permissions and free space.").Wrap(err)
	}
	return nil
}

// locking is for what happens while other processes are kept out, see Exclusive: what it
// comes to stands on disk, whatever is there.
func (s *Session) locking(in Input) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.apply(in)
	if s.machine.OnDisk() != s.disk && !s.retired {
		defer s.o.Docs.Lock()()
		s.keep()
	}
	return err
}

// step lets the machine know, and stores what is new unless another process has written
// since: then that stands. Called with mu held.
func (s *Session) step(in Input) error {
	err := s.apply(in)
	if s.machine.OnDisk() == s.disk || s.retired {
		return err
	}
	defer s.o.Docs.Lock()()
	if stored, ok, _ := s.stored(docOf(s.o.Account)); ok && stored != s.disk {
		s.disk = stored
		_ = s.apply(Recalled{Record: stored})
		return err
	}
	s.keep()
	return err
}

// keep is put whose failure is only told.
func (s *Session) keep() {
	if err := s.put(); err != nil {
		s.o.Log.Warn("the lock-out clock cannot be stored", "error", err)
	}
}

// apply lets the machine know, and tells what has changed. Called with mu held.
func (s *Session) apply(in Input) (err error) {
	now := s.o.Now()
	s.machine, err = s.machine.Step(in, now, s.o.Random())
	// What a person has set aside is not over yet.
	if lock := s.machine.OnDisk().Lock; lock != s.locked {
		s.locked = lock
		if err != nil {
			s.o.Log.Error("login needs a human", "reason", string(lock.Reason), "error", shared.ErrorChain(err))
		}
		s.o.Locked(lock.refusal())
	}
	waits := s.machine.Waits(now)
	if said := waits != nil; said != s.waits {
		s.waits = said
		s.o.Waits(waits)
	}
	return err
}

// put stores the record. What cannot be stored is not tried again before it changes.
// Called with mu held, and while other processes are kept from the documents.
func (s *Session) put() error {
	s.disk = s.machine.OnDisk()
	return s.o.Docs.Put(docOf(s.o.Account), s.disk)
}

// stored reads a record of this account.
func (s *Session) stored(doc string) (r Record, ok bool, err error) {
	ok, err = s.o.Docs.Get(doc, &r)
	if err != nil {
		s.o.Log.Warn("the lock-out clock cannot be read", "error", err)
	}
	return r, ok && err == nil && r.Account == s.o.Account, err
}

// recall takes over what another process of the same account has noted: during an
// upgrade two of them share the directory for a while. Called with mu held.
func (s *Session) recall() {
	if s.retired || s.machine.Locked() != nil {
		return
	}
	if stored, ok, _ := s.stored(docOf(s.o.Account)); ok {
		s.takeOver(stored)
	}
}

// takeOver makes the session's what is on disk. Called with mu held.
func (s *Session) takeOver(stored Record) {
	s.disk = stored
	_ = s.step(Recalled{Record: stored})
}

// lookForLift ends the lock if another process has logged in with the same credentials
// and the session works. Called with mu held.
func (s *Session) lookForLift() {
	if s.o.Now().Sub(s.looked).Abs() < LookInterval {
		return
	}
	s.looked = s.o.Now()
	stored, ok, _ := s.stored(docOf(s.o.Account))
	if !ok || !stored.clean() {
		return
	}
	s.takeOver(stored)
	s.o.Log.Info("somebody has logged in by hand, going on")
}
