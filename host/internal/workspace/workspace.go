package workspace

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
)

// A socket's path may have about a hundred bytes, of which go-plugin takes some
// forty and the directories below this one another twenty.
const maxRuntimePath = 40

// runtimePrefix begins the names of runtime directories.
const runtimePrefix = "vh-"

// recordDir is the host's own corner of the state directory; no plugin can have
// its name.
const recordDir = ".host"

// Workspace is where a host keeps things: a runtime directory that ends with it,
// and the state that stays. Not safe for concurrent use.
type Workspace struct {
	runtime string
	state   string

	// lock and stateLock are held while the directories are in use.
	lock, stateLock *os.File
	// persistent: the state outlives the host.
	persistent bool
	// switches: plugins run as users of their own, which have to pass through the
	// host's directories to theirs.
	switches bool

	users users
}

// New makes the directories, and removes those that dead hosts have left. An empty
// stateDir keeps nothing beyond Close; an empty runtimeDir chooses one.
func New(stateDir, runtimeDir string) (*Workspace, error) {
	w := &Workspace{switches: launch.CanSwitch(), persistent: stateDir != ""}
	base := w.runtimeBase(runtimeDir)
	sweep(base)

	var err error
	if w.runtime, err = os.MkdirTemp(base, runtimePrefix); err != nil {
		return nil, fmt.Errorf("runtime directory: %w", err)
	}
	w.users = users{taken: map[int]bool{}, claimDirs: []string{"/run", "/var/run", base}}

	if err := w.furnish(stateDir); err != nil {
		_ = w.Close()
		return nil, err
	}
	return w, nil
}

// furnish locks the runtime directory and makes the state directory.
func (w *Workspace) furnish(stateDir string) (err error) {
	if w.lock, err = lockNewDir(w.runtime); err != nil {
		return err
	}
	if err = w.letPass(w.runtime); err != nil {
		return err
	}

	if !w.persistent {
		stateDir = filepath.Join(w.runtime, "state")
	}
	if w.state, err = w.makeState(stateDir); err != nil || !w.persistent {
		return err
	}

	// Two hosts with one state directory would log in with one account.
	records, err := ownDir(w.state, recordDir)
	if err != nil {
		return err
	}
	if w.stateLock, err = lockDir(records); err != nil {
		return fmt.Errorf("%s is in use by another hub, or cannot be locked: %w", w.state, err)
	}
	return nil
}

// runtimeBase is where the runtime directory goes: somewhere with a short path
// that every plugin's user can get to.
func (w *Workspace) runtimeBase(chosen string) string {
	for _, dir := range []string{chosen, os.Getenv("XDG_RUNTIME_DIR"), os.TempDir()} {
		if dir == "" || len(dir) > maxRuntimePath {
			continue
		}
		info, err := os.Stat(dir)
		if err != nil || !info.IsDir() {
			continue
		}
		if w.switches && reachable(filepath.Join(dir, "x"), launch.UserOf("")) != nil {
			continue
		}
		return dir
	}
	return "/tmp"
}

// makeState makes a directory of the host's, and those above it that are missing.
func (w *Workspace) makeState(dir string) (string, error) {
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
		if err := w.letPass(made); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// letPass lets the plugins' users pass through a directory, but not list it.
func (w *Workspace) letPass(dir string) error {
	if !w.switches {
		return nil
	}
	return os.Chmod(dir, 0o711) //nolint:gosec // to pass, not to look
}

// Record is the file of something that the host keeps about all plugins; "" for nothing.
func (w *Workspace) Record(name string) string {
	if !w.persistent {
		return ""
	}
	return filepath.Join(w.state, recordDir, "."+name+".json") // no plugin can have such a name
}

// Runtime is the directory that Close removes.
func (w *Workspace) Runtime() string { return w.runtime }

// Close removes the runtime directory and lets other hosts have the rest.
func (w *Workspace) Close() error {
	err := Remove(w.runtime)
	for _, lock := range append([]*os.File{w.lock, w.stateLock}, w.users.claims...) {
		if lock != nil {
			unlock(lock)
		}
	}
	return err
}
