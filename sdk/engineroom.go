package sdk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// engineRoom is the directory of the engine's own documents within a plugin's store: no
// name that an author chooses can touch a lock-out clock or a budget.
const engineRoom = "engine"

// openEngineRoom opens the engine's part of an author's store.
func openEngineRoom(author *Store) (*Store, error) {
	if author.dir == "" {
		return OpenStore("")
	}
	dir := filepath.Join(author.dir, engineRoom)
	if isMissing(dir) {
		if err := makeRoom(author, dir); err != nil {
			return nil, fmt.Errorf("state directory: %w", err)
		}
	}
	return OpenStore(dir)
}

func isMissing(dir string) bool {
	_, err := os.Stat(dir)
	return errors.Is(err, fs.ErrNotExist)
}

// makeRoom makes the directory, one process at a time. Under its name it is complete,
// whenever the process is killed.
func makeRoom(author *Store, dir string) error {
	defer author.alone()()
	if !isMissing(dir) {
		return nil // another process was faster
	}
	draft := dir + ".new"
	if err := moveIn(author.dir, draft); err != nil {
		return err
	}
	return os.Rename(draft, dir)
}

// moveIn moves what an older version has left among the author's documents.
func moveIn(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	files, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.IsDir() || !wasTheEngines(f.Name()) {
			continue
		}
		if err := os.Rename(filepath.Join(from, f.Name()), filepath.Join(to, f.Name())); err != nil {
			return err
		}
	}
	return nil
}

func wasTheEngines(file string) bool {
	switch file {
	case "fingerprint.json", "login.json", "login-next.json", "ledger.json", "closures.json", "schedule.json",
		"fleet.json", "cars.journal":
		return true
	}
	return strings.HasPrefix(file, "gate-") && strings.HasSuffix(file, ".json")
}
