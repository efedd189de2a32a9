package workspace

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
)

// Plugin is who needs directories.
type Plugin struct {
	Name string
	// User that is chosen for it; nil: one of its own if the host can switch users.
	User *launch.User
	// SameUser keeps it the host's.
	SameUser bool
}

// Dirs of one plugin.
type Dirs struct {
	// State is kept between starts, and is the plugin's HOME.
	State string
	// Runtime is above sockets and temporary files.
	Runtime string
	// Record is the file of what the host keeps about it; "" for nothing.
	Record string
	// User that the plugin runs as; nil for the host's own. OwnUser: nothing else
	// runs as that user.
	User    *launch.User
	OwnUser bool
}

// Plugin makes the directories of the n-th plugin. What a former host's process of
// the plugin has left running is killed.
func (w *Workspace) Plugin(n int, p Plugin) (d Dirs, err error) {
	if d.State, err = ownDir(w.state, p.Name); err != nil {
		return d, err
	}
	if d.Runtime, err = privateDir(w.runtime, strconv.Itoa(n)); err != nil {
		return d, err
	}
	if w.persistent {
		d.Record = filepath.Join(w.state, recordDir, p.Name+".json")
	}

	if d.User, err = w.user(p, d.State); d.User == nil {
		return d, err
	}
	if d.OwnUser = p.User == nil; d.OwnUser {
		d.User.KillStrays() // of a host that was killed
	}

	// The directory above the sockets stays the host's: where a plugin can put a
	// link, the host must not give anything away.
	if err := w.letPass(d.Runtime); err != nil {
		return d, err
	}
	return d, d.User.Own(d.State)
}

// Run makes the temporary directory of the n-th process. Nothing may be there
// yet: what is given to the plugin's user has to be new.
func (d Dirs) Run(n int) (string, error) {
	dir := filepath.Join(d.Runtime, strconv.Itoa(n))
	err := os.Mkdir(dir, 0o700)
	if err == nil && d.User != nil {
		err = d.User.Own(dir)
	}
	return dir, err
}

// CheckAccess returns an error if the plugin's user cannot get to its state.
func (d Dirs) CheckAccess() error {
	if d.User == nil {
		return nil
	}
	return reachable(d.State, *d.User)
}

// Remove removes a directory, also if what made it has tried to keep that from
// happening.
func Remove(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, _ error) error {
		if e != nil && e.IsDir() {
			_ = os.Chmod(path, 0o700) //nolint:gosec // a directory needs its x
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// privateDir makes a directory that only this user can enter.
func privateDir(elem ...string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(elem...))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return dir, nil
}

// ownDir is privateDir for one that may have been made by others, with other
// rights.
func ownDir(elem ...string) (string, error) {
	dir, err := privateDir(elem...)
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o700) //nolint:gosec // a directory needs its x
}
