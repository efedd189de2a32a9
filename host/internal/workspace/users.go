package workspace

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
)

// users are the system users that this host's plugins have. Other hosts of the
// machine see each claim as a locked directory.
type users struct {
	// taken by number.
	taken map[int]bool
	// claims are open while this host has the users. They lie where all hosts of
	// the machine look, in the first of claimDirs that will do.
	claims    []*os.File
	claimDirs []string
}

// Reserve keeps users that the operator has chosen from being given to other
// plugins. Call it before Plugin.
func (w *Workspace) Reserve(plugins ...Plugin) {
	for _, p := range plugins {
		if p.User != nil {
			w.users.taken[p.User.UID] = true
		}
	}
}

// user of a plugin; nil for the host's own.
func (w *Workspace) user(p Plugin, stateDir string) (*launch.User, error) {
	switch {
	case p.SameUser || !w.switches:
		return nil, nil
	case p.User != nil:
		chosen := *p.User
		return &chosen, nil
	}

	free, err := w.users.claim(launch.UserOf(stateDir))
	if err != nil {
		return nil, fmt.Errorf("no user is left for plugin %q: name one in its User, or set SameUser: %w", p.Name, err)
	}
	return free, nil
}

// claim takes a user that no plugin on this machine has: plugins cannot look into
// each other, and what is left of a plugin is killed by its user. It begins with
// first, so that the same plugin has the same user again if that is free.
func (u *users) claim(first launch.User) (*launch.User, error) {
	dir, err := u.claimDir()
	if err != nil {
		return nil, err
	}

	for candidate, n := first, 0; n < launch.Users; candidate, n = candidate.Next(), n+1 {
		if u.taken[candidate.UID] {
			continue
		}
		var claim *os.File
		if claim, err = claimUser(dir, candidate); err == nil {
			u.taken[candidate.UID], u.claims = true, append(u.claims, claim)
			return &candidate, nil
		}
	}
	return nil, cmp.Or(err, fs.ErrExist)
}

// claimDir is where hosts tell each other which users they have taken.
func (u *users) claimDir() (dir string, err error) {
	for _, base := range u.claimDirs {
		dir = filepath.Join(base, "vehicle-plugin-users")
		if err = os.Mkdir(dir, 0o700); err == nil || errors.Is(err, fs.ErrExist) {
			var info fs.FileInfo
			if info, err = os.Lstat(dir); err == nil && info.IsDir() && ours(info) {
				return dir, nil
			}
		}
	}
	return "", fmt.Errorf("no place to note the plugins' users, %s is no good: %w", dir, cmp.Or(err, fs.ErrPermission))
}

// claimUser fails if another host has the user.
func claimUser(dir string, u launch.User) (*os.File, error) {
	own, err := privateDir(dir, strconv.Itoa(u.UID))
	if err != nil {
		return nil, err
	}
	return lockDir(own)
}
