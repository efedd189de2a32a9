package sdk

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/journal"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// memory holds the last accepted snapshot of each car and the values that are
// held back. It outlives the process, so that a restart lets nothing jump back.
// Safe for concurrent use.
type memory struct {
	// cars on disk, by a hash of their ids.
	disk *journal.Journal
	log  *slog.Logger
	now  func() time.Time
	// held is called for each value that is newly held back, older for each snapshot
	// that is left out because the last one is newer.
	held, older func()

	mu   sync.Mutex
	cars map[string]*recollection
}

// recollection of one car. Snapshots in it are never changed.
type recollection struct {
	last *vehiclev1.VehicleData
	// newest is the newest time that the car was believed.
	newest time.Time
	// suspects by attribute are what is held back, believed what was accepted last:
	// a report without a value leaves both as they are.
	suspects, believed map[string]sighting
}

// carState is the stored form.
type carState struct {
	// Snapshot in the wire form of the schema.
	Snapshot []byte `json:"snapshot"`
	// Newest in Unix milliseconds.
	Newest   int64               `json:"newest,omitempty"`
	Suspects map[string]sighting `json:"suspects,omitempty"`
	Believed map[string]sighting `json:"believed,omitempty"`
}

// carsDoc is what the cars are kept in.
const carsDoc = "cars"

// carKey names a car without naming it.
func carKey(vehicleID string) string {
	sum := sha256.Sum256([]byte(vehicleID))
	return hex.EncodeToString(sum[:8])
}

// last returns the last snapshot, or nil. What an earlier process has stored
// counts, but not as polled.
func (m *memory) last(vehicleID string) *vehiclev1.VehicleData {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.recall(vehicleID).last
}

// accept takes a new snapshot and returns what now stands: the new one or, if
// that is older by the car's own time, the one before. Implausible values are
// held back. judge sees what stands, and the snapshot before it.
func (m *memory) accept(vehicleID string, next *vehiclev1.VehicleData, judge func(stands, before *vehiclev1.VehicleData)) *vehiclev1.VehicleData {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.recall(vehicleID)
	before := r.last
	stands, older := accept(before, next, r.newest, m.now())
	suspects, believed := r.suspects, r.believed
	if older {
		m.older()
		m.log.Info("the vendor's copy is older than the last one, and is left out", "vehicle", vehicleID,
			"car_time", observedAt(next), "kept", observedAt(before))
	} else {
		inRange(stands)
		keepPosition(stands, before)
		suspects, believed = m.holdBack(vehicleID, r, next)
	}
	judge(stands, before)
	changed := observedAt(stands) != observedAt(before) || len(suspects)+len(r.suspects) > 0 || before == nil
	r.last, r.suspects, r.believed = stands, suspects, believed
	if at := provenAt(stands, m.now()); at.After(r.newest) || r.newest.After(m.now().Add(clockSkew)) {
		r.newest = at
	}
	if changed {
		m.save(vehicleID, r)
	}
	return stands
}

// recall is called with mu held.
func (m *memory) recall(vehicleID string) *recollection {
	if r, ok := m.cars[vehicleID]; ok {
		return r
	}
	r := &recollection{}
	m.cars[vehicleID] = r
	var stored carState
	ok, err := m.disk.Get(carKey(vehicleID), &stored)
	if err == nil && ok {
		d := &vehiclev1.VehicleData{}
		if err = proto.Unmarshal(stored.Snapshot, d); err == nil {
			refreshOf(d).PolledAt = nil // not by this process
			r.last, r.suspects, r.believed = d, stored.Suspects, stored.Believed
			if stored.Newest > 0 {
				r.newest = time.UnixMilli(stored.Newest)
			}
		}
	}
	if err != nil {
		m.log.Warn("a car's last snapshot cannot be read and is forgotten", "vehicle", vehicleID, "error", err)
	}
	return r
}

// save is called with mu held.
func (m *memory) save(vehicleID string, r *recollection) {
	body, err := proto.Marshal(r.last)
	if err == nil {
		stored := carState{Snapshot: body, Suspects: r.suspects, Believed: r.believed}
		if !r.newest.IsZero() {
			stored.Newest = r.newest.UnixMilli()
		}
		err = m.disk.Set(carKey(vehicleID), stored)
	}
	if err != nil && !errors.Is(err, fs.ErrClosed) { // by the end of the account
		m.log.Warn("a car's snapshot cannot be stored", "vehicle", vehicleID, "error", err)
	}
}

// forget removes what is known of cars that the account no longer has.
func (m *memory) forget(known map[string]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := map[string]bool{}
	for id := range known {
		keys[carKey(id)] = true
	}
	for id := range m.cars {
		if !known[id] {
			delete(m.cars, id)
		}
	}
	gone := slices.DeleteFunc(m.disk.Keys(), func(key string) bool { return keys[key] })
	if err := m.disk.Delete(gone...); err != nil {
		m.log.Warn("what is known of cars that are gone cannot be removed", "error", err)
	}
}

// close is for an account that has ended.
func (m *memory) close() { _ = m.disk.Close() } // every value is in it
