package host

import (
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
	runtime string // sockets and temporary files, gone after Stop
	record  string // what the host keeps about it; "" for nothing
	// user that the plugin runs as; nil for the hub's own. alone: nobody else is
	// that user.
	user  *launch.User
	alone bool
}

// run makes the runtime directory of the n-th process.
func (d directories) run(n int) (string, error) {
	dir, err := privateDir(d.runtime, strconv.Itoa(n))
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
}

// newHouse makes the directories, and removes those that dead hosts have left.
func newHouse(stateDir, runtimeDir string) (h house, err error) {
	h.open, h.keeps, h.users = launch.CanSwitch(), stateDir != "", map[int]bool{}
	base := h.runtimeBase(runtimeDir)
	sweep(base)
	if h.runtime, err = os.MkdirTemp(base, runtimePrefix); err != nil {
		return h, fmt.Errorf("host: runtime directory: %w", err)
	}
	if h.lock, err = lockDir(h.runtime); err == nil {
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
func (h house) plugin(n int, spec PluginSpec) (d directories, err error) {
	if d.state, err = ownDir(h.state, spec.Name); err != nil {
		return d, err
	}
	if d.runtime, err = privateDir(h.runtime, strconv.Itoa(n)); err != nil {
		return d, err
	}
	if h.keeps {
		d.record = filepath.Join(h.state, recordDir, spec.Name+".json")
	}
	if d.user = h.user(spec, d.state); d.user == nil {
		return d, nil
	}
	if d.alone = spec.User == nil; d.alone {
		d.user.KillStrays() // of a host that was killed
	}
	for _, dir := range []string{d.state, d.runtime} {
		if err := d.user.Own(dir); err != nil {
			return d, err
		}
	}
	return d, nil
}

// user of a plugin; nil for the hub's own. Each plugin has another one, so that
// they cannot look into each other, and it follows from the state directory, so
// that two hosts on a machine do not share one.
func (h house) user(spec PluginSpec, stateDir string) *launch.User {
	switch {
	case spec.SameUser || spec.Reattach != "" || !h.open:
		return nil
	case spec.User != nil:
		return &launch.User{UID: spec.User.UID, GID: spec.User.GID}
	}
	derived := launch.UserOf(stateDir)
	for h.users[derived.UID] {
		derived = derived.Next()
	}
	h.users[derived.UID] = true
	return &derived
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
	for _, lock := range []*os.File{h.lock, h.stateLock} {
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
		if !ours(e) || beingMade(dir, e) {
			continue
		}
		if lock, err := lockDir(dir); err == nil {
			_ = remove(dir) // what cannot be removed is somebody else's trouble
			_ = lock.Close()
		}
	}
}

// beingMade: another host may be between making the directory and locking it.
func beingMade(dir string, e fs.DirEntry) bool {
	if _, err := os.Stat(filepath.Join(dir, lockFile)); err == nil {
		return false
	}
	info, err := e.Info()
	return err != nil || time.Since(info.ModTime()) < time.Minute
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
