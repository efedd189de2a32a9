package snapshot

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
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Doc is the name of the document that the cars are kept in.
const Doc = "cars"

// Options of NewMemory. All are needed.
type Options struct {
	// Disk has the cars by a hash of their ids. It is the memory's to close.
	Disk   *journal.Journal
	Logger *slog.Logger
	Now    func() time.Time
	// HeldBack is called for each value that is newly held back, Older for each
	// snapshot that is left out because the last one is newer.
	HeldBack, Older func()
}

// Memory holds the last accepted snapshot of each car and the values that are held
// back. It outlives the process, so that a restart lets nothing jump back. Safe for
// concurrent use.
type Memory struct {
	o Options

	mu   sync.Mutex
	cars map[string]*recollection
}

// NewMemory reads a car from the disk when it is first asked for.
func NewMemory(o Options) *Memory { return &Memory{o: o, cars: map[string]*recollection{}} }

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

// carKey names a car without naming it.
func carKey(vehicleID string) string {
	sum := sha256.Sum256([]byte(vehicleID))
	return hex.EncodeToString(sum[:8])
}

// Last returns the last snapshot, or nil. What an earlier process has stored
// counts, but not as polled.
func (m *Memory) Last(vehicleID string) *vehiclev1.VehicleData {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.recallLocked(vehicleID).last
}

// Accept takes a new snapshot and returns what now stands: the new one or, if
// that is older by the car's own time, the one before. Implausible values are
// held back. judge sees what stands, and the snapshot before it.
func (m *Memory) Accept(vehicleID string, next *vehiclev1.VehicleData, judge func(stands, before *vehiclev1.VehicleData)) *vehiclev1.VehicleData {
	shared.Normalize(next)
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.recallLocked(vehicleID)
	before := r.last
	stands, older := accept(before, next, r.newest, m.o.Now())
	suspects, believed := r.suspects, r.believed
	if older {
		m.o.Older()
		m.o.Logger.Info("the vendor's copy is older than the last one, and is left out", "vehicle", vehicleID,
			"car_time", ObservedAt(next), "kept", ObservedAt(before))
	} else {
		inRange(stands)
		keepPosition(stands, before, m.o.Now())
		suspects, believed = m.holdBackLocked(vehicleID, r, next)
	}
	judge(stands, before)
	changed := ObservedAt(stands) != ObservedAt(before) || len(suspects)+len(r.suspects) > 0 || before == nil
	r.last, r.suspects, r.believed = stands, suspects, believed
	if at := ProvenAt(stands, m.o.Now()); at.After(r.newest) || r.newest.After(m.o.Now().Add(clockSkew)) {
		r.newest = at
	}
	if changed {
		m.saveLocked(vehicleID, r)
	}
	return stands
}

// recallLocked reads a car from the disk once.
func (m *Memory) recallLocked(vehicleID string) *recollection {
	if r, ok := m.cars[vehicleID]; ok {
		return r
	}
	r := &recollection{}
	m.cars[vehicleID] = r
	var stored carState
	ok, err := m.o.Disk.Get(carKey(vehicleID), &stored)
	if err == nil && ok {
		d := &vehiclev1.VehicleData{}
		if err = proto.Unmarshal(stored.Snapshot, d); err == nil {
			shared.Normalize(d) // an older version may have rounded otherwise
			recalled(d)
			r.last, r.suspects, r.believed = d, stored.Suspects, stored.Believed
			if stored.Newest > 0 {
				r.newest = time.UnixMilli(stored.Newest)
			}
		}
	}
	if err != nil {
		m.o.Logger.Warn("a car's last snapshot cannot be read and is forgotten", "vehicle", vehicleID, "error", err)
	}
	return r
}

func (m *Memory) saveLocked(vehicleID string, r *recollection) {
	body, err := proto.Marshal(r.last)
	if err == nil {
		stored := carState{Snapshot: body, Suspects: r.suspects, Believed: r.believed}
		if !r.newest.IsZero() {
			stored.Newest = r.newest.UnixMilli()
		}
		err = m.o.Disk.Set(carKey(vehicleID), stored)
	}
	if err != nil && !errors.Is(err, fs.ErrClosed) { // by the end of the account
		m.o.Logger.Warn("a car's snapshot cannot be stored", "vehicle", vehicleID, "error", err)
	}
}

// Forget removes what is known of cars that the account no longer has.
func (m *Memory) Forget(known map[string]bool) {
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
	gone := slices.DeleteFunc(m.o.Disk.Keys(), func(key string) bool { return keys[key] })
	if err := m.o.Disk.Delete(gone...); err != nil {
		m.o.Logger.Warn("what is known of cars that are gone cannot be removed", "error", err)
	}
}

// Close is for an account that has ended.
func (m *Memory) Close() { _ = m.o.Disk.Close() } // every value is in it
