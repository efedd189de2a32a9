// Package journal keeps values by key in one file that only grows at its end: a
// change is one short write, so that a fleet's cars do not cost a new file for each
// reading. A process that is killed at any instant loses at most the value that it
// was writing. Two processes may share a file for a while.
package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/atomicfile"
)

// maxRecord is the longest record; a longer line is no record.
const maxRecord = 1 << 20

// A file is written anew, with what is alive, when it has so many bytes and more
// than half of them are dead.
const compactFrom = 256 << 10

// record is a line of the file.
type record struct {
	Key string `json:"k"`
	// Value is none for a key that was deleted.
	Value json.RawMessage `json:"v,omitempty"`
}

// place of a value's record in the file.
type place struct {
	at     int64
	length int
}

// Journal is an open file. Safe for concurrent use.
type Journal struct {
	path string // empty: in memory only

	mu     sync.Mutex
	file   *os.File
	places map[string]place
	size   int64 // of the file
	live   int64 // of the records that count
	memory map[string]json.RawMessage
	closed bool
}

// Open opens the file, and makes it if there is none; without a path values are
// kept in memory. Lines that are no records are skipped.
func Open(path string) (*Journal, error) {
	j := &Journal{path: path, places: map[string]place{}}
	if path == "" {
		j.memory = map[string]json.RawMessage{}
		return j, nil
	}
	return j, j.open()
}

// open is called with mu held, or before anybody else can.
func (j *Journal) open() (err error) {
	if j.file != nil {
		_ = j.file.Close()
	}
	if j.file, err = os.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return err
	}
	j.places, j.size, j.live = map[string]place{}, 0, 0
	lines := bufio.NewReaderSize(j.file, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		whole := bytes.HasSuffix(line, []byte("\n"))
		var r record
		if len(line) <= maxRecord && json.Unmarshal(line, &r) == nil && r.Key != "" {
			j.put(r.Key, r.Value != nil, place{j.size, len(line)})
		}
		j.size += int64(len(line))
		if err != nil {
			if len(line) > 0 && !whole {
				return j.append([]byte("\n")) // it was killed while it wrote
			}
			return nil
		}
	}
}

// put notes where a key's record is.
func (j *Journal) put(key string, alive bool, at place) {
	if old, known := j.places[key]; known {
		j.live -= int64(old.length)
		delete(j.places, key)
	}
	if alive {
		j.places[key] = at
		j.live += int64(at.length)
	}
}

// append writes at the end. Called with mu held.
func (j *Journal) append(b []byte) error {
	if _, err := j.file.Write(b); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	// The end may have moved: another process writes here, too.
	end, err := j.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.size = end
	return nil
}

// Get reads the value of key into v and says whether there is one.
func (j *Journal) Get(key string, v any) (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	value, err := j.value(key)
	if err != nil || value == nil {
		return false, err
	}
	return true, json.Unmarshal(value, v)
}

// value is called with mu held; nil if there is none.
func (j *Journal) value(key string) (json.RawMessage, error) {
	if j.memory != nil {
		return j.memory[key], nil
	}
	if err := j.follow(); err != nil {
		return nil, err
	}
	at, known := j.places[key]
	if !known {
		return nil, nil
	}
	line := make([]byte, at.length)
	if _, err := j.file.ReadAt(line, at.at); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var r record
	if err := json.Unmarshal(line, &r); err != nil || r.Key != key {
		return nil, fmt.Errorf("journal: the record of a key is not where it was: %w", fs.ErrInvalid)
	}
	return r.Value, nil
}

// Set stores a value.
func (j *Journal) Set(key string, v any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.memory != nil {
		j.memory[key] = value
		return nil
	}
	if err := j.write(record{key, value}); err != nil {
		return err
	}
	if j.size >= compactFrom && j.live < j.size/2 {
		return j.compact()
	}
	return nil
}

// write is called with mu held.
func (j *Journal) write(r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if line = append(line, '\n'); len(line) > maxRecord {
		return fmt.Errorf("journal: a value of %d bytes is too long", len(line))
	}
	if err := j.follow(); err != nil {
		return err
	}
	before := j.size
	if err := j.append(line); err != nil {
		return err
	}
	if j.size != before+int64(len(line)) {
		return j.open() // another process wrote meanwhile
	}
	j.put(r.Key, r.Value != nil, place{before, len(line)})
	return nil
}

// follow reads the file again if another process has written to it, half a record did
// not find room, or somebody has removed it. Called with mu held.
func (j *Journal) follow() error {
	if j.closed {
		return fmt.Errorf("journal: %w", fs.ErrClosed)
	}
	there, err := os.Stat(j.path)
	if err == nil {
		here, hereErr := j.file.Stat()
		if hereErr == nil && os.SameFile(here, there) && there.Size() == j.size {
			return nil
		}
	}
	return j.open()
}

// Keys are those that have a value.
func (j *Journal) Keys() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.memory != nil {
		return slices.Collect(maps.Keys(j.memory))
	}
	return slices.Collect(maps.Keys(j.places))
}

// Delete removes keys for good: nothing of their values is left in the file.
func (j *Journal) Delete(keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.memory != nil {
		for _, key := range keys {
			delete(j.memory, key)
		}
		return nil
	}
	for _, key := range keys {
		if err := j.write(record{Key: key}); err != nil {
			return err
		}
	}
	return j.compact()
}

// compact writes the file anew with what is alive. Called with mu held.
func (j *Journal) compact() error {
	var whole bytes.Buffer
	for _, at := range j.places {
		line := make([]byte, at.length)
		if _, err := j.file.ReadAt(line, at.at); err != nil {
			return fmt.Errorf("journal: %s: %w", filepath.Base(j.path), err)
		}
		whole.Write(append(bytes.TrimSuffix(line, []byte("\n")), '\n'))
	}
	if err := atomicfile.WriteUnsynced(j.path, whole.Bytes()); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return j.open()
}

// Close closes the file; every value is in it already. What comes later fails with
// [fs.ErrClosed].
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil || j.closed {
		return nil
	}
	j.closed = true
	return j.file.Close()
}
