// Package atomicfile writes small files that are whole or not there, at whatever
// instant the process is killed.
package atomicfile

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// abandoned is how old a temporary file is that nobody writes any more.
const abandoned = time.Hour

// Sweep removes what killed processes have left of their writes in dir.
func Sweep(dir string) {
	files, _ := os.ReadDir(dir) // else there is nothing to sweep
	for _, f := range files {
		info, err := f.Info()
		if err == nil && info.Mode().IsRegular() && isTemporary(f.Name()) && time.Since(info.ModTime()) > abandoned {
			_ = os.Remove(filepath.Join(dir, f.Name())) // else the next one does
		}
	}
}

// isTemporary knows the names that write gives.
func isTemporary(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	return dot > 0 && name[0] == '.' && dot+1 < len(name) && strings.Trim(name[dot+1:], "0123456789") == ""
}

// Write makes the new content of path durable before it takes the old one's
// place. The file is readable and writable by its owner alone.
func Write(path string, body []byte) error { return write(path, body, (*os.File).Sync) }

// WriteUnsynced is Write without waiting for the disk: whole or not there when
// the process is killed, perhaps the old content after a loss of power.
func WriteUnsynced(path string, body []byte) error {
	return write(path, body, func(*os.File) error { return nil })
}

func write(path string, body []byte, sync func(*os.File) error) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	_, err = tmp.Write(body)
	if err == nil {
		err = sync(tmp)
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	// Not every file system can sync a directory; the rename itself stands.
	_ = sync(dir)
	return nil
}
