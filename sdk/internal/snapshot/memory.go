package snapshot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Doc is the name of the document that the cars are kept in.
const Doc = "cars"

// Options of NewMemory. All are needed.
type Options struct {
	// Disk is the memory's to close.
	Disk   Disk
	Logger *slog.Logger
	Now    func() time.Time
	// HeldBack is called for each value that is newly held back, Older for each
	// snapshot that is left out because the last one is newer.
	HeldBack, Older func()
}

// Memory holds the last accepted snapshot of each car and the values that are held
// back. It outlives the process, so that a restart lets nothing jump back: each car is
// read from the disk when it is first asked for, and written behind. Safe for concurrent
// use; cars do not wait for each other.
type Memory struct {
	o      Options
	behind behind

	mu   sync.Mutex
	cars map[string]*recollection
}

// NewMemory remembers what is on the disk.
func NewMemory(o Options) *Memory {
	return &Memory{o: o, behind: behind{disk: o.Disk, log: o.Logger}, cars: map[string]*recollection{}}
}

// recollection of one car. Snapshots and maps in it are never changed.
type recollection struct {
	id string
	// waits to be written; the writer's, under its lock.
	waits bool

	mu sync.Mutex
	// recalled: it was looked for on the disk.
	recalled bool
	last     *vehiclev1.VehicleData
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
	r := m.recall(vehicleID)
	defer r.mu.Unlock()
	return r.last
}

// Accept takes a new snapshot and returns what now stands: the new one or, if
// that is older by the car's own time, the one before. Implausible values are
// held back. judge sees what stands, and the snapshot before it.
func (m *Memory) Accept(vehicleID string, next *vehiclev1.VehicleData, judge func(stands, before *vehiclev1.VehicleData)) *vehiclev1.VehicleData {
	shared.Normalize(next)
	r := m.recall(vehicleID)
	defer r.mu.Unlock()
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
		suspects, believed = m.holdBack(r, next)
	}
	judge(stands, before)
	changed := ObservedAt(stands) != ObservedAt(before) || len(suspects)+len(r.suspects) > 0 || before == nil
	r.last, r.suspects, r.believed = stands, suspects, believed
	if at := ProvenAt(stands, m.o.Now()); at.After(r.newest) || r.newest.After(m.o.Now().Add(clockSkew)) {
		r.newest = at
	}
	if changed {
		m.behind.put(r)
	}
	return stands
}

// recall returns a car, locked. It is read from the disk once.
func (m *Memory) recall(vehicleID string) *recollection {
	m.mu.Lock()
	r := m.cars[vehicleID]
	if r == nil {
		r = &recollection{id: vehicleID}
		m.cars[vehicleID] = r
	}
	m.mu.Unlock()

	r.mu.Lock()
	if r.recalled {
		return r
	}
	r.recalled = true
	var stored carState
	ok, err := m.o.Disk.Get(carKey(vehicleID), &stored)
	if err == nil && ok {
		err = r.take(stored)
	}
	if err != nil {
		m.o.Logger.Warn("a car's last snapshot cannot be read and is forgotten", "vehicle", vehicleID, "error", err)
	}
	return r
}

// take takes in the stored form. It is called with the lock held.
func (r *recollection) take(stored carState) error {
	d := &vehiclev1.VehicleData{}
	if err := proto.Unmarshal(stored.Snapshot, d); err != nil {
		return err
	}
	shared.Normalize(d) // an older version may have rounded otherwise
	recalled(d)
	r.last, r.suspects, r.believed = d, stored.Suspects, stored.Believed
	if stored.Newest > 0 {
		r.newest = time.UnixMilli(stored.Newest)
	}
	return nil
}

// Forget removes what is known of cars that the account no longer has.
func (m *Memory) Forget(known map[string]bool) {
	keys := map[string]bool{}
	for id := range known {
		keys[carKey(id)] = true
	}
	m.mu.Lock()
	for id := range m.cars {
		if !known[id] {
			delete(m.cars, id)
		}
	}
	m.mu.Unlock()
	m.behind.forget(keys)
}

// Flush waits until all is on the disk, or ctx ends.
func (m *Memory) Flush(ctx context.Context) error { return m.behind.flush(ctx) }

// Close is for an account that has ended: it flushes, and closes the disk. What is
// accepted later is not kept. A disk that is stuck when ctx ends is left open.
func (m *Memory) Close(ctx context.Context) error {
	if err := m.Flush(ctx); err != nil {
		return err
	}
	return m.o.Disk.Close()
}
