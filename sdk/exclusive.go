package sdk

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// lockRetry is how often a lock of another process is tried for.
const lockRetry = 200 * time.Millisecond

// exclusive waits until no other process that uses the store is in what name stands for,
// and keeps them out until release is called; the end of the process does that, too. A
// file system that has no locks keeps nobody out.
func (s *Store) exclusive(ctx context.Context, name string) (release func(), err error) {
	if s.dir == "" {
		return func() {}, nil
	}
	lock := flock.New(filepath.Join(s.dir, name+".lock"), flock.SetPermissions(0o600))
	switch _, err := lock.TryLockContext(ctx, lockRetry); {
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
