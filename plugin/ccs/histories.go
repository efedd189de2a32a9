package ccs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// historyRetry is how long a request that failed is left alone.
const historyRetry = 6 * time.Hour

// histories is what is known of each car's history. Each request has its turn
// once in a while only, because it counts towards the day's quota; the answers
// are kept and go into every snapshot.
//
// Safe for concurrent use.
type histories struct {
	store *sdk.Store
	// account that the cars are of.
	account string
	now     func() time.Time
	// every and atOnce are HistoryEvery and HistoryAtOnce of the options.
	every  time.Duration
	atOnce bool

	mu   sync.Mutex
	cars map[string]*carHistory
}

func newHistories(o Options, account string) *histories {
	return &histories{store: o.Store, account: account, now: o.Now, every: o.HistoryEvery, atOnce: o.HistoryAtOnce, cars: map[string]*carHistory{}}
}

type carHistory struct {
	stored historyDocument
	// data has consumption and trips.
	data *vehiclev1.VehicleData
	// readBefore: the car was read in this process. The first read has none of
	// this, so that a start is quick.
	readBefore bool
}

// historyDocument is a car's history on disk.
type historyDocument struct {
	Driving historyTurn     `json:"driving"`
	Trips   historyTurn     `json:"trips"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// historyTurn is the state of one kind of request.
type historyTurn struct {
	// Next is when it may be made again, in Unix milliseconds.
	Next int64 `json:"next"`
	// Rejected values of the last answer.
	Rejected int32 `json:"rejected,omitempty"`
}

// firstRead reports whether this is the process's first read of the car.
func (b *histories) firstRead(ctx context.Context, vehicleID string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.ofLocked(ctx, vehicleID)
	first := !h.readBefore
	h.readBefore = true
	return first
}

// takeTurn reports whether a request is due, and puts off the next one, on disk.
func (b *histories) takeTurn(ctx context.Context, vehicleID string, part historyPart) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.ofLocked(ctx, vehicleID)
	now := b.now()
	wait := time.UnixMilli(part.turn(&h.stored).Next).Sub(now)
	// A turn later than any that could be set comes of a clock that was wrong.
	if wait > 0 && wait <= max(b.every, historyRetry) && !b.atOnce {
		return false
	}
	next := h.stored
	part.turn(&next).Next = now.Add(historyRetry).UnixMilli()
	return b.putLocked(ctx, vehicleID, h, next)
}

// keep keeps an answer. What it does not have, for example because the
// month is young, stays as it was.
func (b *histories) keep(ctx context.Context, vehicleID string, part historyPart, data *vehiclev1.VehicleData, rejected int32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.ofLocked(ctx, vehicleID)
	merged := proto.CloneOf(h.data)
	if data.GetConsumption() != nil {
		merged.Consumption = data.Consumption
	}
	if t := data.GetTrips(); t != nil {
		if merged.Trips == nil {
			merged.Trips = &vehiclev1.Trips{}
		}
		if t.Month != nil {
			merged.Trips.Month = t.Month
		}
		if t.Day != nil {
			merged.Trips.Day = t.Day
		}
	}
	field.DropEmpty(merged)
	raw, err := protojson.Marshal(merged)
	if err != nil {
		sdk.Logger(ctx).Debug("the history cannot be stored", "error", err)
		return
	}
	next := h.stored
	next.Data = raw
	*part.turn(&next) = historyTurn{Next: b.now().Add(b.every).UnixMilli(), Rejected: rejected}
	if b.putLocked(ctx, vehicleID, h, next) {
		h.data = merged
	}
}

// add puts what is remembered into a snapshot, and returns how many
// values of it were not understood.
func (b *histories) add(ctx context.Context, vehicleID string, data *vehiclev1.VehicleData) int32 {
	if b.every < 0 {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.ofLocked(ctx, vehicleID)
	proto.Merge(data, h.data)
	return h.stored.Driving.Rejected + h.stored.Trips.Rejected
}

// ofLocked is what is known of a car's history.
func (b *histories) ofLocked(ctx context.Context, vehicleID string) *carHistory {
	if h := b.cars[vehicleID]; h != nil {
		return h
	}
	h := &carHistory{data: &vehiclev1.VehicleData{}}
	_, err := b.store.Get(b.name(vehicleID), &h.stored)
	if err == nil && len(h.stored.Data) > 0 {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(h.stored.Data, h.data)
	}
	if err != nil {
		sdk.Logger(ctx).Debug("the stored history cannot be read and is begun anew", "error", err)
		h = &carHistory{data: &vehiclev1.VehicleData{}}
	}
	b.cars[vehicleID] = h
	return h
}

// putLocked takes next up once it is on disk: a request that the disk does
// not know of would be made again by each restart.
func (b *histories) putLocked(ctx context.Context, vehicleID string, h *carHistory, next historyDocument) bool {
	if err := b.store.Put(b.name(vehicleID), next); err != nil {
		sdk.Logger(ctx).Debug("the history cannot be stored", "error", err)
		return false
	}
	h.stored = next
	return true
}

// forget removes what is kept of cars that are none of these.
func (b *histories) forget(known []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	stays := map[string]bool{}
	for _, id := range known {
		stays[b.name(id)] = true
	}
	for id := range b.cars {
		if !stays[b.name(id)] {
			delete(b.cars, id)
		}
	}
	for _, name := range b.store.Names(historyPrefix) {
		if !stays[name] {
			_ = b.store.Delete(name) // the next list finds it again
		}
	}
}

const historyPrefix = "history-"

// name names a car's document without naming the car.
func (b *histories) name(vehicleID string) string {
	sum := sha256.Sum256([]byte(b.account + "\x00" + vehicleID))
	return historyPrefix + hex.EncodeToString(sum[:6])
}
