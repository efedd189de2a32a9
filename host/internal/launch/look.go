package launch

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"regexp"
)

// Program is what a file that may be executed is.
type Program struct {
	// Digest is the SHA-256 of the bytes, in hexadecimal.
	Digest string
	// Version is the one that a program in Go says of itself; else it is empty.
	Version string
}

// look is what was seen at a path, and of which file.
type look struct {
	from    fs.FileInfo
	program Program
}

// Look says what lies at a path, without loading it: a file that it has seen before, or
// that was loaded, is not read again. It may take as long as the file system does.
func (c *Images) Look(path string) (Program, error) {
	f, info, err := c.open(path)
	if err != nil {
		return Program{}, err
	}
	defer func() { _ = f.Close() }()
	if seen, ok := c.seen(path, info); ok {
		return seen, nil
	}

	hash := sha256.New()
	if _, err := io.Copy(hash, io.LimitReader(f, maxProgram)); err != nil {
		return Program{}, err
	}
	p := Program{Digest: hex.EncodeToString(hash.Sum(nil)), Version: versionIn(f)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looks == nil {
		c.looks = map[string]look{}
	}
	c.looks[path] = look{info, p}
	return p, nil
}

// seen is what was loaded from the file, or seen in it.
func (c *Images) seen(path string, info fs.FileInfo) (Program, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.latest[path]; i != nil && sameFile(i.from, info) {
		return Program{Digest: i.Digest}, true
	}
	if l, ok := c.looks[path]; ok && sameFile(l.from, info) {
		return l.program, true
	}
	return Program{}, false
}

// versionForm is what is taken for a version.
var versionForm = regexp.MustCompile(`^[A-Za-z0-9.+()_-]{1,64}$`)

// versionIn is that of the main module of a program in Go.
func versionIn(f *os.File) string {
	info, err := buildinfo.Read(f)
	if err != nil {
		return ""
	}
	return versionOf(info.Main.Version)
}

// versionOf is what a program says, if it is a version.
func versionOf(says string) string {
	if !versionForm.MatchString(says) {
		return ""
	}
	return says
}
