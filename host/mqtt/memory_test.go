package mqtt

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clock is one that the test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestAnIDActsOnceForAnHour(t *testing.T) {
	for name, dir := range map[string]string{"in memory": "", "on disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
			m, err := newMemory(dir, c.now)
			require.NoError(t, err)
			defer m.close()
			known := func(vehicle, id string) *entry {
				t.Helper()
				before, err := m.begin(vehicle, id)
				require.NoError(t, err)
				return before
			}
			assert.Nil(t, known("car1", "a"))
			assert.Nil(t, known("car2", "a"), "another car's")
			assert.Nil(t, known("car1", "a").Answer)
			m.end("car1", "a", []byte(`{"state":"done"}`))
			assert.JSONEq(t, `{"state":"done"}`, string(known("car1", "a").Answer))
			c.at = c.at.Add(time.Hour - time.Second)
			assert.NotNil(t, known("car1", "a"))
			c.at = c.at.Add(time.Second)
			assert.Nil(t, known("car1", "a"))
			c.at = c.at.Add(-48 * time.Hour)
			assert.NotNil(t, known("car1", "a"), "a clock set back forgets nothing")
			m.end("car9", "z", []byte(`{}`)) // nobody knows it
		})
	}
}

func TestIDsOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	c := &clock{time.Now()}
	m, err := newMemory(dir, c.now)
	require.NoError(t, err)
	var all sync.WaitGroup
	for n := range 500 {
		all.Go(func() {
			before, err := m.begin("car1", fmt.Sprint(n))
			assert.NoError(t, err)
			assert.Nil(t, before)
			if n%2 == 0 {
				m.end("car1", fmt.Sprint(n), []byte(`{"state":"done"}`))
			}
		})
	}
	all.Wait()
	m.flushing.Wait() // and no more: it is killed
	// A line that a crash has cut off stands for nothing.
	file, err := os.OpenFile(filepath.Join(dir, memoryFile), os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = file.WriteString(`{"vehicle":"car1","id":"cut o`)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	m.close()

	next, err := newMemory(dir, c.now)
	require.NoError(t, err)
	defer next.close()
	for n := range 500 {
		before, err := next.begin("car1", fmt.Sprint(n))
		require.NoError(t, err)
		require.NotNil(t, before)
		assert.Equal(t, n%2 == 0, before.Answer != nil)
		assert.True(t, before.earlier)
	}
	again, err := next.begin("car1", "1")
	require.NoError(t, err)
	assert.False(t, again.earlier, "it is answered once")
	before, err := next.begin("car1", "cut o")
	require.NoError(t, err)
	assert.Nil(t, before)
}

// TestTheFileStaysSmall, however many commands there were.
func TestTheFileStaysSmall(t *testing.T) {
	c := &clock{time.Now()}
	m, err := newMemory(t.TempDir(), c.now)
	require.NoError(t, err)
	defer m.close()
	m.lines = maxLines // as if there had been many
	c.at = c.at.Add(2 * time.Hour)
	_, err = m.begin("car1", "new")
	require.NoError(t, err)
	assert.Equal(t, 1, m.lines)
	before, err := m.begin("car1", "new")
	require.NoError(t, err)
	assert.NotNil(t, before)
	m.end("car1", "new", []byte(`{}`))
	m.flushing.Wait()
	body, err := os.ReadFile(m.path)
	require.NoError(t, err)
	assert.Contains(t, string(body), `"answer":{}`)
	for n := range maxRemembered + 10 {
		m.keep(&entry{Vehicle: "car2", ID: fmt.Sprint(n), At: c.at})
	}
	m.forget()
	assert.Len(t, m.entries, maxRemembered)
	assert.Len(t, m.order, maxRemembered)
}

// TestHowLongTheProcessWasOff is known by the file's time.
func TestHowLongTheProcessWasOff(t *testing.T) {
	dir := t.TempDir()
	c := &clock{time.Now().Truncate(time.Second)}
	m, err := newMemory(dir, c.now)
	require.NoError(t, err)
	assert.Negative(t, m.waited(c.at), "the first start of all")
	m.connected()
	m.close()
	c.at = c.at.Add(time.Minute)
	for range 2 { // the second was not connected in between
		m, err = newMemory(dir, c.now)
		require.NoError(t, err)
		m.close()
		assert.Equal(t, time.Minute+seenInterval, m.waited(c.at))
	}
	assert.Negative(t, m.waited(c.at.Add(-time.Hour)), "a clock set back")
	none, err := newMemory("", c.now)
	require.NoError(t, err)
	none.connected()
	assert.Negative(t, none.waited(c.at))
	_, err = newMemory(filepath.Join(dir, "none"), c.now)
	require.Error(t, err)
}
