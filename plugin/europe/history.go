package europe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/field"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/history"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

const (
	// historyRetry is how long a request that failed is left alone.
	historyRetry = 6 * time.Hour
	// historyTimeout bounds what the history may add to a cached read.
	historyTimeout = 10 * time.Second
)

// histories is what is known of each car's history. Each request has its turn
// once in a while only, because it counts towards the day's quota; the answers
// are kept and go into every snapshot.
type histories struct {
	mu   sync.Mutex
	cars map[string]*carHistory
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

// historyPart is one kind of request.
type historyPart struct {
	name string
	turn func(*historyDocument) *historyTurn
	ask  func(context.Context, *field.Report) (*vehiclev1.VehicleData, error)
}

// updateHistory asks for what is due. A failure costs nothing but the history, but
// that the session has ended ends the read. The turn is over before
// the request is made, so the engine's repetition of the read, a crash, or a
// request that always fails cannot make it again before its next turn.
func (c *Client) updateHistory(ctx context.Context, vehicleID string, known car, status *vehiclev1.VehicleData) error {
	if c.opts.HistoryEvery < 0 || c.firstRead(ctx, vehicleID) && !c.opts.HistoryAtOnce {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	for _, part := range c.historyParts(vehicleID, known, status) {
		if ctx.Err() != nil || !c.takeTurn(ctx, vehicleID, part) {
			continue
		}
		var report field.Report
		data, err := part.ask(ctx, &report)
		switch {
		case err == nil, errors.Is(err, shared.ReasonUnsupported):
			logRejected(ctx, part.name, &report)
			c.keepHistory(ctx, vehicleID, part, data, report.Count())
		case errors.Is(err, sdk.ErrSessionExpired):
			return err
		default:
			c.sideCallFailed(ctx, vehicleID, part.name, err)
			if concernsAll(err) {
				return nil // the rest would fail the same way
			}
		}
	}
	return nil
}

func (c *Client) historyParts(vehicleID string, known car, status *vehiclev1.VehicleData) []historyPart {
	unit := status.GetDisplayUnits().GetDistance()
	parts := []historyPart{{
		name: "trips", turn: func(d *historyDocument) *historyTurn { return &d.Trips },
		ask: func(ctx context.Context, r *field.Report) (*vehiclev1.VehicleData, error) {
			return c.trips(ctx, vehicleID, known, unit, r)
		},
	}}
	if known.hasPlug(status) {
		parts = append(parts, historyPart{
			name: "driving history", turn: func(d *historyDocument) *historyTurn { return &d.Driving },
			ask: func(ctx context.Context, r *field.Report) (*vehiclev1.VehicleData, error) {
				return c.driving(ctx, vehicleID, known, unit, r)
			},
		})
	}
	return parts
}

// driving asks for the energy used: all of it, and that of 30 days.
func (c *Client) driving(ctx context.Context, vehicleID string, known car, unit vehiclev1.DistanceUnit, r *field.Report) (*vehiclev1.VehicleData, error) {
	ask := func(period int, name string) (field.Object, error) {
		doc, err := c.api(ctx, apiCall{
			path: c.carPath(vehicleID, c.opts.Profile.Paths.DrivingHistory), what: "driving history", ccs2: known.ccs2, json: map[string]int{"periodTarget": period},
		})
		return doc.At("resMsg").Reporting(r, name), err
	}
	all, err := ask(1, "all")
	if err != nil {
		return nil, err
	}
	month, err := ask(0, "month")
	if err != nil {
		return nil, err
	}
	return &vehiclev1.VehicleData{Consumption: history.Consumption(all, month, unit)}, nil
}

// trips asks for the trips of this month, and of the last day of it that has any.
func (c *Client) trips(ctx context.Context, vehicleID string, known car, unit vehiclev1.DistanceUnit, r *field.Report) (*vehiclev1.VehicleData, error) {
	ask := func(body map[string]any, name string) (field.Object, error) {
		doc, err := c.api(ctx, apiCall{path: c.carPath(vehicleID, c.opts.Profile.Paths.Trips), what: "trips", ccs2: known.ccs2, json: body})
		return doc.At("resMsg").Reporting(r, name), err
	}
	today := c.opts.Now().In(c.zone)
	doc, err := ask(map[string]any{"tripPeriodType": 0, "setTripMonth": today.Format("200601")}, "month")
	if err != nil {
		return nil, err
	}
	trips := &vehiclev1.Trips{Month: history.Month(doc, today.Format("2006-01"), unit)}
	days := trips.GetMonth().GetDays()
	if len(days) == 0 {
		return &vehiclev1.VehicleData{Trips: trips}, nil
	}
	newest, err := time.Parse(time.DateOnly, days[len(days)-1].GetDate())
	if err != nil {
		return nil, shared.NewError(shared.ReasonInvalidResponse).Wrap(err)
	}
	doc, err = ask(map[string]any{"tripPeriodType": 1, "setTripDay": newest.Format("20060102")}, "day")
	if err != nil {
		return nil, err
	}
	trips.Day = history.Day(doc, unit)
	return &vehiclev1.VehicleData{Trips: trips}, nil
}

// firstRead says whether this is the process's first read of the car.
func (c *Client) firstRead(ctx context.Context, vehicleID string) bool {
	c.histories.mu.Lock()
	defer c.histories.mu.Unlock()
	h := c.history(ctx, vehicleID)
	first := !h.readBefore
	h.readBefore = true
	return first
}

// takeTurn says whether a request is due, and puts off the next one, on disk.
func (c *Client) takeTurn(ctx context.Context, vehicleID string, part historyPart) bool {
	c.histories.mu.Lock()
	defer c.histories.mu.Unlock()
	h := c.history(ctx, vehicleID)
	now := c.opts.Now()
	wait := time.UnixMilli(part.turn(&h.stored).Next).Sub(now)
	// A turn later than any that could be set comes of a clock that was wrong.
	if wait > 0 && wait <= max(c.opts.HistoryEvery, historyRetry) && !c.opts.HistoryAtOnce {
		return false
	}
	next := h.stored
	part.turn(&next).Next = now.Add(historyRetry).UnixMilli()
	return c.storeHistory(ctx, vehicleID, h, next)
}

// keepHistory keeps an answer. What it does not have, for example because the
// month is young, stays as it was.
func (c *Client) keepHistory(ctx context.Context, vehicleID string, part historyPart, data *vehiclev1.VehicleData, rejected int32) {
	c.histories.mu.Lock()
	defer c.histories.mu.Unlock()
	h := c.history(ctx, vehicleID)
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
	*part.turn(&next) = historyTurn{Next: c.opts.Now().Add(c.opts.HistoryEvery).UnixMilli(), Rejected: rejected}
	if c.storeHistory(ctx, vehicleID, h, next) {
		h.data = merged
	}
}

// addHistory puts what is remembered into a snapshot, and returns how many
// values of it were not understood.
func (c *Client) addHistory(ctx context.Context, vehicleID string, data *vehiclev1.VehicleData) int32 {
	if c.opts.HistoryEvery < 0 {
		return 0
	}
	c.histories.mu.Lock()
	defer c.histories.mu.Unlock()
	h := c.history(ctx, vehicleID)
	proto.Merge(data, h.data)
	return h.stored.Driving.Rejected + h.stored.Trips.Rejected
}

// history is what is known of a car's history. Called with the lock held.
func (c *Client) history(ctx context.Context, vehicleID string) *carHistory {
	if h := c.histories.cars[vehicleID]; h != nil {
		return h
	}
	h := &carHistory{data: &vehiclev1.VehicleData{}}
	_, err := c.opts.Store.Get(c.historyName(vehicleID), &h.stored)
	if err == nil && len(h.stored.Data) > 0 {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(h.stored.Data, h.data)
	}
	if err != nil {
		sdk.Logger(ctx).Debug("the stored history cannot be read and is begun anew", "error", err)
		h = &carHistory{data: &vehiclev1.VehicleData{}}
	}
	if c.histories.cars == nil {
		c.histories.cars = map[string]*carHistory{}
	}
	c.histories.cars[vehicleID] = h
	return h
}

// storeHistory takes next up once it is on disk: a request that the disk does
// not know of would be made again by each restart.
func (c *Client) storeHistory(ctx context.Context, vehicleID string, h *carHistory, next historyDocument) bool {
	if err := c.opts.Store.Put(c.historyName(vehicleID), next); err != nil {
		sdk.Logger(ctx).Debug("the history cannot be stored", "error", err)
		return false
	}
	h.stored = next
	return true
}

// historyName names a car's document without naming the car.
func (c *Client) historyName(vehicleID string) string {
	sum := sha256.Sum256([]byte(c.accountName() + "\x00" + vehicleID))
	return "history-" + hex.EncodeToString(sum[:6])
}
