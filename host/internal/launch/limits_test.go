//go:build linux

package launch

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// limitsOf reads a table as in /proc/PID/limits: soft and hard limit by name.
func limitsOf(t *testing.T, table string) map[string][2]string {
	t.Helper()
	limits := map[string][2]string{}
	for line := range strings.Lines(table) {
		if name, rest := line[:26], strings.Fields(line[26:]); strings.HasPrefix(name, "Max ") {
			limits[strings.TrimSpace(name)] = [2]string{rest[0], rest[1]}
		}
	}
	require.NotEmpty(t, limits, table)
	return limits
}

func readLimits(t *testing.T, pid int) map[string][2]string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	require.NoError(t, err)
	return limitsOf(t, string(b))
}

// sleeper runs within limits until the test ends. It is the program itself, no
// shell any more, when this returns.
func sleeper(t *testing.T, s Spec) *Process {
	t.Helper()
	c := newImages(t)
	s.Image, s.Args = load(t, c, "/bin/sleep"), []string{"1000"}
	defer c.Release(s.Image)
	p, _ := launched(t, s)
	await.True(t, "it is the program itself", func() bool {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID()))
		return err == nil && !strings.Contains(string(b), "ulimit") && strings.Contains(string(b), "1000")
	})
	return p
}

func TestLimitsAreSet(t *testing.T) {
	p := sleeper(t, Spec{Limits: Limits{Memory: 512 << 20, Files: 123, Processes: 4321, FileSize: 7 << 20}})
	got := readLimits(t, p.PID())
	for name, want := range map[string]string{
		"Max data size": "536870912", "Max open files": "123", "Max processes": "4321", "Max file size": "7340032", "Max core file size": "0",
	} {
		assert.Equal(t, [2]string{want, want}, got[name], name)
	}
	require.NoError(t, p.CheckLimits())
}

// TestEachLimitStandsAlone: one of them sets no other.
func TestEachLimitStandsAlone(t *testing.T) {
	plain := exec.Command("/bin/cat", "/proc/self/limits") // what a child of ours gets anyway
	table, err := plain.Output()
	require.NoError(t, err)
	inherited := limitsOf(t, string(table))
	for name, limits := range map[string]Limits{
		"": {}, "Max data size": {Memory: 256 << 20}, "Max open files": {Files: 99}, "Max processes": {Processes: 999}, "Max file size": {FileSize: 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			p := sleeper(t, Spec{Limits: limits})
			for what, got := range readLimits(t, p.PID()) {
				switch what {
				case "Max core file size":
					assert.Equal(t, [2]string{"0", "0"}, got, what)
				case name:
					assert.NotEqual(t, inherited[what], got, what)
				default:
					assert.Equal(t, inherited[what], got, what)
				}
			}
			require.NoError(t, p.CheckLimits())
		})
	}
}

// TestLimitAboveOurOwn is set to ours: more may not be given.
func TestLimitAboveOurOwn(t *testing.T) {
	var own unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &own))
	p := sleeper(t, Spec{Limits: Limits{Files: own.Max + 1, FileSize: 1 << 20}})
	got := readLimits(t, p.PID())
	assert.Equal(t, [2]string{fmt.Sprint(own.Max), fmt.Sprint(own.Max)}, got["Max open files"])
	assert.Equal(t, [2]string{"1048576", "1048576"}, got["Max file size"], "and the others are set all the same")
	require.NoError(t, p.CheckLimits())
}

func TestLimitsCannotBeRaised(t *testing.T) {
	s := Spec{Limits: Limits{Memory: 512 << 20, Files: 64, FileSize: 1 << 20}}
	if CanSwitch() { // root could raise them
		u := UserOf(t.Name())
		s.User, s.Limits.Processes = &u, 50
	}
	c := newImages(t)
	s.Image = load(t, c, "/bin/sh")
	defer c.Release(s.Image)
	s.Args = []string{"-c", `for l in "-c 1" "-d 600000" "-n 65" "-f 2049"; do (ulimit $l) 2>/dev/null && echo "raised $l" >&2; done; cat /proc/self/limits >&2`}
	s.Env = []string{"PATH=/bin:/usr/bin"}
	_, says := launched(t, s)
	text := says()
	assert.NotContains(t, text, "raised")
	got := limitsOf(t, text)
	assert.Equal(t, [2]string{"64", "64"}, got["Max open files"], "children have them, too")
	assert.Equal(t, [2]string{"0", "0"}, got["Max core file size"])
}

func TestCheckSaysWhatIsMissing(t *testing.T) {
	p := sleeper(t, Spec{Limits: Limits{Files: 100, FileSize: 1 << 20}})
	for name, tc := range map[string]struct {
		limits  Limits
		missing []string
	}{
		"as set":      {Limits{Files: 100, FileSize: 1 << 20}, nil},
		"less is set": {Limits{Files: 200}, nil},
		"one missing": {Limits{Files: 99}, []string{"Max open files"}},
		"several":     {Limits{Memory: 1 << 20, Files: 99, Processes: 1, FileSize: 1}, []string{"Max data size", "Max open files", "Max processes", "Max file size"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.limits.check(p.PID())
			if tc.missing == nil {
				require.NoError(t, err)
				return
			}
			for _, what := range tc.missing {
				require.ErrorContains(t, err, what)
			}
		})
	}
	if readLimits(t, os.Getpid())["Max core file size"][1] != "0" {
		require.ErrorContains(t, Limits{}.check(os.Getpid()), "Max core file size", "core dumps have to be off")
	}
	require.NoError(t, Limits{Files: 1}.check(1<<30), "who is gone misses nothing")
}

func TestMemory(t *testing.T) {
	assert.Greater(t, Memory(os.Getpid()), uint64(1<<20))
	assert.Zero(t, Memory(1<<30))
}

// TestPluginsComeAfterTheHost: where both want the same processor, the host has it first.
func TestPluginsComeAfterTheHost(t *testing.T) {
	ours, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	require.NoError(t, err)
	p := sleeper(t, Spec{})
	theirs, err := unix.Getpriority(unix.PRIO_PROCESS, p.PID())
	require.NoError(t, err)
	assert.Equal(t, max(1, ours-lessThanOurs), theirs, "the system call's numbers are the other way round")
}
