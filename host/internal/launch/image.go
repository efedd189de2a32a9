package launch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// ErrUnsafe means that somebody other than its owner could change a program.
var ErrUnsafe = errors.New("others may write to it")

// Image is a program as it will be executed: the very bytes that were digested,
// whatever happens to the file they came from. Where the system can, they lie in
// sealed memory, which nobody can change; elsewhere in a private read-only copy.
type Image struct {
	// Digest is the SHA-256 of the bytes, in hexadecimal.
	Digest string
	// Path is where they came from.
	Path string

	from   fs.FileInfo
	sealed *os.File // nil for a copy
	copy   string
	users  int // of Images
}

// Images loads programs. Several plugins share the image of one file, and a
// restart does not read it again unless the file has changed. Safe for
// concurrent use.
type Images struct {
	// Dir is for private copies; it must belong to the host alone.
	Dir string
	// AnyoneMayWrite takes programs that others could change.
	AnyoneMayWrite bool

	copies atomic.Int64

	mu     sync.Mutex
	latest map[string]*Image
	looks  map[string]look
}

// maxProgram bounds what is read into memory.
const maxProgram = 512 << 20

// Load returns the image of the file at path. Give it back with Release.
func (c *Images) Load(path string) (*Image, error) {
	f, info, err := c.open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	c.mu.Lock()
	if i := c.latest[path]; i != nil && sameFile(i.from, info) {
		i.users++
		c.mu.Unlock()
		return i, nil
	}
	c.mu.Unlock()
	i, err := c.read(f, path) // a slow disk holds up nobody else
	if err != nil {
		return nil, err
	}
	i.from, i.users = info, 2 // the caller and the table
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(path)
	if c.latest == nil {
		c.latest = map[string]*Image{}
	}
	c.latest[path] = i
	return i, nil
}

// open opens a program that may be executed, and no other file: a named pipe
// would let its reader wait for ever.
func (c *Images) open(path string) (*os.File, fs.FileInfo, error) {
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := os.Stat(file)
	if err == nil {
		err = c.check(path, file, info)
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = c.check(path, file, info)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// Forget lets the next Load of the image's file read it anew.
func (c *Images) Forget(i *Image) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.latest[i.Path] == i {
		c.forget(i.Path)
	}
}

func (c *Images) forget(path string) {
	if old := c.latest[path]; old != nil {
		delete(c.latest, path)
		c.drop(old)
	}
}

// Release gives an image back. Processes that run from it go on.
func (c *Images) Release(i *Image) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(i)
}

// Close gives all images back that nobody else holds.
func (c *Images) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range c.latest {
		c.drop(i)
	}
	c.latest = nil
}

func (c *Images) drop(i *Image) {
	if i.users--; i.users > 0 {
		return
	}
	if i.sealed != nil {
		_ = i.sealed.Close()
	} else {
		_ = os.Remove(i.copy)
	}
}

// check says why a file may not be executed. path may be a link to it.
func (c *Images) check(path, file string, info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no file: %w", file, fs.ErrInvalid)
	case info.Size() > maxProgram:
		return fmt.Errorf("%s is larger than %d MiB: %w", file, maxProgram>>20, fs.ErrInvalid)
	case !executable(info):
		return &fs.PathError{Op: "exec", Path: file, Err: fs.ErrPermission}
	case c.AnyoneMayWrite:
		return nil
	case WritableByOthers(info):
		return fmt.Errorf("%s: %w", file, ErrUnsafe)
	}
	for _, dir := range []string{filepath.Dir(file), filepath.Dir(path)} {
		if err := CheckFolder(dir); err != nil {
			return err
		}
	}
	return nil
}

// CheckFolder fails with ErrUnsafe if others may put their files into a folder in
// the place of those that are there. In a sticky folder they may not.
func CheckFolder(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if WritableByOthers(info) && info.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("%s: %w", dir, ErrUnsafe)
	}
	return nil
}

// read copies a program to where it will be executed from, and digests the copy.
func (c *Images) read(f *os.File, path string) (*Image, error) {
	i, name := &Image{Path: path}, filepath.Base(path)
	sealed, digest, err := seal(f, name)
	if err == nil {
		i.sealed = sealed
	} else if i.copy, digest, err = c.privateCopy(f, name); err != nil {
		return nil, err
	}
	i.Digest = hex.EncodeToString(digest)
	return i, nil
}

func (c *Images) privateCopy(f *os.File, name string) (path string, digest []byte, err error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", nil, err
	}
	path = filepath.Join(c.Dir, fmt.Sprintf("%d-%s", c.copies.Add(1), name))
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o500) //nolint:gosec // it is a program
	if err != nil {
		return "", nil, err
	}
	hash := sha256.New()
	_, err = io.Copy(out, io.TeeReader(io.LimitReader(f, maxProgram), hash))
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chmod(path, 0o555) //nolint:gosec // every plugin's user has to execute it
	}
	if err != nil {
		_ = os.Remove(path)
		return "", nil, fmt.Errorf("private copy of the program: %w", err)
	}
	return path, hash.Sum(nil), nil
}

func sameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && changed(a).Equal(changed(b))
}
