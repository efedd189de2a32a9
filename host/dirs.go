package host

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
)

// A socket's path may have about a hundred bytes, of which go-plugin takes some
// forty and the directories below this one another twenty.
const maxRuntimePath = 40

// runtimePrefix begins the names of runtime directories.
const runtimePrefix = "vh-"

// directories of one plugin.
type directories struct {
	state   string // kept between starts, and the plugin's HOME
	runtime string // above sockets and temporary files, gone after Stop
	record  string // what the host keeps about it; "" for nothing
	// user that the plugin runs as; nil for the hub's own. alone: nobody else is
	// that user.
	user  *launch.User
	alone bool
}

// run makes the temporary directory of the n-th process. Nothing may be there
// yet: what is given to the plugin's user has to be new.
func (d directories) run(n int) (string, error) {
	dir := filepath.Join(d.runtime, strconv.Itoa(n))
	err := os.Mkdir(dir, 0o700)
	if err == nil && d.user != nil {
		err = d.user.Own(dir)
	}
	return dir, err
}

// remove removes a directory, also if what made it has tried to keep that from
// happening.
func remove(dir string) error {
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

// house is where a host keeps things: a runtime directory that ends with it, and
// the state that stays.
type house struct {
	runtime string
	state   string
	// lock and stateLock are held while the directories are in use.
	lock, stateLock *os.File
	// keeps: the state outlives the host.
	keeps bool
	// open lets others pass through, but not look: plugins with users of their
	// own have to reach their directories.
	open bool
	// users that are taken, by number.
	users map[int]bool
	// claims keep those users from other hosts, while they are open. They lie where
	// all hosts of the machine look, in the first of claimDirs that will do.
	claims    []*os.File
	claimDirs []string
}

// newHouse makes the directories, and removes those that dead hosts have left.
func newHouse(stateDir, runtimeDir string) (h house, err error) {
	h.open, h.keeps, h.users = launch.CanSwitch(), stateDir != "", map[int]bool{}
	base := h.runtimeBase(runtimeDir)
	sweep(base)
	if h.runtime, err = os.MkdirTemp(base, runtimePrefix); err != nil {
		return h, fmt.Errorf("host: runtime directory: %w", err)
	}
	h.claimDirs = []string{"/run", "/var/run", base}
	if h.lock, err = lockNewDir(h.runtime); err == nil {
		err = h.pass(h.runtime)
	}
	if err == nil {
		h.state = stateDir
		if stateDir == "" {
			h.state = filepath.Join(h.runtime, "state")
		}
		h.state, err = h.make(h.state)
	}
	if err == nil && stateDir != "" {
		err = h.claim()
	}
	if err != nil {
		_ = h.close()
		return h, fmt.Errorf("host: directories: %w", err)
	}
	return h, nil
}

// runtimeBase is where the runtime directory goes: somewhere with a short path
// that every plugin's user can get to.
func (h house) runtimeBase(chosen string) string {
	for _, dir := range []string{chosen, os.Getenv("XDG_RUNTIME_DIR"), os.TempDir()} {
		if dir == "" || len(dir) > maxRuntimePath {
			continue
		}
		info, err := os.Stat(dir)
		if err != nil || !info.IsDir() {
			continue
		}
		if h.open && reachable(filepath.Join(dir, "x"), launch.UserOf("")) != nil {
			continue
		}
		return dir
	}
	return "/tmp"
}

// recordDir is the host's own corner of the state directory; no plugin can have
// its name.
const recordDir = ".host"

// plugin makes the directories of the n-th plugin.
func (h *house) plugin(n int, spec PluginSpec) (d directories, err error) {
	if d.state, err = ownDir(h.state, spec.Name); err != nil {
		return d, err
	}
	if d.runtime, err = privateDir(h.runtime, strconv.Itoa(n)); err != nil {
		return d, err
	}
	if h.keeps {
		d.record = filepath.Join(h.state, recordDir, spec.Name+".json")
	}
	if d.user, err = h.user(spec, d.state); d.user == nil {
		return d, err
	}
	if d.alone = spec.User == nil; d.alone {
		d.user.KillStrays() // of a host that was killed
	}
	// The directory above the sockets stays the host's: where a plugin can put a
	// link, the host must not give anything away.
	if err := h.pass(d.runtime); err != nil {
		return d, err
	}
	return d, d.user.Own(d.state)
}

// user of a plugin; nil for the hub's own. Each plugin on a machine has another
// one: plugins cannot look into each other, and what is left of a plugin is killed
// by its user. The same plugin has the same user again, if that is free.
func (h *house) user(spec PluginSpec, stateDir string) (*launch.User, error) {
	switch {
	case spec.SameUser || spec.Reattach != "" || !h.open:
		return nil, nil
	case spec.User != nil:
		return &launch.User{UID: spec.User.UID, GID: spec.User.GID}, nil
	}
	dir, err := h.usersDir()
	if err != nil {
		return nil, err
	}
	derived := launch.UserOf(stateDir)
	for range launch.Users {
		if !h.users[derived.UID] {
			var claim *os.File
			if claim, err = claimUser(dir, derived); err == nil {
				h.users[derived.UID], h.claims = true, append(h.claims, claim)
				return &derived, nil
			}
		}
		derived = derived.Next()
	}
	return nil, fmt.Errorf("host: no user is left for plugin %q: name one in its User, or set SameUser: %w", spec.Name, err)
}

// usersDir is where hosts tell each other which users they have taken.
func (h *house) usersDir() (dir string, err error) {
	for _, base := range h.claimDirs {
		dir = filepath.Join(base, "vehicle-plugin-users")
		if err = os.Mkdir(dir, 0o700); err == nil || errors.Is(err, fs.ErrExist) {
			var info fs.FileInfo
			if info, err = os.Lstat(dir); err == nil && info.IsDir() && ours(info) {
				return dir, nil
			}
		}
	}
	return "", fmt.Errorf("host: no place to note the plugins' users, %s is no good: %w", dir, cmp.Or(err, fs.ErrPermission))
}

// claimUser fails if another host has the user.
func claimUser(dir string, u launch.User) (*os.File, error) {
	own, err := privateDir(dir, strconv.Itoa(u.UID))
	if err != nil {
		return nil, err
	}
	return lockDir(own)
}

// reserve keeps the users that are chosen from being given to other plugins.
func (h house) reserve(plugins []PluginSpec) {
	for _, spec := range plugins {
		if spec.User != nil {
			h.users[spec.User.UID] = true
		}
	}
}

// make makes a directory of the host's, and those above it that are missing.
func (h house) make(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	var missing []string
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		missing = append(missing, at)
	}
	if _, err := privateDir(dir); err != nil {
		return "", err
	}
	for _, made := range missing {
		if err := h.pass(made); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// claim makes the host's corner of the state directory and keeps other hosts out:
// two of them would log in with one account.
func (h *house) claim() error {
	dir, err := ownDir(h.state, recordDir)
	if err != nil {
		return err
	}
	if h.stateLock, err = lockDir(dir); err != nil {
		return fmt.Errorf("%s is in use by another hub, or cannot be locked: %w", h.state, err)
	}
	return nil
}

func (h house) pass(dir string) error {
	if !h.open {
		return nil
	}
	return os.Chmod(dir, 0o711) //nolint:gosec // to pass, not to look
}

// close removes the runtime directory.
func (h house) close() error {
	err := remove(h.runtime)
	for _, lock := range append([]*os.File{h.lock, h.stateLock}, h.claims...) {
		if lock != nil {
			_ = lock.Close()
		}
	}
	return err
}

// sweep removes the runtime directories of hosts that are dead.
func sweep(base string) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), runtimePrefix) {
			continue
		}
		dir := filepath.Join(base, e.Name())
		info, err := e.Info()
		if err != nil || !ours(info) || beingMade(dir, info) {
			continue
		}
		if lock, err := lockDir(dir); err == nil {
			_ = remove(dir) // what cannot be removed is somebody else's trouble
			_ = lock.Close()
		}
	}
}

// beingMade: another host may be between making the directory and locking it.
func beingMade(dir string, info fs.FileInfo) bool {
	if _, err := os.Stat(filepath.Join(dir, lockFile)); err == nil {
		return false
	}
	return time.Since(info.ModTime()) < time.Minute
}

// lockFile lies in a runtime directory and is locked while it is in use.
const lockFile = ".lock"

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
