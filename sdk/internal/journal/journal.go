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
	// Value is none for a key that an older version has deleted.
	Value json.RawMessage `json:"v,omitempty"`
}

// Entry is a value of a key. Values are stored as JSON.
type Entry struct {
	Key   string
	Value any
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

// Set stores values in one write, in order. One that cannot be stored is an error, and
// keeps no other from being stored.
func (j *Journal) Set(entries ...Entry) error {
	lines, wrong := encode(entries)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.memory != nil {
		for _, l := range lines {
			j.memory[l.key] = l.value
		}
		return wrong
	}
	if err := j.write(lines); err != nil {
		return errors.Join(wrong, err)
	}
	if j.size >= compactFrom && j.live < j.size/2 {
		return errors.Join(wrong, j.compact(nil))
	}
	return wrong
}

// line is a value, and its record as it stands in the file, with its end.
type line struct {
	key   string
	value json.RawMessage
	text  []byte
}

// encode makes lines of the entries that can be stored.
func encode(entries []Entry) (lines []line, wrong error) {
	for _, e := range entries {
		value, err := json.Marshal(e.Value)
		if err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("journal: %w", err))
			continue
		}
		key, _ := json.Marshal(e.Key) // a text can be
		text := slices.Concat([]byte(`{"k":`), key, []byte(`,"v":`), value, []byte("}\n"))
		if len(text) > maxRecord {
			wrong = errors.Join(wrong, fmt.Errorf("journal: a value of %d bytes is too long", len(text)))
			continue
		}
		lines = append(lines, line{e.Key, value, text})
	}
	return lines, wrong
}

// write is called with mu held.
func (j *Journal) write(lines []line) error {
	if err := j.follow(); err != nil || len(lines) == 0 {
		return err
	}
	var text []byte
	for _, l := range lines {
		text = append(text, l.text...)
	}
	before := j.size
	if err := j.append(text); err != nil {
		return err
	}
	if j.size != before+int64(len(text)) {
		return j.open() // another process wrote meanwhile
	}
	for _, l := range lines {
		j.put(l.key, true, place{before, len(l.text)})
		before += int64(len(l.text))
	}
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

// Retain removes every key but these, for good: nothing of the others' values is left in
// the file.
func (j *Journal) Retain(keys map[string]bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.memory != nil {
		maps.DeleteFunc(j.memory, func(key string, _ json.RawMessage) bool { return !keys[key] })
		return nil
	}
	if err := j.follow(); err != nil {
		return err
	}
	for key := range j.places {
		if !keys[key] {
			return j.compact(keys)
		}
	}
	return nil
}

// compact writes the file anew with what is alive, of these keys if there are any. Called
// with mu held.
func (j *Journal) compact(keys map[string]bool) error {
	var whole bytes.Buffer
	for key, at := range j.places {
		if keys != nil && !keys[key] {
			continue
		}
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
