//go:build linux

package host_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// chosen is a user that nobody has on this machine.
var chosen = host.User{UID: 54321, GID: 54321}

func asUsers(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root starts processes as others")
	}
}

// below the runtime directory is where every user can get to.
func below(o *host.Options) {
	soon(o)
	o.StateDir = ""
}

// bystander is a process of a user's that has nothing to do with any plugin.
func bystander(t *testing.T, u host.User) int {
	t.Helper()
	cmd := exec.Command("/bin/sleep", "1000")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID)}}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	return cmd.Process.Pid
}

func TestPluginsHaveUsersOfTheirOwn(t *testing.T) {
	t.Parallel()
	asUsers(t)
	c := hostile(t, "c", "good")
	c.User = &chosen
	d := hostile(t, "d", "good")
	d.SameUser = true
	h := start(t, newStage(t), below, hostile(t, "a", "good"), hostile(t, "b", "good"), c, d)
	seen := map[string]bool{}
	for _, name := range []string{"a", "b", "c", "d"} {
		h.reaches(name, host.Ready)
		seen[owner(t, h.status(name).PID)] = true
	}
	assert.Len(t, seen, 4)
	assert.True(t, seen["0"] && seen[strconv.Itoa(chosen.UID)])
	h.logs("it runs as root")
	uid := owner(t, h.status("a").PID)
	h.kill("a")
	h.reaches("a", host.Ready)
	assert.Equal(t, uid, owner(t, h.status("a").PID), "the next process is the same user's")
}

// TestUserThatOthersHave: what belongs to the chosen user may be anybody's, so
// nothing but the plugin is killed.
func TestUserThatOthersHave(t *testing.T) {
	asUsers(t)
	one, two := hostile(t, "one", "good"), hostile(t, "two", "good")
	one.User, two.User = &chosen, &chosen
	h := start(t, newStage(t), func(o *host.Options) {
		below(o)
		o.Random = func() float64 { return 0.99 } // what belongs to the dead one goes before the next one comes
	}, one, two)
	h.reaches("one", host.Ready)
	h.reaches("two", host.Ready)
	other, pid := bystander(t, chosen), h.status("two").PID
	h.kill("one")
	h.eventually("one runs again", func() bool { return h.status("one").Starts == 2 && h.status("one").State == host.Ready })
	assert.False(t, gone(other) || zombie(other), "a process that is no plugin's")
	_, err := read(h, "two")
	require.NoError(t, err)
	assert.Equal(t, pid, h.status("two").PID, "another plugin")
	assert.Zero(t, h.status("two").Crashes)
}

// TestStateDirectoryThatUsersCannotReach says so, and nothing is started.
func TestStateDirectoryThatUsersCannotReach(t *testing.T) {
	asUsers(t)
	s := newStage(t) // private, as temporary directories are
	h := start(t, s, soon, hostile(t, "p", "good"))
	h.eventually("it is told", func() bool { return h.status("p").Reason == "config_invalid" })
	assert.Contains(t, h.status("p").Message, "cannot enter")
	assert.Contains(t, h.status("p").Message, "SameUser")
	assert.Zero(t, h.status("p").Starts)
	require.NoError(t, os.Chmod(string(s), 0o711))
	require.NoError(t, os.Chmod(s.path(".."), 0o711))
	h.reaches("p", host.Ready)
}

// TestUserThatIsRoot is a mistake, such as a field that was left out; everything of
// a plugin's user is killed with the plugin. Nothing is started here.
func TestUserThatIsRoot(t *testing.T) {
	for name, u := range map[string]host.User{"root": {}, "group only": {GID: 100}, "no number": {UID: -1, GID: -1}, "root's group": {UID: 1000}} {
		_, err := host.New(host.Options{Plugins: []host.PluginSpec{{Name: "p", Path: "/bin/true", User: &u}}})
		assert.Error(t, err, name)
	}
}

// TestStraysOfACrashedProcessGo also if the next process comes at once.
func TestStraysOfACrashedProcessGo(t *testing.T) {
	t.Parallel()
	asUsers(t)
	h := start(t, newStage(t), func(o *host.Options) {
		o.StateDir, o.CrashLimit = "", -1
	}, hostile(t, "p", "grandchild-holds-pipes"))
	h.reaches("p", host.Ready)
	uid := owner(t, h.status("p").PID)
	for range size(2, 20) { // each of them made twice
		_, err := read(h, "p")
		require.ErrorIs(t, err, shared.ReasonPluginDown)
	}
	h.reaches("p", host.Ready)
	h.eventually("only the one that serves is left", func() bool { return len(processesOf(t, uid)) == 1 })
}

// processesOf a user that live.
func processesOf(t *testing.T, uid string) (pids []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	require.NoError(t, err)
	for _, e := range entries {
		status, err := os.ReadFile(filepath.Join("/proc", e.Name(), "status"))
		if pid, notOne := strconv.Atoi(e.Name()); notOne == nil && err == nil &&
			strings.Contains(string(status), "\nUid:\t"+uid+"\t") && !strings.Contains(string(status), "State:\tZ") {
			pids = append(pids, pid)
		}
	}
	return pids
}
