//go:build unix

package launch

import (
	"io/fs"
	"os"
	"syscall"
)

// CanSwitch says whether this process may start others as another user.
func CanSwitch() bool { return os.Geteuid() == 0 }

// Own gives a directory and everything in it to the user. Links within it are
// not followed, and what has another name elsewhere stays whose it is; the
// directory's own name must be out of the user's reach.
func (u User) Own(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := root.Lstat(path)
		if err != nil {
			return err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && !info.IsDir() && stat.Nlink > 1 {
			return nil
		}
		return root.Lchown(path, u.UID, u.GID)
	})
}

// credential of a process: the user alone, without the host's other groups.
func credential(u *User) *syscall.Credential {
	if u == nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID)}
}
