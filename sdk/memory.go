package sdk

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// memory holds the last accepted snapshot of each car and the values that are
// held back. It outlives the process, so that a restart lets nothing jump back.
// Safe for concurrent use.
type memory struct {
	store *Store
	log   *slog.Logger
	now   func() time.Time
	// held is called for each value that is newly held back.
	held func()

	mu   sync.Mutex
	cars map[string]*recollection
}

// recollection of one car. Snapshots in it are never changed.
type recollection struct {
	last     *vehiclev1.VehicleData
	suspects map[string]suspect
}

// carState is the stored form.
type carState struct {
	// Snapshot in the wire form of the schema.
	Snapshot []byte             `json:"snapshot"`
	Suspects map[string]suspect `json:"suspects,omitempty"`
}

// carDocs begins the names of the documents.
const carDocs = "car-"

// carDoc names a car's document without naming the car.
func carDoc(vehicleID string) string {
	sum := sha256.Sum256([]byte(vehicleID))
	return carDocs + hex.EncodeToString(sum[:8])
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
	stands := accept(before, next, m.now())
	suspects := r.suspects
	if stands == next {
		inRange(stands)
		suspects = m.holdBack(vehicleID, r, next)
	}
	judge(stands, before)
	changed := observedAt(stands) != observedAt(before) || len(suspects)+len(r.suspects) > 0 || before == nil
	r.last, r.suspects = stands, suspects
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
	ok, err := m.store.Get(carDoc(vehicleID), &stored)
	if err == nil && ok {
		d := &vehiclev1.VehicleData{}
		if err = proto.Unmarshal(stored.Snapshot, d); err == nil {
			refreshOf(d).PolledAt = nil // not by this process
			r.last, r.suspects = d, stored.Suspects
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
		err = m.store.keep(carDoc(vehicleID), carState{Snapshot: body, Suspects: r.suspects})
	}
	if err != nil {
		m.log.Warn("a car's snapshot cannot be stored", "vehicle", vehicleID, "error", err)
	}
}

// forget removes what is known of cars that the account no longer has.
func (m *memory) forget(known map[string]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	docs := map[string]bool{}
	for id := range known {
		docs[carDoc(id)] = true
	}
	for id := range m.cars {
		if !known[id] {
			delete(m.cars, id)
		}
	}
	names, err := m.store.names()
	for _, name := range names {
		if strings.HasPrefix(name, carDocs) && !docs[name] {
			err = m.store.Delete(name)
		}
	}
	if err != nil {
		m.log.Warn("what is known of cars that are gone cannot be removed", "error", err)
	}
}
