package launch

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func needsRoot(t *testing.T) {
	t.Helper()
	if !CanSwitch() {
		t.Skip("only root starts processes as others")
	}
}

// status of a process, by key.
func status(pid int) map[string]string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil
	}
	all := map[string]string{}
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, ":")
		all[key] = strings.TrimSpace(value)
	}
	return all
}

func dead(pid int) bool {
	st := status(pid)
	return st == nil || strings.HasPrefix(st["State"], "Z")
}

func TestProcessOfAnotherUser(t *testing.T) {
	needsRoot(t)
	u := UserOf(t.Name())
	p := sleeper(t, Spec{User: &u, Limits: Limits{Processes: 10}})
	st := status(p.PID())
	id := strconv.Itoa(u.UID)
	four := strings.Join([]string{id, id, id, id}, "\t") // real, effective, saved, of files
	assert.Equal(t, four, st["Uid"])
	assert.Equal(t, four, st["Gid"])
	assert.Empty(t, st["Groups"], "none of the host's")
	for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapAmb"} {
		assert.Equal(t, strings.Repeat("0", 16), st[set], set)
	}
	require.NoError(t, p.CheckLimits())
}

// TestSignalOfTheParentsDeathIsKept although the process has changed its user and
// its program since the kernel was told to kill it.
func TestSignalOfTheParentsDeathIsKept(t *testing.T) {
	var u *User
	if CanSwitch() {
		own := UserOf(t.Name())
		u = &own
	}
	c := newImages(t)
	i := load(t, c, "/bin/sh")
	defer c.Release(i)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _ = r.Close() }()
	cmd := Spec{Image: i, Args: []string{"-c", "echo ready; exec sleep 1000"}, User: u, Limits: Limits{Files: 99}, Env: []string{"PATH=/bin:/usr/bin"}}.command()
	cmd.Stdout = w
	started, ready := make(chan error), make(chan struct{})
	onThreadThatEnds(func() {
		started <- cmd.Start()
		<-ready
	})
	require.NoError(t, <-started)
	require.NoError(t, w.Close())
	_, err = r.Read(make([]byte, 8))
	require.NoError(t, err)
	close(ready)
	require.ErrorContains(t, cmd.Wait(), "killed")
}

// onThreadThatEnds runs f beside the caller, on a thread that ends with it. The
// process's first thread does not: while f's goroutine would sit on that one, it
// is kept busy and another goroutine gets another thread.
func onThreadThatEnds(f func()) {
	go func() {
		runtime.LockOSThread() // and not unlocked: the thread ends with this goroutine
		if syscall.Gettid() != os.Getpid() {
			f()
			return
		}
		defer runtime.UnlockOSThread()

		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread()
			f()
		}()
		<-done
	}()
}

// outlaw starts a program as a user, in a session of its own, where no process
// group reaches it.
func outlaw(t *testing.T, u User) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/bin/sleep", "1000")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: credential(&u)}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	return cmd
}

func TestKillStrays(t *testing.T) {
	needsRoot(t)
	u := UserOf(t.Name())
	other := u.Next()
	c := newImages(t)
	i := load(t, c, "/bin/sh")
	defer c.Release(i)
	_, says := launched(t, Spec{Image: i, User: &u, Dir: "/", Env: []string{"PATH=/bin:/usr/bin"}, Args: []string{"-c", `
		setsid sleep 1000 >/dev/null 2>&1 & echo $! >&2
		setsid sh -c 'trap "" TERM INT HUP; while :; do sleep 1000; done' >/dev/null 2>&1 &
		exit 0`}})
	stray, err := strconv.Atoi(strings.TrimSpace(says()))
	require.NoError(t, err)
	neighbour, mine := outlaw(t, other), outlaw(t, u)

	u.KillStrays()
	assert.True(t, dead(mine.Process.Pid))
	assert.True(t, dead(stray))
	assert.False(t, dead(neighbour.Process.Pid), "another user's process is not concerned")
	entries, err := os.ReadDir("/proc")
	require.NoError(t, err)
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			uid, alive := owner(pid)
			assert.False(t, alive && uid == u.UID, "process %d is left", pid)
		}
	}
	u.KillStrays() // nobody there: returns
}

func TestUsersAreOfTheRange(t *testing.T) {
	seen := map[User]bool{}
	for u := UserOf("x"); !seen[u]; u = u.Next() {
		seen[u] = true
		assert.True(t, u.UID >= firstUser && u.UID < firstUser+Users && u.GID == u.UID, "%+v", u)
	}
	assert.Len(t, seen, Users, "Next gets around")
	assert.Equal(t, UserOf("a/b"), UserOf("a/b"))
	assert.NotEqual(t, UserOf("a/b"), UserOf("a/c"))
}

func TestOwn(t *testing.T) {
	needsRoot(t)
	u := UserOf(t.Name())
	dir, elsewhere := t.TempDir(), install(t, nil)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a", "b", "file"), nil, 0o600))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(dir, "a", "link")))
	require.NoError(t, u.Own(dir))
	uid := func(path string) int {
		var st syscall.Stat_t
		require.NoError(t, syscall.Lstat(path, &st))
		return int(st.Uid)
	}
	for _, name := range []string{"", "a", "a/b", "a/b/file", "a/link"} {
		assert.Equal(t, u.UID, uid(filepath.Join(dir, name)), name)
	}
	assert.Zero(t, uid(elsewhere), "what a link leads to is not given away")
	require.ErrorIs(t, u.Own(filepath.Join(dir, "nowhere")), os.ErrNotExist)
}
