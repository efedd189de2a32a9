package sdk

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

const (
	// loginLock is held for a renewal or a login, and tried for every loginRetry.
	loginLock  = "login"
	loginRetry = 200 * time.Millisecond
	// booksLock is held for moments, while what is on disk is read and changed. Who does
	// not get it within booksWait goes on all the same: a process may have been stopped
	// with it.
	booksLock = "books"
	booksWait = 10 * time.Second
)

// aloneInLogin waits until no other process that uses the store renews the session or
// logs in, and keeps them out until release is called; the end of the process does that,
// too. A file system that has no locks keeps nobody out.
func (s *Store) aloneInLogin(ctx context.Context) (release func(), err error) {
	if s.dir == "" {
		return func() {}, nil
	}
	lock := flock.New(filepath.Join(s.dir, loginLock+".lock"), flock.SetPermissions(0o600))
	switch _, err := lock.TryLockContext(ctx, loginRetry); {
	case err == nil:
		return func() { _ = lock.Close() }, nil
	case errors.Is(err, context.DeadlineExceeded):
		busy := shared.Errorf(shared.ReasonVendorUnavailable, "Another process of this account is logging in, and does not end. Nothing to do but wait.")
		busy.Source = shared.SourcePlugin
		return nil, busy.Wrap(err)
	case errors.Is(err, context.Canceled):
		return nil, err
	default:
		Logger(ctx).Warn("this file system has no locks, so that two processes may log in at once", "error", err)
		return func() {}, nil
	}
}

// alone is the same for the moments in which documents are read and changed.
func (s *Store) alone() (release func()) {
	if s.dir == "" {
		return func() {}
	}
	timer := time.NewTimer(booksWait)
	defer timer.Stop()
	select {
	case s.books <- struct{}{}:
	case <-timer.C:
		return func() {}
	}
	lock := flock.New(filepath.Join(s.dir, booksLock+".lock"), flock.SetPermissions(0o600))
	release = func() {
		_ = lock.Close()
		<-s.books
	}
	if free, err := lock.TryLock(); free || err != nil { // a file system without locks keeps nobody out
		return release
	}

	got := make(chan struct{})
	go func() {
		defer close(got)
		_ = lock.Lock() // as above
	}()
	select {
	case <-got:
		return release
	case <-timer.C:
		go func() { // when the other process goes on, or ends
			<-got
			release()
		}()
		return func() {}
	}
}
