//go:build unix

package launch

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// drain reads a stream into out and then closes read.
func drain(out *bytes.Buffer, read chan<- struct{}) func(io.Reader) {
	return func(r io.Reader) {
		defer close(read)
		_, _ = out.ReadFrom(r) // ends with the pipe
	}
}

func TestTheSameFileIsNotReadAgain(t *testing.T) {
	c, path := newImages(t), install(t, variant(t, "AAAA"))
	first := load(t, c, path)
	c.Release(first)
	second := load(t, c, path)
	assert.Same(t, first, second, "kept between a release and the next start")
	third := load(t, c, path)
	assert.Same(t, first, third)
	c.Release(second)
	assert.Equal(t, "program AAAA", runs(t, third), "one user's release is not another's")
	c.Release(third)
}

// TestAChangedFileIsReadAgain also if it looks the same to a careless eye.
func TestAChangedFileIsReadAgain(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, path string){
		"replaced": func(t *testing.T, path string) {
			t.Helper()
			require.NoError(t, os.Rename(install(t, variant(t, "BBBB")), path))
		},
		"the same size and time of modification": func(t *testing.T, path string) {
			t.Helper()
			before, err := os.Stat(path)
			require.NoError(t, err)
			await.True(t, "the system's clock for files has moved on", func() bool {
				f, err := os.OpenFile(path, os.O_WRONLY, 0)
				require.NoError(t, err)
				_, err = f.Write(variant(t, "BBBB"))
				require.NoError(t, err)
				require.NoError(t, f.Close())
				require.NoError(t, os.Chtimes(path, before.ModTime(), before.ModTime()))
				after, err := os.Stat(path)
				require.NoError(t, err)
				require.Equal(t, before.Size(), after.Size())
				require.Equal(t, before.ModTime(), after.ModTime())
				return !changed(after).Equal(changed(before))
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, path := newImages(t), install(t, variant(t, "AAAA"))
			if name != "replaced" && runtime.GOOS != "linux" {
				t.Skip("only Linux has a time that cannot be set back")
			}
			old := load(t, c, path)
			change(t, path)
			i := load(t, c, path)
			defer c.Release(i)
			assert.Equal(t, digest(variant(t, "BBBB")), i.Digest)
			assert.Equal(t, "program BBBB", runs(t, i))
			assert.Equal(t, "program AAAA", runs(t, old), "whoever has the old one keeps it")
			c.Release(old)
		})
	}
}

// held counts what images hold: descriptors and private copies.
func held(t *testing.T, c *Images) int {
	t.Helper()
	n := 0
	descriptors, _ := filepath.Glob("/proc/self/fd/*") // a good pattern; nothing elsewhere
	for _, d := range descriptors {
		if to, err := os.Readlink(d); err == nil && strings.Contains(to, "memfd:program") {
			n++
		}
	}
	copies, err := os.ReadDir(c.Dir)
	require.NoError(t, err)
	return n + len(copies)
}

func TestNothingIsLeft(t *testing.T) {
	c, path := newImages(t), install(t, variant(t, "AAAA"))
	require.Zero(t, held(t, c))
	a, b := load(t, c, path), load(t, c, path)
	assert.Equal(t, 1, held(t, c))
	require.NoError(t, os.Rename(install(t, variant(t, "BBBB")), path))
	n := load(t, c, path)
	assert.Equal(t, 2, held(t, c), "the old one is still in use")
	c.Release(a)
	c.Release(b)
	assert.Equal(t, 1, held(t, c))
	c.Close()
	assert.Equal(t, 1, held(t, c), "in use")
	assert.Equal(t, "program BBBB", runs(t, n))
	c.Release(n)
	assert.Zero(t, held(t, c))

	c.Release(load(t, c, path))
	assert.Equal(t, 1, held(t, c), "kept for the next start")
	require.NoError(t, os.Chmod(path, 0o600))
	_, err := c.Load(path)
	require.Error(t, err)
	c.Close()
	assert.Zero(t, held(t, c))
	c.Close()
}

// TestManyLoadAtOnce while the program is being replaced: everybody gets one or
// the other.
func TestManyLoadAtOnce(t *testing.T) {
	c, path := newImages(t), install(t, variant(t, "AAAA"))
	known := []string{digest(variant(t, "AAAA")), digest(variant(t, "BBBB"))}
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				i, err := c.Load(path)
				if !assert.NoError(t, err) {
					return
				}
				assert.Contains(t, known, i.Digest)
				if rand.IntN(10) == 0 {
					p := New(Spec{Image: i, Stderr: func(r io.Reader) { _, _ = io.Copy(io.Discard, r) }}, nil)
					assert.NoError(t, p.Start(t.Context()))
					assert.NoError(t, p.Wait(t.Context()))
				}
				c.Release(i)
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for n := range 20 {
		require.NoError(t, os.Rename(install(t, variant(t, []string{"BBBB", "AAAA"}[n%2])), path))
	}
	close(done)
	all.Wait()
	c.Close()
	assert.Zero(t, held(t, c))
}
