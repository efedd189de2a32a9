package ccs

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
)

// traits are what reading has shown of each car, and no list says. Safe for concurrent
// use.
type traits struct {
	store *sdk.Store
	log   *slog.Logger
	now   func() time.Time

	mu sync.Mutex
	// seen by a hash of the car's id; nil until it is read from the disk.
	seen map[string]trait
}

type trait struct {
	// CCS1 and CCS2: the car's state was read in it. The first is what nearly all
	// cars show that are said to speak it, and is not worth the disk.
	CCS1 bool `json:"-"`
	CCS2 bool `json:"ccs2,omitempty"`
	// Tried is when CCS2 was last tried, Unix milliseconds.
	Tried int64 `json:"tried,omitempty"`
	// Shift is how many minutes the car's zone lies from the region's, see
	// [field.Clock].
	Shift int64 `json:"shift_minutes,omitempty"`
	// Told is the last time that the car's own status had, read in the region's zone.
	Told time.Time `json:"-"`
}

const (
	// traitsDoc is called after what was the first trait.
	traitsDoc = "dialects"
	// dialectRetry is how long after a try in vain CCS2 is not tried again.
	dialectRetry = 24 * time.Hour
)

func newTraits(o Options) *traits { return &traits{store: o.Store, log: o.Logger, now: o.Now} }

// of a car, what is known.
func (t *traits) of(vehicleID string) trait {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.readLocked()[traitKey(vehicleID)]
}

// flag of a car: the list's, unless reading has shown better.
func (t *traits) flag(vehicleID string, listed int32) int32 {
	if listed == 0 && t.of(vehicleID).CCS2 {
		return 1
	}
	return listed
}

// takeTry reports whether CCS2 may be tried, and takes the day's try if so.
func (t *traits) takeTry(vehicleID string) bool {
	now, may := t.now(), false
	t.learn(vehicleID, func(car *trait) {
		since := now.Sub(time.UnixMilli(car.Tried))
		if may = !car.CCS1 && (since < 0 || since >= dialectRetry); may {
			car.Tried = now.UnixMilli()
		}
	})
	return may
}

// learn changes what is known of a car, and stores it if it is new.
func (t *traits) learn(vehicleID string, change func(*trait)) {
	t.mu.Lock()
	defer t.mu.Unlock()

	all := t.readLocked()
	before := all[traitKey(vehicleID)]
	after := before
	if change(&after); after == before {
		return
	}
	all[traitKey(vehicleID)] = after

	if after.CCS1, after.Told = before.CCS1, before.Told; after == before {
		return
	}
	t.saveLocked()
}

func (t *traits) saveLocked() {
	if err := t.store.Put(traitsDoc, t.seen); err != nil {
		t.log.Warn("what reading has shown of the cars cannot be stored", "error", err)
	}
}

// forget removes what is kept of cars that are none of these.
func (t *traits) forget(known []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	stays := map[string]bool{}
	for _, id := range known {
		stays[traitKey(id)] = true
	}
	all := t.readLocked()
	before := len(all)
	maps.DeleteFunc(all, func(key string, _ trait) bool { return !stays[key] })
	if len(all) < before {
		t.saveLocked()
	}
}

// readLocked reads the disk once.
func (t *traits) readLocked() map[string]trait {
	if t.seen == nil {
		t.seen = map[string]trait{}
		if _, err := t.store.Get(traitsDoc, &t.seen); err != nil {
			t.log.Warn("what reading has shown of the cars cannot be read", "error", err)
			t.seen = map[string]trait{}
		}
	}
	return t.seen
}

func traitKey(vehicleID string) string {
	sum := sha256.Sum256([]byte(vehicleID))
	return hex.EncodeToString(sum[:8])
}
