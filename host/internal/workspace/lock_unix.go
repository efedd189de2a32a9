//go:build unix

package workspace

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
)

// lockDir locks a directory for as long as the file is open and this process
// lives; it fails if another one has it.
func lockDir(dir string) (*os.File, error) {
	return lock(filepath.Join(dir, lockFile), 0, stillThere)
}

// lockNewDir is lockDir for a directory that was just made. Its lock file is locked
// before it has its name, so that no other host takes this one for dead meanwhile.
func lockNewDir(dir string) (*os.File, error) {
	return lock(filepath.Join(dir, lockFile+".new"), os.O_EXCL, func(f *os.File) error {
		return os.Rename(f.Name(), filepath.Join(dir, lockFile))
	})
}

// lock opens a file, or makes it, and locks it. It is closed again if it cannot be
// locked or if settle fails.
func lock(path string, flag int, settle func(*os.File) error) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|flag, 0o600)
	if err != nil {
		return nil, err
	}

	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = settle(f)
	}
	if err != nil {
		unlock(f)
		return nil, err
	}
	return f, nil
}

// unlock gives a lock back at once. Closing alone would leave it with a child that is
// being started and has not run its program yet: until then it has our files open.
func unlock(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	_ = f.Close()
}

// stillThere: the file may have been removed between its opening and its locking.
func stillThere(f *os.File) error {
	locked, err := f.Stat()
	if err != nil {
		return err
	}
	now, err := os.Stat(f.Name())
	if err == nil && !os.SameFile(locked, now) {
		err = fs.ErrNotExist
	}
	return err
}

// ours reports whether a file belongs to this process's user.
func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// reachable returns an error if a user cannot get to a directory of its own.
func reachable(dir string, u launch.User) error {
	for at := filepath.Dir(dir); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		need := fs.FileMode(0o001)
		switch {
		case ok && int(st.Uid) == u.UID:
			need = 0o100
		case ok && int(st.Gid) == u.GID:
			need = 0o010
		}
		if info.Mode().Perm()&need == 0 {
			return fmt.Errorf("user %d cannot enter %s", u.UID, at)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}
