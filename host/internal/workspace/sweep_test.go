//go:build unix

package workspace

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
)

func TestSweep(t *testing.T) {
	old := time.Now().Add(-time.Hour)
	for name, tc := range map[string]struct {
		make  func(t *testing.T, dir string)
		stays bool
	}{
		"its host is dead": {func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.WriteFile(filepath.Join(dir, lockFile), nil, 0o600))
		}, false},
		"its host was killed while making it": {func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.Chtimes(dir, old, old))
		}, false},
		"its host is dead, and its plugin was unkind": {func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.WriteFile(filepath.Join(dir, lockFile), nil, 0o600))
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "1", "2"), 0o700))
			require.NoError(t, os.Chmod(filepath.Join(dir, "1"), 0))
		}, false},
		"its host is alive": {func(t *testing.T, dir string) {
			t.Helper()
			lock, err := lockDir(dir)
			require.NoError(t, err)
			t.Cleanup(func() { unlock(lock) })
			require.NoError(t, os.Chtimes(dir, old, old))
		}, true},
		"it is being made": {func(*testing.T, string) {}, true},
	} {
		t.Run(name, func(t *testing.T) {
			base := publicDir(t)
			dir := filepath.Join(base, runtimePrefix+"1")
			require.NoError(t, os.Mkdir(dir, 0o700))
			tc.make(t, dir)
			h := build(t, "", base)
			require.DirExists(t, h.runtime)
			if tc.stays {
				require.DirExists(t, dir)
			} else {
				require.NoDirExists(t, dir)
			}
		})
	}
}

func TestSweepTouchesNothingElse(t *testing.T) {
	base := publicDir(t)
	old := time.Now().Add(-time.Hour)
	require.NoError(t, os.Mkdir(filepath.Join(base, "other"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(base, runtimePrefix+"file"), nil, 0o600))
	require.NoError(t, os.Symlink(filepath.Join(base, "other"), filepath.Join(base, runtimePrefix+"link")))
	keep := []string{"other", runtimePrefix + "file", runtimePrefix + "link"}
	if launch.CanSwitch() {
		theirs := filepath.Join(base, runtimePrefix+"theirs")
		require.NoError(t, os.Mkdir(theirs, 0o700))
		require.NoError(t, os.Chtimes(theirs, old, old))
		require.NoError(t, os.Chown(theirs, 12345, 12345))
		keep = append(keep, runtimePrefix+"theirs")
	}
	build(t, "", base)
	for _, name := range keep {
		_, err := os.Lstat(filepath.Join(base, name))
		require.NoError(t, err, name)
	}
	sweep(filepath.Join(base, "nowhere"))
}

func TestTwoHostsHaveTheirOwn(t *testing.T) {
	base := publicDir(t)
	a, b := build(t, "", base), build(t, "", base)
	assert.NotEqual(t, a.runtime, b.runtime)
	require.DirExists(t, a.runtime, "the second has not swept the first one's")
	_, err := lockDir(a.runtime)
	require.Error(t, err)
	require.NoError(t, a.Close())
	require.DirExists(t, b.runtime)
}
