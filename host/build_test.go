package host_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// built is where the corpus has been built; empty before that.
var built struct {
	sync.Mutex
	dir string
}

// hostileProgram builds the corpus, once. It has no race detector, which does not
// bear the limits.
func hostileProgram() (path string, err error) {
	built.Lock()
	defer built.Unlock()
	if built.dir != "" {
		return filepath.Join(built.dir, "hostile"), nil
	}
	dir, err := os.MkdirTemp("", "hostile")
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "hostile")
	if out, err := exec.Command("go", "build", "-race=false", "-ldflags=-s -w", "-o", path, "./internal/hostile").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w", out, err)
	}
	built.dir = dir
	return path, os.Chmod(dir, 0o755)
}

func removeBuilt() {
	built.Lock()
	defer built.Unlock()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
}
