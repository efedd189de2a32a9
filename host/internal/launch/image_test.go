//go:build unix

package launch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

// program is built once: it says which one it is. Its variants differ in these
// letters only.
var program = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "program")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for name, text := range map[string]string{
		"go.mod":  "module program\n\ngo 1.24\n",
		"main.go": "package main\n\nfunc main() { println(\"program AAAA\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	out := filepath.Join(dir, "program")
	if text, err := exec.Command("go", "build", "-C", dir, "-race=false", "-buildvcs=false", "-o", out, ".").CombinedOutput(); err != nil {
		return nil, &exec.Error{Name: string(text), Err: err}
	}
	return os.ReadFile(out)
})

// variant of the program, of the same size as every other.
func variant(t *testing.T, letters string) []byte {
	t.Helper()
	b, err := program()
	require.NoError(t, err)
	require.Len(t, letters, 4)
	return bytes.ReplaceAll(b, []byte("program AAAA"), []byte("program "+letters))
}

// install writes a program to a folder of its own.
func install(t *testing.T, body []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(path, body, 0o700))
	return path
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func newImages(t *testing.T) *Images {
	t.Helper()
	c := &Images{Dir: t.TempDir()}
	t.Cleanup(c.Close)
	return c
}

func load(t *testing.T, c *Images, path string) *Image {
	t.Helper()
	i, err := c.Load(path)
	require.NoError(t, err)
	return i
}

// copied is what Load makes where memory cannot be sealed.
func copied(t *testing.T, c *Images, path string) *Image {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	i := &Image{Path: path, users: 1}
	var digest []byte
	i.copy, digest, err = c.privateCopy(f, filepath.Base(path))
	require.NoError(t, err)
	i.Digest = hex.EncodeToString(digest)
	return i
}

// launched starts a process; says has what it wrote to stderr once it has ended.
func launched(t *testing.T, s Spec) (p *Process, says func() string) {
	t.Helper()
	out, read := bytes.Buffer{}, make(chan struct{})
	s.Stderr = drain(&out, read)
	p = New(s, nil)
	require.NoError(t, p.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, p.Kill(context.Background())) })
	return p, func() string {
		require.NotErrorIs(t, p.Wait(await.Context(t, "the end of the process")), context.DeadlineExceeded)
		<-read
		return out.String()
	}
}

func runs(t *testing.T, i *Image) string {
	t.Helper()
	_, says := launched(t, Spec{Image: i})
	return strings.TrimSpace(says())
}

// TestWhatWasDigestedIsExecuted whatever happens to the file afterwards.
func TestWhatWasDigestedIsExecuted(t *testing.T) {
	ways := map[string]func(*testing.T, *Images, string) *Image{"as the system can": load, "private copy": copied}
	for how, happens := range map[string]func(t *testing.T, path string){
		"nothing": func(*testing.T, string) {},
		"overwritten in place": func(t *testing.T, path string) {
			t.Helper()
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.Write(variant(t, "BBBB"))
			require.NoError(t, err)
			require.NoError(t, f.Close())
		},
		"truncated": func(t *testing.T, path string) { t.Helper(); require.NoError(t, os.Truncate(path, 0)) },
		"replaced": func(t *testing.T, path string) {
			t.Helper()
			require.NoError(t, os.Rename(install(t, variant(t, "BBBB")), path))
		},
		"deleted": func(t *testing.T, path string) { t.Helper(); require.NoError(t, os.Remove(path)) },
	} {
		for way, get := range ways {
			t.Run(way+", "+how, func(t *testing.T) {
				c, path := newImages(t), install(t, variant(t, "AAAA"))
				i := get(t, c, path)
				defer c.Release(i)
				assert.Equal(t, digest(variant(t, "AAAA")), i.Digest)
				assert.Equal(t, path, i.Path)
				happens(t, path)
				assert.Equal(t, "program AAAA", runs(t, i))
			})
		}
	}
}

func TestPrivateCopy(t *testing.T) {
	c, path := newImages(t), install(t, variant(t, "AAAA"))
	i, other := copied(t, c, path), copied(t, c, path)
	assert.NotEqual(t, i.copy, other.copy, "each has a file of its own")
	info, err := os.Stat(i.copy)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o555), info.Mode(), "for the plugin's user to execute, for nobody to write")
	b, err := os.ReadFile(i.copy)
	require.NoError(t, err)
	assert.Equal(t, i.Digest, digest(b))
	c.Release(i)
	c.Release(other)
	entries, err := os.ReadDir(c.Dir)
	require.NoError(t, err)
	assert.Empty(t, entries)

	c.Dir = filepath.Join(c.Dir, "nowhere")
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	_, _, err = c.privateCopy(f, "program")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestWhichFilesAreTaken(t *testing.T) {
	chmod := func(t *testing.T, path string, mode fs.FileMode) {
		t.Helper()
		require.NoError(t, os.Chmod(path, mode)) // past the umask
	}
	for name, tc := range map[string]struct {
		change func(t *testing.T, path string) string // returns the path to load
		anyone bool
		err    error
	}{
		"a program": {},
		"others may write": {change: func(t *testing.T, path string) string {
			t.Helper()
			chmod(t, path, 0o757)
			return path
		}, err: ErrUnsafe},
		"others may write, and that is wanted": {change: func(t *testing.T, path string) string {
			t.Helper()
			chmod(t, path, 0o757)
			return path
		}, anyone: true},
		"others may replace it": {change: func(t *testing.T, path string) string {
			t.Helper()
			chmod(t, filepath.Dir(path), 0o777)
			return path
		}, err: ErrUnsafe},
		"others may replace it, and that is wanted": {change: func(t *testing.T, path string) string {
			t.Helper()
			chmod(t, filepath.Dir(path), 0o777)
			return path
		}, anyone: true},
		"in a folder as /tmp": {change: func(t *testing.T, path string) string {
			t.Helper()
			chmod(t, filepath.Dir(path), 0o777|fs.ModeSticky)
			return path
		}},
		"missing":  {change: func(_ *testing.T, path string) string { return path + "x" }, err: fs.ErrNotExist},
		"a folder": {change: func(_ *testing.T, path string) string { return filepath.Dir(path) }, err: fs.ErrInvalid},
		"not executable": {change: func(t *testing.T, path string) string {
			t.Helper()
			chmod(t, path, 0o600)
			return path
		}, err: fs.ErrPermission},
		"a link to it": {change: func(t *testing.T, path string) string {
			t.Helper()
			link := filepath.Join(t.TempDir(), "link")
			require.NoError(t, os.Symlink(path, link))
			return link
		}},
		"a link to what others may write": {change: func(t *testing.T, path string) string {
			t.Helper()
			chmod(t, path, 0o757)
			link := filepath.Join(t.TempDir(), "link")
			require.NoError(t, os.Symlink(path, link))
			return link
		}, err: ErrUnsafe},
		"a link that others may replace": {change: func(t *testing.T, path string) string {
			t.Helper()
			link := filepath.Join(t.TempDir(), "link")
			require.NoError(t, os.Symlink(path, link))
			chmod(t, filepath.Dir(link), 0o777)
			return link
		}, err: ErrUnsafe},
		"a link to nowhere": {change: func(t *testing.T, path string) string {
			t.Helper()
			require.NoError(t, os.Remove(path))
			link := filepath.Join(t.TempDir(), "link")
			require.NoError(t, os.Symlink(path, link))
			return link
		}, err: fs.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			c, path := newImages(t), install(t, variant(t, "AAAA"))
			c.AnyoneMayWrite = tc.anyone
			if tc.change != nil {
				path = tc.change(t, path)
			}
			i, err := c.Load(path)
			require.ErrorIs(t, err, tc.err)
			if err == nil {
				defer c.Release(i)
				assert.Equal(t, path, i.Path)
				assert.Equal(t, "program AAAA", runs(t, i))
			}
		})
	}
}

// TestNamedPipe: opening one waits for somebody to write, and everybody else
// would wait for that.
func TestNamedPipe(t *testing.T) {
	c, path := newImages(t), filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o700))
	result := make(chan error, 1)
	go func() {
		_, err := c.Load(path)
		result <- err
	}()
	require.ErrorIs(t, await.Value(t, "Load, which does not wait for a writer", result), fs.ErrInvalid)
}
