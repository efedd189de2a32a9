package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, path string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func set(j *journal.Journal, key string, value any) error {
	return j.Set(journal.Entry{Key: key, Value: value})
}

func get(t *testing.T, j *journal.Journal, key string) string {
	t.Helper()
	var v string
	ok, err := j.Get(key, &v)
	require.NoError(t, err)
	if !ok {
		return "-"
	}
	return v
}

func TestValuesOutliveTheProcess(t *testing.T) {
	t.Parallel()
	for _, path := range []string{filepath.Join(t.TempDir(), "j"), ""} {
		j := open(t, path)
		require.NoError(t, set(j, "a", "one"))
		require.NoError(t, set(j, "b", "two\nlines"))
		require.NoError(t, set(j, "a", "three"))
		require.NoError(t, set(j, "c", "four"))
		require.NoError(t, j.Retain(map[string]bool{"a": true, "b": true, "never there": true}))
		if path != "" {
			j = open(t, path) // killed: nothing was closed
			info, err := os.Stat(path)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			body, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.NotContains(t, string(body), "four", "what is deleted is gone")
		}
		assert.Equal(t, "three", get(t, j, "a"))
		assert.Equal(t, "two\nlines", get(t, j, "b"))
		assert.Equal(t, "-", get(t, j, "c"))
		assert.ElementsMatch(t, []string{"a", "b"}, j.Keys())
	}
}

// TestKilledWhileWriting: the file may end anywhere.
func TestKilledWhileWriting(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "j")
	j := open(t, path)
	require.NoError(t, set(j, "a", "one"))
	require.NoError(t, set(j, "b", "two"))
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	first := strings.IndexByte(string(whole), '\n') + 1
	for cut := range len(whole) + 1 {
		require.NoError(t, os.WriteFile(path, whole[:cut], 0o600))
		j := open(t, path)
		require.NoError(t, set(j, "c", "three"))
		for range 2 {
			want := map[string]string{"a": "-", "b": "-", "c": "three"}
			if cut >= first-1 { // the end of the line is no part of it
				want["a"] = "one"
			}
			if cut >= len(whole)-1 {
				want["b"] = "two"
			}
			for key, value := range want {
				assert.Equal(t, value, get(t, j, key), "%s of %d bytes", key, cut)
			}
			j = open(t, path)
		}
	}
}

// TestTheFileStaysSmall however often a value changes.
func TestTheFileStaysSmall(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "j")
	j := open(t, path)
	for n := range 20_000 {
		require.NoError(t, set(j, fmt.Sprint(n%10), strings.Repeat("x", n%100)))
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(300<<10))
	j = open(t, path)
	for n := range 10 {
		assert.Len(t, get(t, j, fmt.Sprint(n)), 90+n)
	}
}

// TestTwoProcesses share the file, also when one of them writes it anew.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "j")
	one, two := open(t, path), open(t, path)
	for n := range 100 {
		require.NoError(t, set(one, fmt.Sprint("one ", n), "1"))
		require.NoError(t, set(two, fmt.Sprint("two ", n), "2"))
		assert.Equal(t, "1", get(t, one, fmt.Sprint("one ", n)))
		assert.Equal(t, "2", get(t, two, fmt.Sprint("two ", n)))
	}
	three := open(t, path)
	rest := map[string]bool{}
	for _, key := range three.Keys() {
		rest[key] = key != "one 7"
	}
	require.NoError(t, three.Retain(rest))
	require.NoError(t, set(one, "one 100", "1"))
	require.NoError(t, set(two, "two 100", "2"))
	after := open(t, path)
	assert.Len(t, after.Keys(), 201)
	assert.Equal(t, "-", get(t, after, "one 7"))
	assert.Equal(t, "1", get(t, after, "one 100"))
	assert.Equal(t, "2", get(t, after, "two 100"))
}

// TestAnotherProcessKnowsBetter of what it has written last.
func TestAnotherProcessKnowsBetter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "j")
	one := open(t, path)
	require.NoError(t, set(one, "car1", "monday"))
	two := open(t, path)
	require.NoError(t, set(one, "car1", "tuesday"))
	require.NoError(t, set(one, "car2", "new"))
	assert.Equal(t, "tuesday", get(t, two, "car1"))
	require.NoError(t, set(one, "car2", "newer"))
	require.NoError(t, two.Retain(map[string]bool{"car1": true, "car2": true}))
	for _, j := range []*journal.Journal{one, two, open(t, path)} {
		assert.Equal(t, "tuesday", get(t, j, "car1"))
		assert.Equal(t, "newer", get(t, j, "car2"))
	}
}

// TestHalfARecord, for which there was no room, takes nothing along.
func TestHalfARecord(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "j")
	j := open(t, path)
	require.NoError(t, set(j, "before", "1"))
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"k":"half","v":"xx`)
	require.NoError(t, errors.Join(err, f.Close()))
	require.NoError(t, set(j, "after", "2"))
	again := open(t, path)
	assert.Equal(t, "1", get(t, again, "before"))
	assert.Equal(t, "2", get(t, again, "after"))
	assert.Equal(t, "-", get(t, again, "half"))
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	j := open(t, filepath.Join(t.TempDir(), "j"))
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for n := range 300 {
				assert.NoError(t, set(j, fmt.Sprint(w), fmt.Sprint(n)))
				var v string
				ok, err := j.Get(fmt.Sprint(w), &v)
				assert.True(t, ok && err == nil && v == fmt.Sprint(n))
			}
		})
	}
	all.Wait()
	assert.Len(t, j.Keys(), 8)
}

func TestWhatCannotBeStoredIsAnError(t *testing.T) {
	t.Parallel()
	_, err := journal.Open(filepath.Join(t.TempDir(), "no", "such", "directory"))
	require.Error(t, err)
	j := open(t, filepath.Join(t.TempDir(), "j"))
	require.Error(t, set(j, "a", strings.Repeat("x", 2<<20)))
	require.Error(t, set(j, "a", func() {}))
	require.NoError(t, set(j, "a", "fits"))
	require.Error(t, j.Set(journal.Entry{Key: "b", Value: "one"}, journal.Entry{Key: "c", Value: func() {}}, journal.Entry{Key: "b", Value: "two"}))
	assert.Equal(t, "two", get(t, j, "b"), "what cannot be stored keeps no other from it")
	assert.Equal(t, "-", get(t, j, "c"))
	var number int
	_, err = j.Get("a", &number)
	require.Error(t, err)
}

// FuzzOpen: whatever is in the file, it can be opened and used.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"k":"a","v":"one"}` + "\n" + `{"k":"a"}` + "\n"))
	f.Add([]byte(`{"k":"a","v":null}` + "\n\x00\xff\n{}\n" + `{"k":"b","v":{"x":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		path := filepath.Join(t.TempDir(), "j")
		require.NoError(t, os.WriteFile(path, body, 0o600))
		j := open(t, path)
		for _, key := range j.Keys() {
			var v any
			ok, err := j.Get(key, &v)
			require.NoError(t, err)
			require.True(t, ok)
		}
		require.NoError(t, set(j, "new", "value"))
		keys := len(j.Keys())
		j = open(t, path)
		require.Len(t, j.Keys(), keys)
		require.Equal(t, "value", get(t, j, "new"))
	})
}
