package sdk

import (
	"path/filepath"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// TestManyWaitForTheBooksOnOneThread: a system's thread for each would be more than a
// process may have, which would end it.
func TestManyWaitForTheBooksOnOneThread(t *testing.T) {
	s, err := OpenStore(t.TempDir())
	require.NoError(t, err)
	elsewhere := flock.New(filepath.Join(s.dir, booksLock+".lock"), flock.SetPermissions(0o600))
	require.NoError(t, elsewhere.Lock())

	threads := pprof.Lookup("threadcreate")
	const many = 400
	before := threads.Count()
	var waiting, inside, most atomic.Int32
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			waiting.Add(1)
			release := s.alone()
			defer release()
			most.Store(max(most.Load(), inside.Add(1)))
			inside.Add(-1)
		})
	}
	await.True(t, "all wait", func() bool { return waiting.Load() == many && len(s.books) == 1 })
	require.NoError(t, elsewhere.Close())
	all.Wait()
	assert.EqualValues(t, 1, most.Load())
	assert.Less(t, threads.Count()-before, many/4)
}
