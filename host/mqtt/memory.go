package mqtt

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/atomicfile"
)

// memory remembers the ids that senders have given to commands, and how those have
// ended: an id acts once, also if it comes again after a restart. With a directory it
// is a file there: a line for each beginning, which is on the disk before the command
// is carried out, and one for each end. The file's own time says when the bridge was
// last connected. Safe for concurrent use.
type memory struct {
	path string // empty: nothing outlives the process
	now  func() time.Time

	mu      sync.Mutex
	entries map[string]*entry
	// order of the keys by age.
	order []string
	file  *os.File
	lines int // in the file
	// next is what is written when the write that is under way has ended.
	next     *writing
	writing  bool
	flushing sync.WaitGroup
	// seen is when an earlier process was last connected; zero: nobody knows.
	seen time.Time
}

// entry is a command that had an id.
type entry struct {
	Vehicle string    `json:"vehicle"`
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	// Answer is the last one; nil: there is none yet.
	Answer json.RawMessage `json:"answer,omitempty"`
	Ended  time.Time       `json:"ended,omitzero"`
	// earlier: it was begun by an earlier process.
	earlier bool
}

func (e *entry) key() string { return e.Vehicle + "/" + e.ID }

const (
	// remembered is for how long an id acts once.
	remembered = time.Hour
	// maxRemembered ids; the oldest go.
	maxRemembered = 1 << 16
	// maxLines of the file before it is written anew.
	maxLines = 4 * maxCommands
	// memoryFile is the file's name.
	memoryFile = "mqtt-commands.jsonl"
	// seenInterval is how often the file's time is set.
	seenInterval = 10 * time.Second
)

// writing is a write to the file.
type writing struct {
	lines []byte
	done  chan struct{}
	err   error
}

// newMemory reads what an earlier process remembered.
func newMemory(dir string, now func() time.Time) (*memory, error) {
	m := &memory{now: now, entries: map[string]*entry{}}
	if dir == "" {
		return m, nil
	}
	m.path = filepath.Join(dir, memoryFile)
	if err := m.load(); err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	if err := m.rewrite(); err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	return m, nil
}

// load reads the file. A line that is cut off, by a crash, was not carried out.
func (m *memory) load() error {
	file, err := os.Open(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	if info, err := file.Stat(); err == nil {
		m.seen = info.ModTime()
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		e := &entry{earlier: true}
		if json.Unmarshal(lines.Bytes(), e) == nil && e.ID != "" {
			m.keep(e)
		}
	}
	return lines.Err()
}

// keep keeps an entry in the place of the one with its id.
func (m *memory) keep(e *entry) {
	key := e.key()
	if m.entries[key] == nil {
		m.order = append(m.order, key)
	}
	m.entries[key] = e
}

// forget forgets what is too old, or too much. Called with the lock held.
func (m *memory) forget() {
	now := m.now()
	for len(m.order) > 0 {
		if len(m.order) <= maxRemembered && now.Sub(m.entries[m.order[0]].At) < remembered {
			return
		}
		delete(m.entries, m.order[0])
		m.order = m.order[1:]
	}
}

// begin notes that a command is carried out. It returns what is known of the id if it
// has come before. An error says that it would not be known after a restart.
func (m *memory) begin(vehicle, id string) (before *entry, err error) {
	m.mu.Lock()
	m.forget()
	e := &entry{Vehicle: vehicle, ID: id, At: m.now()}
	if old := m.entries[e.key()]; old != nil {
		before := *old
		old.earlier = false // it is this process's to answer now
		m.mu.Unlock()
		return &before, nil
	}
	m.keep(e)
	w := m.write(e)
	m.mu.Unlock()
	<-w.done
	return nil, w.err
}

// end notes how a command has ended.
func (m *memory) end(vehicle, id string, answer []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[(&entry{Vehicle: vehicle, ID: id}).key()]
	if e == nil {
		return // long ago
	}
	e.Answer, e.Ended = answer, m.now()
	m.write(e)
}

// write writes an entry with those that come meanwhile. Called with the lock held.
func (m *memory) write(e *entry) *writing {
	if m.next == nil {
		m.next = &writing{done: make(chan struct{})}
	}
	w := m.next
	line, _ := json.Marshal(e) // plain fields, and JSON
	w.lines = append(append(w.lines, line...), '\n')
	m.lines++
	if !m.writing {
		m.writing = true
		m.flushing.Go(m.flush)
	}
	return w
}

// flush writes until there is nothing left to write.
func (m *memory) flush() {
	for {
		m.mu.Lock()
		w := m.next
		if m.next = nil; w == nil {
			m.writing = false
			m.mu.Unlock()
			return
		}
		file, full := m.file, m.lines > maxLines
		m.mu.Unlock()
		switch {
		case file == nil: // it is kept in memory only
		case full:
			w.err = m.rewrite()
		default:
			if _, w.err = file.Write(w.lines); w.err == nil {
				w.err = file.Sync()
			}
		}
		close(w.done)
	}
}

// rewrite writes the file anew, without what is forgotten.
func (m *memory) rewrite() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget()
	var all []byte
	for _, key := range m.order {
		line, _ := json.Marshal(m.entries[key]) // plain fields, and JSON
		all = append(append(all, line...), '\n')
	}
	if err := atomicfile.Write(m.path, all); err != nil {
		return err
	}
	file, err := os.OpenFile(m.path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if m.file != nil {
		_ = m.file.Close() // another file is in its place
	}
	m.file, m.lines = file, len(m.order)
	if !m.seen.IsZero() {
		return os.Chtimes(m.path, m.seen, m.seen)
	}
	return nil
}

// connected notes that the bridge is connected now.
func (m *memory) connected() {
	if m.path != "" {
		now := m.now()
		_ = os.Chtimes(m.path, now, now) // else commands of a restart have expired
	}
}

// waited is how long a command may have waited for the first connection of this
// process; negative: nobody knows.
func (m *memory) waited(now time.Time) time.Duration {
	if m.seen.IsZero() || m.seen.After(now) {
		return -1
	}
	return now.Sub(m.seen) + seenInterval
}

// close ends the writing; nobody begins any more.
func (m *memory) close() {
	m.flushing.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.file != nil {
		_ = m.file.Close() // each line was synced
		m.file = nil
	}
}
