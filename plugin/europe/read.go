package europe

import (
	"context"
	"net/url"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs1"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs2"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/field"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Cached implements [sdk.Vendor]: the status and the parking position, neither
// of which wakes the car. The car has to be in the list that Vehicles got. It follows docs/protocol-europe.md, section "Reading".
func (c *Client) Cached(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error) {
	data, err := c.status(ctx, vehicleID)
	if err != nil {
		return nil, err
	}
	return c.withParkLocation(ctx, vehicleID, data)
}

// status reads the cloud's copy in the car's dialect.
func (c *Client) status(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error) {
	known, err := c.car(vehicleID)
	switch {
	case err != nil:
		return nil, err
	case known.ccs2 == 0:
		return c.statusCCS1(ctx, vehicleID)
	}
	return c.statusCCS2(ctx, vehicleID, known)
}

func (c *Client) statusCCS1(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error) {
	info, err := c.documentCCS1(ctx, vehicleID)
	if err != nil {
		return nil, err
	}
	return ccs1.Parse(info, ccs1.Known{Zone: c.zone}), nil
}

func (c *Client) documentCCS1(ctx context.Context, vehicleID string) (field.Object, error) {
	doc, err := c.api(ctx, apiCall{path: carPath(vehicleID, "status/latest"), what: "ccs1 status"})
	if err != nil {
		return field.Object{}, err
	}
	info := doc.At("resMsg.vehicleStatusInfo")
	if !info.At("vehicleStatus").IsObject() {
		return field.Object{}, noState()
	}
	return info, nil
}

func (c *Client) statusCCS2(ctx context.Context, vehicleID string, known car) (*vehiclev1.VehicleData, error) {
	doc, err := c.api(ctx, apiCall{path: carPath(vehicleID, "ccs2/carstatus/latest"), what: "ccs2 status", ccs2: known.ccs2})
	if err != nil {
		return nil, err
	}
	vehicle := doc.At("resMsg.state.Vehicle")
	if !vehicle.IsObject() {
		return nil, noState()
	}
	updated, _ := doc.At("resMsg.lastUpdateTime").EpochMillis()
	miles := vehicle.At("Drivetrain.FuelSystem.DTE.Unit").DistanceUnit() == vehiclev1.DistanceUnit_DISTANCE_UNIT_MILES
	return ccs2.Parse(vehicle, ccs2.Known{
		EngineType: known.engine, Zone: c.zone, UpdatedAt: updated, Now: c.opts.Now(),
		// Of the countries served here those with miles drive on the left.
		RightHandDrive: miles,
	}), nil
}

// noState: the answer is well-formed and holds no state, so it says something of
// the car and nothing of the vendor. What is known stays.
func noState() *shared.APIError {
	return shared.Errorf(shared.ReasonVehicleUnreachable, "The vendor has no state of the car yet. A forced read may bring it.")
}

// withParkLocation prefers the parking position: the one in the status may be
// days old, or a target sent to the navigation. If it cannot be had, the rest
// stands.
func (c *Client) withParkLocation(ctx context.Context, vehicleID string, data *vehiclev1.VehicleData) (*vehiclev1.VehicleData, error) {
	known, err := c.car(vehicleID)
	if err != nil {
		return nil, err
	}
	doc, err := c.api(ctx, apiCall{path: carPath(vehicleID, "location/park"), what: "parking position", ccs2: known.ccs2})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		sdk.Logger(ctx).Debug("no parking position", "error", err)
		return data, nil
	}
	block := doc.At("resMsg")
	if wrapped := block.At("gpsDetail"); wrapped.IsObject() {
		block = wrapped
	}
	if park := ccs1.Location(block, c.zone); park != nil {
		data.Location = park
	}
	return data, nil
}

func carPath(vehicleID, rest string) string {
	return "vehicles/" + url.PathEscape(vehicleID) + "/" + rest
}
