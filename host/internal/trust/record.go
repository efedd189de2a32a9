package trust

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/atomicfile"
)

// Record is what the host keeps about a plugin, out of the plugin's reach.
type Record struct {
	// Digest of the program that is trusted, and since when.
	Digest  string    `json:"digest,omitempty"`
	Trusted time.Time `json:"trusted,omitzero"`
	// Quarantine is set while the plugin is kept from running.
	Quarantine *Quarantine `json:"quarantine,omitempty"`
}

// Quarantine of the trusted program. Not changed once it is made.
type Quarantine struct {
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

// File keeps one plugin's record, on disk if there is a path. Safe for concurrent
// use.
type File struct {
	path string

	mu     sync.Mutex
	loaded bool
	record Record
}

// NewFile reads nothing yet. An empty path keeps the record in memory.
func NewFile(path string) *File { return &File{path: path} }

// Get returns the record. A damaged file is an error: to start anew in silence
// would trust any program.
func (f *File) Get() (Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	err := f.loadLocked()
	return f.record, err
}

func (f *File) loadLocked() error {
	if f.loaded || f.path == "" {
		return nil
	}

	var stored Record
	body, err := os.ReadFile(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	case err == nil:
		err = json.Unmarshal(body, &stored)
	}
	if err != nil {
		return fmt.Errorf("the host's record of it cannot be read; remove %s to start anew: %w", f.path, err)
	}

	f.record, f.loaded = stored, true
	return nil
}

// Trust stores that a program is trusted since now. What was held against another
// one is forgotten.
func (f *File) Trust(digest string, now time.Time) error {
	return f.change(func(r *Record) {
		if r.Digest != digest {
			*r = Record{Digest: digest, Trusted: now}
		}
	})
}

// SetQuarantine stores a quarantine, or none.
func (f *File) SetQuarantine(q *Quarantine) error {
	return f.change(func(r *Record) { r.Quarantine = q })
}

// change stores what edit makes of the record.
func (f *File) change(edit func(*Record)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.loadLocked(); err != nil {
		return err
	}

	before := f.record
	edit(&f.record)
	if f.path == "" || f.record == before {
		return nil
	}

	body, err := json.MarshalIndent(f.record, "", "  ")
	if err != nil {
		return err
	}
	err = atomicfile.Write(f.path, append(body, '\n'))
	if err != nil {
		f.record = before // what is not on disk is not known
	}
	return err
}
