package sdk_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
)

type doc struct {
	N    int
	Text string
}

func TestStoreRoundTrip(t *testing.T) {
	for name, dir := range map[string]string{"on disk": filepath.Join(t.TempDir(), "state"), "in memory": ""} {
		t.Run(name, func(t *testing.T) {
			s, err := sdk.OpenStore(dir)
			require.NoError(t, err)
			var got doc
			ok, err := s.Get("a", &got)
			require.NoError(t, err)
			assert.False(t, ok)
			require.NoError(t, s.Put("a", doc{N: 1}))
			require.NoError(t, s.Put("a", doc{N: 2}))
			ok, err = s.Get("a", &got)
			require.NoError(t, err)
			assert.True(t, ok)
			assert.Equal(t, 2, got.N)
			require.NoError(t, s.Delete("a"))
			require.NoError(t, s.Delete("a"))
			ok, err = s.Get("a", &got)
			require.NoError(t, err)
			assert.False(t, ok)
			for _, bad := range []string{"", "../a", "A", "a/b", ".a", strings.Repeat("a", 65)} {
				require.Error(t, s.Put(bad, doc{}), bad)
			}
			require.Error(t, s.Put("a", func() {}), "what is no JSON")
		})
	}
}

func TestStoreIsPrivateAndTellsOfDamage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s, err := sdk.OpenStore(dir)
	require.NoError(t, err)
	require.NoError(t, s.Put("a", doc{N: 1}))
	info, err := os.Stat(dir)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	file := filepath.Join(dir, "a.json")
	info, err = os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, os.WriteFile(file, []byte(`{"N":`), 0o600))
	ok, err := s.Get("a", &doc{})
	assert.False(t, ok)
	require.Error(t, err)
}

// storeWriterDir makes this test binary write to a store until it is killed.
const storeWriterDir = "STORE_WRITER_DIR"

// TestStoreWriter is no test of its own: TestStoreSurvivesKill runs it.
func TestStoreWriter(t *testing.T) {
	dir := os.Getenv(storeWriterDir)
	if dir == "" {
		t.Skip("run by TestStoreSurvivesKill")
	}
	s, err := sdk.OpenStore(dir)
	require.NoError(t, err)
	for n := 1; ; n++ {
		require.NoError(t, s.Put("a", doc{N: n, Text: strings.Repeat(fmt.Sprint(n%10), 64<<10)}))
		fmt.Println("wrote", n)
	}
}

// TestStoreSurvivesKill kills a writing process again and again: what it leaves
// is always whole, and never older than what it said it had written.
func TestStoreSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	for range 20 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestStoreWriter$")
		cmd.Env = append(os.Environ(), storeWriterDir+"="+dir)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		wrote := 0
		for wrote < 3 && lines.Scan() {
			_, _ = fmt.Sscanf(lines.Text(), "wrote %d", &wrote)
		}
		require.NoError(t, cmd.Process.Kill())
		for lines.Scan() {
			_, _ = fmt.Sscanf(lines.Text(), "wrote %d", &wrote)
		}
		_ = cmd.Wait() // killed
		s, err := sdk.OpenStore(dir)
		require.NoError(t, err)
		var got doc
		ok, err := s.Get("a", &got)
		require.NoError(t, err)
		require.True(t, ok)
		assert.GreaterOrEqual(t, got.N, wrote)
		assert.Equal(t, strings.Repeat(fmt.Sprint(got.N%10), 64<<10), got.Text)
	}
}

// makeUnwritable makes a directory useless, for root as well: a file takes its
// place.
func makeUnwritable(t *testing.T, dir string) bool {
	t.Helper()
	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, os.WriteFile(dir, nil, 0o600))
	return true
}

func TestStoreNames(t *testing.T) {
	for name, dir := range map[string]string{"memory": "", "disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			s, err := sdk.OpenStore(dir)
			require.NoError(t, err)
			for _, doc := range []string{"car-1", "car-2", "login"} {
				require.NoError(t, s.Put(doc, doc))
			}
			if dir != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, "car-3.json.tmp"), nil, 0o600))
			}
			require.NoError(t, s.Delete("car-1"))
			assert.ElementsMatch(t, []string{"car-2"}, s.Names("car-"))
			assert.ElementsMatch(t, []string{"car-2", "login"}, s.Names(""))
			assert.Empty(t, s.Names("x"))
		})
	}
	s, err := sdk.OpenStore(filepath.Join(t.TempDir(), "gone"))
	require.NoError(t, err)
	assert.Empty(t, s.Names(""))
}
