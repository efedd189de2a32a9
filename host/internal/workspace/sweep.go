package workspace

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// lockFile lies in a runtime directory and is locked while it is in use.
const lockFile = ".lock"

// sweep removes the runtime directories of hosts that are dead.
func sweep(base string) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return
	}

	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), runtimePrefix) {
			continue
		}
		dir := filepath.Join(base, e.Name())
		info, err := e.Info()
		if err != nil || !ours(info) || beingMade(dir, info) {
			continue
		}
		if lock, err := lockDir(dir); err == nil {
			_ = Remove(dir) // what cannot be removed is somebody else's trouble
			unlock(lock)
		}
	}
}

// beingMade reports whether another host may be between making the directory and
// locking it.
func beingMade(dir string, info fs.FileInfo) bool {
	if _, err := os.Stat(filepath.Join(dir, lockFile)); err == nil {
		return false
	}
	return time.Since(info.ModTime()) < time.Minute
}
