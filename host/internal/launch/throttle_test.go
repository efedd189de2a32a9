//go:build unix

package launch

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counter counts what is read from a stream.
type counter struct{ n atomic.Int64 }

func (c *counter) read(r io.Reader) { _, _ = io.Copy(c, r) } // ends with the pipe

func (c *counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

// TestFloodCostsNoMoreThanTheLimit whichever pipe it comes from, and does not
// hide the end of the process.
func TestFloodCostsNoMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script string
		line   int64 // bytes of a line; 0: it has no end
		stdout bool
	}{
		"stderr": {"exec yes 'a line of some length that says nothing' >&2", 43, false},
		"stdout": {"exec yes 'a line of some length that says nothing'", 43, true},
		// As many lines as there are bytes.
		"empty lines":  {"exec yes '' >&2", 1, false},
		"endless line": {"exec cat /dev/zero", 0, true},
		"both":         {"yes ohohohohohohohoh >&2 & exec yes ohohohohohohohohoh", 17, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs counter
			c := newImages(t)
			i := load(t, c, "/bin/sh")
			defer c.Release(i)
			p := New(Spec{
				Image: i, Args: []string{"-c", tc.script}, Env: []string{"PATH=/bin:/usr/bin"},
				Stderr: errs.read,
				Stdout: func(line string) { out.n.Add(int64(len(line)) + 1) },
			}, nil)
			begun := time.Now()
			require.NoError(t, p.Start(t.Context()))
			t.Cleanup(func() { require.NoError(t, p.Kill(context.Background())) })
			// Of what a process writes a part is lines, which cost, too.
			share := func(limit float64) int64 { return int64(limit * float64(tc.line) / float64(tc.line+lineCost)) }
			if tc.line > 0 { // of a line without an end only the beginning is kept
				flowing := &errs
				if tc.stdout {
					flowing = &out
				}
				require.Eventually(t, func() bool { return flowing.n.Load() > share(outputAtOnce) }, 20*time.Second, time.Millisecond, "what may be read at once is")
			}
			timer := time.NewTimer(time.Second)
			<-timer.C // time for it to read more than it should
			allowed := share(outputAtOnce+outputPerSecond*time.Since(begun).Seconds()) + 1<<18
			assert.Less(t, out.n.Load(), allowed)
			assert.Less(t, errs.n.Load(), allowed)

			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			killed := time.Now()
			require.NoError(t, p.Kill(ctx))
			assert.Less(t, time.Since(killed), time.Second, "its end is seen at once")
			<-p.Drained()
			assert.Less(t, time.Since(killed), 2*time.Second, "and what it had written is not read for ever")
		})
	}
}

// TestLittleOutputIsNotHeldUp: the limit is for floods.
func TestLittleOutputIsNotHeldUp(t *testing.T) {
	var errs counter
	c := newImages(t)
	i := load(t, c, "/bin/sh")
	defer c.Release(i)
	begun := time.Now()
	p := New(Spec{
		Image: i, Args: []string{"-c", "head -c 1000000 /dev/zero >&2"}, Env: []string{"PATH=/bin:/usr/bin"}, Stderr: errs.read,
	}, nil)
	require.NoError(t, p.Start(t.Context()))
	<-p.Drained()
	assert.EqualValues(t, 1_000_000, errs.n.Load())
	assert.Less(t, time.Since(begun), 2*time.Second)
}
