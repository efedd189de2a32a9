package ccs

import (
	"context"
	"errors"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// errNoState: the answer is well-formed and holds no state.
var errNoState = errors.New("no state in the answer")

// statusCCS1 reads the copy of a car that the list says speaks CCS1. The list's flag
// can be missing or wrong: one that has never shown its state in CCS1, and gets an
// outage, metadata, or a document without a battery although it is electric, is tried in
// CCS2 once a day; such a read wakes no car. See docs/protocol-europe.md, section
// "Reading".
func (c *Client) statusCCS1(ctx context.Context, vehicleID string, known car) (reading, error) {
	info, err := c.documentCCS1(ctx, vehicleID)
	var r reading
	if err == nil {
		r = c.parseCCS1(vehicleID, known, info)
		if !known.lacksBattery(r.data) {
			c.traits.learn(vehicleID, func(t *trait) { t.CCS1 = true })
			return r, nil
		}
	}
	if c.opts.Profile.Protocol.Dialect != profile.Flag || err != nil && !mayBeDialect(err) || !c.traits.takeTry(vehicleID) {
		return r, err
	}

	known = c.carOf(1, known.engine)
	inCCS2, other := c.statusCCS2(ctx, vehicleID, known)
	if other != nil {
		if errors.Is(other, sdk.ErrSessionExpired) || ctx.Err() != nil {
			return reading{}, other
		}
		return r, err
	}

	sdk.Logger(ctx).Info("the car speaks CCS2, although the vehicle list does not say so")
	c.traits.learn(vehicleID, func(t *trait) { t.CCS2 = true })
	c.mu.Lock()
	c.cars[vehicleID] = known
	c.mu.Unlock()
	return inCCS2, nil
}

// mayBeDialect reports whether a failed read could be one in the wrong dialect.
func mayBeDialect(err error) bool {
	code := shared.AsAPIError(err).VendorCode
	return errors.Is(err, errNoState) || code == "5031" || code == "503"
}

// lacksBattery says whether a status tells nothing of the battery, of a car that has one
// to charge or of which nothing is known.
func (c car) lacksBattery(status *vehiclev1.VehicleData) bool {
	switch c.engine {
	case vehiclev1.EngineType_ENGINE_TYPE_EV, vehiclev1.EngineType_ENGINE_TYPE_PHEV:
	case vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED:
		if status.GetFuel() != nil || status.GetRange() != nil && status.Range.Fuel != nil {
			return false
		}
	default:
		return false
	}
	return status.GetBattery() == nil || status.Battery.Soc == nil
}

// hasPlug by the list or, for a power train that the list does not name, by what
// the car tells.
func (c car) hasPlug(status *vehiclev1.VehicleData) bool {
	engine := c.engine
	if engine == vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED {
		engine = status.GetVehicle().GetEngineType()
	}
	return engine == vehiclev1.EngineType_ENGINE_TYPE_EV || engine == vehiclev1.EngineType_ENGINE_TYPE_PHEV
}
