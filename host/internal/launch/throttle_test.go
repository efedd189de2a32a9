//go:build unix

package launch

import (
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// counter counts what is read from a stream.
type counter struct{ n atomic.Int64 }

func (c *counter) read(r io.Reader) { _, _ = io.Copy(c, r) } // ends with the pipe

func (c *counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

// endless repeats a line, or a byte.
type endless struct{ line string }

func (e endless) Read(p []byte) (int, error) {
	for n := 0; n < len(p); {
		n += copy(p[n:], e.line)
	}
	return len(p), nil
}

// TestThrottle: what a reader lets through, to the second.
func TestThrottle(t *testing.T) {
	for name, line := range map[string]string{
		"lines":       "a line of some length that says nothing\n",
		"empty lines": "\n",
		"one line":    "x",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source, cost := Throttle(endless{line}), 1.0
				if lines := strings.Count(line, "\n"); lines > 0 {
					cost += lineCost * float64(lines) / float64(len(line))
				}
				begun := time.Now()
				read, buffer := 0, make([]byte, 1<<20)
				for _, seconds := range []float64{1, 2, 10} {
					for time.Since(begun).Seconds() < seconds {
						n, err := source.Read(buffer)
						require.NoError(t, err)
						read += n
					}
					allowed := (outputAtOnce + seconds*outputPerSecond) / cost
					assert.InDelta(t, allowed, read, maxRead, "after %v s", seconds)
				}
			})
		})
	}
}

// TestLittleOutputIsNotHeldUp: the limit is for floods.
func TestLittleOutputIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		b, err := io.ReadAll(Throttle(io.LimitReader(endless{"x"}, outputAtOnce)))
		require.NoError(t, err)
		assert.Len(t, b, outputAtOnce)
		assert.Zero(t, time.Since(begun))
	})
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
				await.True(t, "what may be read at once is", func() bool { return flowing.n.Load() > share(outputAtOnce) })
			}
			timer := time.NewTimer(time.Second)
			<-timer.C // time for it to read more than it should

			// Counted first: the allowance grows meanwhile.
			outs, onErr := out.n.Load(), errs.n.Load()
			allowed := share(outputAtOnce+outputPerSecond*time.Since(begun).Seconds()) + 1<<18
			assert.Less(t, outs, allowed)
			assert.Less(t, onErr, allowed)

			require.NoError(t, p.Kill(await.Context(t, "its end, which the flood does not hide")))
			await.Value(t, "the end of reading what it had written", p.Drained())
		})
	}
}
