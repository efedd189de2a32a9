package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/journal"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/atomicfile"
)

// Store keeps small documents in a private directory. A Put is whole or not at
// all, whenever the process is killed. Files are 0600, the directory is 0700.
// Safe for concurrent use. Without a directory it keeps them in memory.
type Store struct {
	dir string
	// books is full while somebody in this process has the lock between processes, or
	// waits for it: a wait for a file's lock holds up a thread of the system, of which a
	// process has only so many.
	books chan struct{}

	mu     sync.Mutex
	memory map[string][]byte
}

var storeName = regexp.MustCompile(`^[a-z0-9][a-z0-9_\-]{0,63}$`)

// OpenStore opens the store in dir, making the directory if needed.
func OpenStore(dir string) (*Store, error) {
	if dir == "" {
		return &Store{memory: map[string][]byte{}}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	atomicfile.Sweep(dir)
	return &Store{dir: dir, books: make(chan struct{}, 1)}, nil
}

// Dir is the store's directory, where a plugin may keep files of other names than the
// store's own; empty: nothing is kept.
func (s *Store) Dir() string { return s.dir }

// Put stores v as JSON under name: lower-case letters, digits, _ and -.
func (s *Store) Put(name string, v any) error { return s.put(name, v, atomicfile.Write) }

// keep is Put for what is dear, but not worth waiting for the disk: it survives
// the end of the process, however that comes, but perhaps no loss of power.
func (s *Store) keep(name string, v any) error { return s.put(name, v, atomicfile.WriteUnsynced) }

// journal opens what keeps many small values that change often.
func (s *Store) journal(name string) (*journal.Journal, error) {
	if s.memory != nil {
		return journal.Open("")
	}
	return journal.Open(filepath.Join(s.dir, name+".journal"))
}

func (s *Store) put(name string, v any, write func(path string, body []byte) error) error {
	path, err := s.path(name)
	if err != nil {
		return err
	}
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("store %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.memory != nil {
		s.memory[name] = body
		return nil
	}
	if err := write(path, body); err != nil {
		return fmt.Errorf("store %s: %w", name, err)
	}
	return nil
}

// Get reads name into v and says whether there was something. A document that cannot be
// read as v is an error, and is set aside: its file ends in .damaged, and from then on it
// counts as absent.
func (s *Store) Get(name string, v any) (bool, error) {
	path, err := s.path(name)
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	body, ok := s.memory[name]
	if s.memory == nil {
		body, err = os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("store %s: %w", name, err)
		}
	} else if !ok {
		return false, nil
	}
	if err := json.Unmarshal(body, v); err != nil {
		s.setAsideLocked(name, path)
		return false, fmt.Errorf("store %s is damaged: %w", name, err)
	}
	return true, nil
}

func (s *Store) setAsideLocked(name, path string) {
	if s.memory != nil {
		delete(s.memory, name)
		return
	}
	_ = os.Rename(path, path+".damaged") // else it is found damaged once more
}

// Delete removes name; it is no error if it is not there.
func (s *Store) Delete(name string) error {
	path, err := s.path(name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.memory != nil {
		delete(s.memory, name)
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("store %s: %w", name, err)
	}
	return nil
}

// Names are those of the documents that begin with prefix, in no order. A directory that
// cannot be read has none.
func (s *Store) Names(prefix string) (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.memory != nil {
		for name := range s.memory {
			if strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
		return names
	}
	files, _ := os.ReadDir(s.dir) // none: see above
	for _, f := range files {
		name, isDocument := strings.CutSuffix(f.Name(), ".json")
		if isDocument && strings.HasPrefix(name, prefix) && storeName.MatchString(name) {
			names = append(names, name)
		}
	}
	return names
}

func (s *Store) path(name string) (string, error) {
	if !storeName.MatchString(name) {
		return "", fmt.Errorf("store: %q is no valid name", name)
	}
	return filepath.Join(s.dir, name+".json"), nil
}
