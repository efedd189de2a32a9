//go:build linux

package host_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
)

// TestThousandKillsLeaveNothingBehind: kill -9, and again, and again.
func TestThousandKillsLeaveNothingBehind(t *testing.T) {
	cycles := size(25, 1000) // each would leave something
	s := newStage(t)
	runtimeDir, err := os.MkdirTemp("", "vr") // short
	require.NoError(t, err)
	require.NoError(t, os.Chmod(runtimeDir, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(runtimeDir)) })
	h := start(t, s, func(o *host.Options) {
		o.StateDir, o.RuntimeDir, o.CrashLimit = "", runtimeDir, -1
	}, hostile(t, "p", "good"))
	cycle := func() {
		h.kill("p")
		h.reaches("p", host.Ready)
	}
	h.reaches("p", host.Ready)
	for range 10 {
		cycle()
	}
	before := resources(t, runtimeDir)
	for range cycles {
		cycle()
	}
	_, err = read(h, "p")
	require.NoError(t, err)
	var now usage
	defer func() { t.Logf("before %+v, after %+v", before, now) }()
	h.eventually("nothing is left behind", func() bool {
		now = resources(t, runtimeDir)
		return now.goroutines <= before.goroutines+2 && now.descriptors <= before.descriptors &&
			now.children <= before.children && now.files <= before.files
	})
	// Threads that are idle stay with the Go runtime; what must not be is one
	// for each process that ever ran.
	assert.Less(t, now.threads, before.threads+20)
	crashes := h.status("p").CrashesByCause
	assert.Len(t, crashes, 1, "no process ended for another cause: %v", crashes)
	assert.GreaterOrEqual(t, crashes[host.CauseSignal], cycles+10, "each kill is a crash, and is called so: %v", crashes)
}

// usage is what a leak would show in.
type usage struct{ goroutines, descriptors, threads, children, files int }

func resources(t *testing.T, dir string) usage {
	t.Helper()
	u := usage{goroutines: runtime.NumGoroutine(), descriptors: count("/proc/self/fd"), threads: count("/proc/self/task")}
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	require.NoError(t, err)
	for _, file := range tasks {
		if b, err := os.ReadFile(file); err == nil { // zombies are children, too
			u.children += len(strings.Fields(string(b)))
		}
	}
	require.NoError(t, filepath.WalkDir(dir, func(string, fs.DirEntry, error) error {
		u.files++
		return nil
	}))
	return u
}

func count(dir string) int {
	entries, _ := os.ReadDir(dir) // gone: none
	return len(entries)
}
