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
	// loginLock is held for a renewal or a login, tried for every loginRetry.
	loginLock  = "login"
	loginRetry = 200 * time.Millisecond
	// booksLock is held for moments, while what is on disk is read and changed. Who does
	// not get it within booksWait goes on all the same: a process may have been stopped
	// with it.
	booksLock  = "books"
	booksRetry = 2 * time.Millisecond
	booksWait  = time.Second
)

// lock waits until no other process that uses the store is in what name stands for,
// and keeps them out until release is called; the end of the process does that, too. A
// file system that has no locks keeps nobody out. It fails with ctx's error.
func (s *Store) lock(ctx context.Context, name string, retry time.Duration) (release func(), err error) {
	if s.dir == "" {
		return func() {}, nil
	}
	lock := flock.New(filepath.Join(s.dir, name+".lock"), flock.SetPermissions(0o600))
	switch _, err := lock.TryLockContext(ctx, retry); {
	case err == nil:
		return func() { _ = lock.Close() }, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	default:
		Logger(ctx).Warn("this file system has no locks, so that two processes of an account may disturb each other", "error", err)
		return func() {}, nil
	}
}

// aloneInLogin is the lock for a renewal or a login.
func (s *Store) aloneInLogin(ctx context.Context) (release func(), err error) {
	release, err = s.lock(ctx, loginLock, loginRetry)
	if errors.Is(err, context.DeadlineExceeded) {
		busy := shared.Errorf(shared.ReasonVendorUnavailable, "Another process of this account is logging in, and does not end. Nothing to do but wait.")
		busy.Source = shared.SourcePlugin
		return nil, busy.Wrap(err)
	}
	return release, err
}

// alone is the lock for moments.
func (s *Store) alone() (release func()) {
	ctx, cancel := context.WithTimeout(context.Background(), booksWait)
	defer cancel()
	release, err := s.lock(ctx, booksLock, booksRetry)
	if err != nil {
		return func() {}
	}
	return release
}
