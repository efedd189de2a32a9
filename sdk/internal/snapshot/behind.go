package snapshot

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/journal"
)

// Disk keeps the cars by a hash of their ids; a [journal.Journal] is one.
type Disk interface {
	// Get reads the value of a key into v, and says whether there is one.
	Get(key string, v any) (bool, error)
	Set(entries ...journal.Entry) error
	// Retain removes every key but these.
	Retain(keys map[string]bool) error
	Close() error
}

// behind writes cars to the disk, the newest of each, so that nobody waits for it: a
// process that is killed loses what the next reading brings back. Safe for concurrent
// use.
type behind struct {
	disk Disk
	log  *slog.Logger

	mu sync.Mutex
	// waiting are the cars that are not on the disk as they are now, in the order in
	// which they are written; each is there once.
	waiting []*recollection
	// retain are the keys of the cars that the account has; nil: nothing is to be removed.
	retain map[string]bool
	// idle is closed when all is written; nil: it is.
	idle chan struct{}
}

// batch is how many cars are written at once.
const batch = 64

// put gives a car to the writer.
func (b *behind) put(r *recollection) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !r.waits {
		r.waits = true
		b.waiting = append(b.waiting, r)
	}
	b.wake()
}

// forget removes what is known of cars without these keys.
func (b *behind) forget(keys map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.retain = keys
	b.waiting = slices.DeleteFunc(b.waiting, func(r *recollection) bool {
		r.waits = keys[carKey(r.id)]
		return !r.waits
	})
	b.wake()
}

// wake is called with the lock held.
func (b *behind) wake() {
	if b.idle == nil {
		b.idle = make(chan struct{})
		go b.write() // ends when all is written
	}
}

// flush waits until all is written, or ctx ends.
func (b *behind) flush(ctx context.Context) error {
	b.mu.Lock()
	idle := b.idle
	b.mu.Unlock()
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *behind) write() {
	for {
		cars, retain := b.next()
		if len(cars) == 0 && retain == nil {
			return
		}
		if retain != nil {
			if err := b.disk.Retain(retain); err != nil && !errors.Is(err, fs.ErrClosed) {
				b.log.Warn("what is known of cars that are gone cannot be removed", "error", err)
			}
		}
		var entries []journal.Entry
		for _, r := range cars {
			stored, err := r.stored()
			if err != nil {
				b.log.Warn("a car's snapshot cannot be stored", "vehicle", r.id, "error", err)
				continue
			}
			entries = append(entries, journal.Entry{Key: carKey(r.id), Value: stored})
		}
		if err := b.disk.Set(entries...); err != nil && !errors.Is(err, fs.ErrClosed) { // by the end of the account
			b.log.Warn("cars' snapshots cannot be stored", "cars", len(entries), "error", err)
		}
	}
}

// next is what is written next. If it is nothing, the writer has ended.
func (b *behind) next() (cars []*recollection, retain map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	retain, b.retain = b.retain, nil
	n := min(batch, len(b.waiting))
	cars, b.waiting = b.waiting[:n:n], b.waiting[n:]
	for _, r := range cars {
		r.waits = false
	}
	if n == 0 && retain == nil {
		close(b.idle)
		b.waiting, b.idle = nil, nil
	}
	return cars, retain
}

// stored is the stored form of a car as it is now.
func (r *recollection) stored() (carState, error) {
	r.mu.Lock()
	last, newest := r.last, r.newest
	state := carState{Suspects: r.suspects, Believed: r.believed}
	r.mu.Unlock()
	if !newest.IsZero() {
		state.Newest = newest.UnixMilli()
	}
	var err error
	state.Snapshot, err = proto.Marshal(last)
	return state, err
}
