package ccs

import (
	"context"
	"errors"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/history"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// historyTimeout bounds what the history may add to a cached read.
const historyTimeout = 10 * time.Second

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
func (c *Client) updateHistory(ctx context.Context, vehicleID string, known car, status reading) error {
	if c.opts.HistoryEvery < 0 || c.histories.firstRead(ctx, vehicleID) && !c.opts.HistoryAtOnce {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	for _, part := range c.historyParts(vehicleID, known, status) {
		if ctx.Err() != nil || !c.histories.takeTurn(ctx, vehicleID, part) {
			continue
		}
		var report field.Report
		data, err := part.ask(ctx, &report)
		switch {
		case err == nil, errors.Is(err, shared.ReasonUnsupported):
			logRejected(ctx, part.name, &report)
			c.histories.keep(ctx, vehicleID, part, data, report.Count())
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

func (c *Client) historyParts(vehicleID string, known car, status reading) []historyPart {
	paths := c.opts.Profile.Paths
	var parts []historyPart
	if paths.Trips != "" {
		parts = append(parts, historyPart{
			name: "trips", turn: func(d *historyDocument) *historyTurn { return &d.Trips },
			ask: func(ctx context.Context, r *field.Report) (*vehiclev1.VehicleData, error) {
				return c.trips(ctx, vehicleID, known, status.unit, r)
			},
		})
	}
	if paths.DrivingHistory != "" && known.hasPlug(status.data) {
		parts = append(parts, historyPart{
			name: "driving history", turn: func(d *historyDocument) *historyTurn { return &d.Driving },
			ask: func(ctx context.Context, r *field.Report) (*vehiclev1.VehicleData, error) {
				return c.driving(ctx, vehicleID, known, status.unit, r)
			},
		})
	}
	return parts
}

// driving asks for the energy used: all of it, and that of 30 days.
func (c *Client) driving(ctx context.Context, vehicleID string, known car, unit vehiclev1.DistanceUnit, r *field.Report) (*vehiclev1.VehicleData, error) {
	ask := func(period int, name string) (field.Object, error) {
		doc, err := c.api.call(ctx, apiCall{
			path: c.carPath(vehicleID, c.opts.Profile.Paths.DrivingHistory), what: "driving history", flag: known.flag, json: map[string]int{"periodTarget": period},
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
	if totals := c.opts.Profile.Protocol.EnergyTotals; totals != "drivingInfo" {
		all = all.With("drivingInfo", all.At(totals))
	}
	return &vehiclev1.VehicleData{Consumption: history.Consumption(all, month, unit)}, nil
}

// lateTrips is until which day of a month its last one is looked for in the month before:
// the turn comes once a day, and may have been put off.
const lateTrips = 3

// trips asks for the trips of this month, and of the last day that has any. In the first
// days of a month that may be one of the month before.
func (c *Client) trips(ctx context.Context, vehicleID string, known car, unit vehiclev1.DistanceUnit, r *field.Report) (*vehiclev1.VehicleData, error) {
	ask := func(body map[string]any, name string) (field.Object, error) {
		doc, err := c.api.call(ctx, apiCall{path: c.carPath(vehicleID, c.opts.Profile.Paths.Trips), what: "trips", flag: known.flag, json: body})
		return doc.At("resMsg").Reporting(r, name), err
	}
	month := func(of time.Time) (*vehiclev1.MonthTrips, error) {
		doc, err := ask(map[string]any{"tripPeriodType": 0, "setTripMonth": of.Format("200601")}, "month")
		return history.Month(doc, of.Format("2006-01"), unit), err
	}

	today := c.opts.Now().In(c.account.Zone)
	trips := &vehiclev1.Trips{}
	var err error
	if trips.Month, err = month(today); err == nil && len(trips.GetMonth().GetDays()) == 0 && today.Day() <= lateTrips {
		trips.Month, err = month(today.AddDate(0, 0, -today.Day()))
	}
	if err != nil {
		return nil, err
	}
	days := trips.GetMonth().GetDays()
	if len(days) == 0 {
		return &vehiclev1.VehicleData{Trips: trips}, nil
	}

	newest, err := time.Parse(time.DateOnly, days[len(days)-1].GetDate())
	if err != nil {
		return nil, shared.NewError(shared.ReasonInvalidResponse).Wrap(err)
	}
	doc, err := ask(map[string]any{"tripPeriodType": 1, "setTripDay": newest.Format("20060102")}, "day")
	if err != nil {
		return nil, err
	}
	trips.Day = history.Day(doc, unit)
	return &vehiclev1.VehicleData{Trips: trips}, nil
}
