//go:build unix

package workspace

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
)

// publicDir is a short path that every user can get to.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "d")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, Remove(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

// mkdir makes a directory with its mode, whatever the umask is.
func mkdir(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	require.NoError(t, os.Mkdir(path, mode))
	require.NoError(t, os.Chmod(path, mode))
}

func build(t *testing.T, stateDir, runtimeDir string) *Workspace {
	t.Helper()
	h, err := New(stateDir, runtimeDir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Mode().Perm()
}

func uidOf(t *testing.T, path string) int {
	t.Helper()
	var st syscall.Stat_t
	require.NoError(t, syscall.Stat(path, &st))
	return int(st.Uid)
}

// passable is the mode of a directory that plugins of other users pass through.
func passable() fs.FileMode {
	if launch.CanSwitch() {
		return 0o711
	}
	return 0o700
}

func TestSocketPathFits(t *testing.T) {
	base := publicDir(t)
	base = filepath.Join(base, strings.Repeat("x", maxRuntimePath-len(base)-1))
	mkdir(t, base, 0o755)
	require.Len(t, base, maxRuntimePath)
	h := build(t, "", base)
	assert.Equal(t, base, filepath.Dir(h.runtime))
	d, err := h.Plugin(99, Plugin{Name: "p"})
	require.NoError(t, err)
	dir, err := d.Run(99_999)
	require.NoError(t, err)
	// As go-plugin names them, with the longest random number.
	socket := filepath.Join(dir, "plugin-dir4294967295", "plugin4294967295")
	const macOS = 104 // Linux has 108, both with a zero at the end
	assert.Less(t, len(socket), macOS, socket)
}

func TestRuntimeDirectoryGoesSomewhereShortAndPassable(t *testing.T) {
	base := publicDir(t)
	long := filepath.Join(base, strings.Repeat("x", maxRuntimePath))
	mkdir(t, long, 0o755)
	shut := filepath.Join(base, "shut")
	mkdir(t, shut, 0o700)
	xdg := filepath.Join(base, "xdg")
	mkdir(t, xdg, 0o755)
	ifPassed := func(dir string) string { // only who has users of their own cares
		if launch.CanSwitch() {
			return "/tmp"
		}
		return dir
	}
	for name, tc := range map[string]struct{ chosen, xdg, tmp, want string }{
		"chosen":            {base, xdg, base, base},
		"the session's":     {"", xdg, base, xdg},
		"the system's":      {"", "", base, base},
		"too long":          {long, long, long, "/tmp"},
		"too long, another": {long, xdg, base, xdg},
		"not there":         {base + "/nowhere", xdg, base, xdg},
		"others shut out":   {shut, shut, shut, ifPassed(shut)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_RUNTIME_DIR", tc.xdg)
			t.Setenv("TMPDIR", tc.tmp)
			h := build(t, "", tc.chosen)
			assert.Equal(t, tc.want, filepath.Dir(h.runtime))
		})
	}
}

// TestManyHostsStartAtOnce: each looks for what dead ones have left, and none takes
// another one for dead that is just making its directory.
func TestManyHostsStartAtOnce(t *testing.T) {
	base := publicDir(t)
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			h, err := New("", base)
			if assert.NoError(t, err) {
				assert.DirExists(t, h.runtime)
				assert.NoError(t, h.Close())
			}
		})
	}
	all.Wait()
}

func TestDirectoriesArePrivate(t *testing.T) {
	base := publicDir(t)
	state := filepath.Join(base, "state")
	h := build(t, state, base)
	assert.Equal(t, passable(), mode(t, h.runtime))
	assert.Equal(t, passable(), mode(t, state))
	assert.Equal(t, fs.FileMode(0o700), mode(t, filepath.Join(state, ".host")), "no plugin looks into the host's records")
	assert.Equal(t, os.Geteuid(), uidOf(t, filepath.Join(state, ".host")))
	d, err := h.Plugin(0, Plugin{Name: "p"})
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(state, "p"), d.State)
	assert.Equal(t, filepath.Join(state, ".host", "p.json"), d.Record)
	run, err := d.Run(1)
	require.NoError(t, err)
	uid := os.Geteuid()
	if launch.CanSwitch() {
		require.NotNil(t, d.User)
		uid = d.User.UID
		require.NoError(t, reachable(d.State, *d.User))
		require.NoError(t, reachable(run, *d.User))
	} else {
		assert.Nil(t, d.User)
	}
	for _, dir := range []string{d.State, run} {
		assert.Equal(t, fs.FileMode(0o700), mode(t, dir), dir)
		assert.Equal(t, uid, uidOf(t, dir), dir)
	}
	assert.Equal(t, passable(), mode(t, d.Runtime))
	assert.Equal(t, os.Geteuid(), uidOf(t, d.Runtime), "a plugin puts nothing beside what the host gives away")
	require.NoError(t, h.Close())
	require.NoDirExists(t, h.runtime)
	require.DirExists(t, d.State)

	nothing := build(t, "", base)
	d, err = nothing.Plugin(0, Plugin{Name: "p"})
	require.NoError(t, err)
	assert.Empty(t, d.Record, "nothing outlives this host")
	assert.True(t, strings.HasPrefix(d.State, nothing.runtime+"/"))
}

// TestNothingButTheNewIsGivenAway: what a plugin puts in the way of its next
// process, or into its own directory, makes nobody else's files its own.
func TestNothingButTheNewIsGivenAway(t *testing.T) {
	base := publicDir(t)
	h := build(t, filepath.Join(base, "state"), base)
	defer func() { require.NoError(t, h.Close()) }()
	d, err := h.Plugin(0, Plugin{Name: "p"})
	require.NoError(t, err)

	theirs := filepath.Join(base, "theirs")
	mkdir(t, theirs, 0o700)
	secret := filepath.Join(theirs, "secret")
	require.NoError(t, os.WriteFile(secret, nil, 0o600))
	require.NoError(t, os.Symlink(theirs, filepath.Join(d.Runtime, "2")))
	_, err = d.Run(2)
	require.ErrorIs(t, err, fs.ErrExist)

	require.NoError(t, os.Symlink(theirs, filepath.Join(d.State, "link")))
	require.NoError(t, os.Link(secret, filepath.Join(d.State, "hard link")))
	if d.User != nil {
		require.NoError(t, d.User.Own(d.State))
	}
	assert.Equal(t, os.Geteuid(), uidOf(t, theirs))
	assert.Equal(t, os.Geteuid(), uidOf(t, secret))
}

// TestStateDirectoryThatLiesDeep has parents that the host has to make, too.
func TestStateDirectoryThatLiesDeep(t *testing.T) {
	if !launch.CanSwitch() {
		t.Skip("only with users of their own have plugins to pass")
	}
	h := build(t, filepath.Join(publicDir(t), "a", "b", "state"), "")
	d, err := h.Plugin(0, Plugin{Name: "p"})
	require.NoError(t, err)
	require.NoError(t, reachable(d.State, *d.User))
}

// TestStateOfBeforeBecomesPrivate: somebody made it, or an earlier host did.
func TestStateOfBeforeBecomesPrivate(t *testing.T) {
	state := publicDir(t)
	for _, name := range []string{"p", ".host"} {
		require.NoError(t, os.Mkdir(filepath.Join(state, name), 0o700))
		require.NoError(t, os.Chmod(filepath.Join(state, name), 0o777))
	}
	h := build(t, state, "")
	d, err := h.Plugin(0, Plugin{Name: "p"})
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o700), mode(t, d.State))
	assert.Equal(t, fs.FileMode(0o700), mode(t, filepath.Join(state, ".host")))
	assert.Equal(t, fs.FileMode(0o755), mode(t, state), "what the operator has made is his")
}

func TestDirectoriesThatCannotBeMade(t *testing.T) {
	base := publicDir(t)
	file := filepath.Join(base, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := New(filepath.Join(file, "state"), base)
	require.ErrorIs(t, err, syscall.ENOTDIR)
	left, err := filepath.Glob(filepath.Join(base, runtimePrefix+"*"))
	require.NoError(t, err)
	assert.Empty(t, left, "a host that fails to start leaves nothing")
}

func TestRemoveWhatResists(t *testing.T) {
	dir := filepath.Join(publicDir(t), "d")
	deep := filepath.Join(dir, "a", "b", "c")
	require.NoError(t, os.MkdirAll(deep, 0o700))
	outside := filepath.Join(publicDir(t), "outside")
	mkdir(t, outside, 0o500)
	require.NoError(t, os.WriteFile(filepath.Join(deep, "file"), nil, 0))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "link")))
	for at := deep; len(at) >= len(dir); at = filepath.Dir(at) {
		require.NoError(t, os.Chmod(at, 0))
	}
	require.NoError(t, Remove(dir))
	require.NoDirExists(t, dir)
	assert.Equal(t, fs.FileMode(0o500), mode(t, outside), "what a link leads to is let be")
	require.NoError(t, Remove(dir), "gone is as good")
}

// roots is a workspace as root's, which gives each plugin a user of its own. Those with
// the same claims are on one machine.
func roots(claims string) *Workspace {
	return &Workspace{switches: true, users: users{taken: map[int]bool{}, claimDirs: []string{claims}}}
}

func userOf(t *testing.T, h *Workspace, p Plugin, stateDir string) *launch.User {
	t.Helper()
	u, err := h.user(p, stateDir)
	require.NoError(t, err)
	return u
}

func TestUsers(t *testing.T) {
	h := roots(t.TempDir())
	seen := map[launch.User]bool{}
	for n := range launch.Users { // many of them fall on the same number
		u := userOf(t, h, Plugin{Name: "p"}, fmt.Sprintf("/state/%d", n))
		require.NotNil(t, u)
		assert.False(t, seen[*u], "%+v twice", *u)
		seen[*u] = true
	}
	_, err := h.user(Plugin{Name: "one-more"}, "/state/x")
	require.ErrorContains(t, err, `no user is left for plugin "one-more"`)
	first, again := roots(t.TempDir()), roots(t.TempDir())
	assert.Equal(t, userOf(t, first, Plugin{}, "/state/p"), userOf(t, again, Plugin{}, "/state/p"), "owns its files after a restart")
	assert.NotEqual(t, userOf(t, again, Plugin{}, "/state/q"), userOf(t, again, Plugin{}, "/other/q"))

	assert.Nil(t, userOf(t, h, Plugin{SameUser: true}, "/state/x"))
	assert.Equal(t, &launch.User{UID: 7, GID: 8}, userOf(t, h, Plugin{User: &launch.User{UID: 7, GID: 8}}, "/state/x"))
	assert.Nil(t, userOf(t, &Workspace{}, Plugin{User: &launch.User{UID: 7, GID: 8}}, "/state/x"), "only root can")
}

// TestUsersOfTwoHosts: whoever has the user of another host's plugin would see its
// files, and kill it as a stray.
func TestUsersOfTwoHosts(t *testing.T) {
	claims := t.TempDir()
	one, two := roots(claims), roots(claims)
	mine := userOf(t, one, Plugin{}, "/state/p")
	assert.NotEqual(t, mine, userOf(t, two, Plugin{}, "/state/p"))
	require.NoError(t, one.Close())
	assert.Equal(t, mine, userOf(t, roots(claims), Plugin{}, "/state/p"), "free again with the host's end")
}

// TestUsersWithoutAPlaceToNoteThem: a directory that somebody else has put there
// could be taken away again.
func TestUsersWithoutAPlaceToNoteThem(t *testing.T) {
	claims := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(claims, "vehicle-plugin-users"), nil, 0o600))
	_, err := roots(claims).user(Plugin{}, "/state/p")
	require.ErrorContains(t, err, "no place to note the plugins' users")
	h := roots(claims)
	h.users.claimDirs = append(h.users.claimDirs, "/nowhere", t.TempDir())
	assert.NotNil(t, userOf(t, h, Plugin{}, "/state/p"))
}

// TestDerivedUserIsNotAChosenOne: the operator may have chosen a number of the
// range.
func TestDerivedUserIsNotAChosenOne(t *testing.T) {
	derived := launch.UserOf("/state/p")
	h := roots(t.TempDir())
	h.Reserve(Plugin{}, Plugin{User: &derived})
	assert.NotEqual(t, derived.UID, userOf(t, h, Plugin{}, "/state/p").UID)
}

// TestLockIsGivenBackAtOnce: a program that is being started has all files of this
// process open until it runs.
func TestLockIsGivenBackAtOnce(t *testing.T) {
	base, state := publicDir(t), filepath.Join(publicDir(t), "state")
	w, err := New(state, base)
	require.NoError(t, err)
	started, err := syscall.Dup(int(w.stateLock.Fd()))
	require.NoError(t, err)
	defer func() { require.NoError(t, syscall.Close(started)) }()

	require.NoError(t, w.Close())
	build(t, state, base)
}
