package ccs

import (
	"context"
	"errors"
	"net/url"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/ccs1"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/ccs2"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Cached implements [sdk.Vendor]: the status, the parking position and, now and
// then, the history, none of which wakes the car. The car has to be in the list
// that Vehicles got. It follows docs/protocol-europe.md, section "Reading".
func (c *Client) Cached(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error) {
	known, err := c.car(vehicleID)
	if err != nil {
		return nil, err
	}
	r, err := c.status(ctx, vehicleID, known)
	if err != nil {
		return nil, err
	}
	if err := c.updateHistory(ctx, vehicleID, known, r); err != nil {
		return nil, err
	}
	return c.complete(ctx, vehicleID, known, r)
}

// reading is a status, and what of it was not understood.
type reading struct {
	data   *vehiclev1.VehicleData
	report *field.Report
	// unit is the odometer's, in which the history is told as well.
	unit vehiclev1.DistanceUnit
	// silent: it is what the cloud had when the woken car did not report.
	silent bool
}

// status reads the cloud's copy in the car's dialect.
func (c *Client) status(ctx context.Context, vehicleID string, known car) (reading, error) {
	if known.ccs2 {
		return c.statusCCS2(ctx, vehicleID, known)
	}
	return c.statusCCS1(ctx, vehicleID, known)
}

func (c *Client) parseCCS1(vehicleID string, known car, info field.Object) reading {
	r, p := reading{report: &field.Report{}}, &c.opts.Profile.Protocol
	r.data = ccs1.Parse(info.Reporting(r.report, ""), ccs1.Known{
		EngineType: known.engine, Clock: c.clockOf(vehicleID), Now: c.opts.Now(),
		TemperatureBase: p.TemperatureBase, TemperatureEntries: p.TemperatureEntries,
	})
	if r.unit = info.At("odometer.unit").DistanceUnit(); r.unit == vehiclev1.DistanceUnit_DISTANCE_UNIT_UNSPECIFIED {
		r.unit = r.data.GetDisplayUnits().GetDistance()
	}
	return r
}

// tellsCCS1 says whether there is anything in the status itself: odometer and
// position stand beside it.
func tellsCCS1(info field.Object) bool {
	status := info.With("odometer", field.Object{}).With("vehicleLocation", field.Object{})
	return status.At("vehicleStatus").IsObject() && tells(ccs1.Parse(status, ccs1.Known{}))
}

// tells says whether there is anything of the car in a status: one without would
// wipe what is known.
func tells(data *vehiclev1.VehicleData) bool {
	found := false
	data.ProtoReflect().Range(func(group protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		switch group.Name() {
		case "vehicle", "refresh", "display_units":
		default:
			found = true
		}
		return !found
	})
	return found
}

func (c *Client) documentCCS1(ctx context.Context, vehicleID string) (field.Object, error) {
	doc, err := c.api.call(ctx, apiCall{path: c.carPath(vehicleID, c.opts.Profile.Paths.CCS1Status), what: "ccs1 status"})
	if err != nil {
		return field.Object{}, err
	}
	// In the form that the parser reads.
	message, p := doc.At("resMsg"), &c.opts.Profile.Protocol
	info := field.Object{}.With("vehicleStatus", message.At(p.CCS1Status)).
		With("odometer", message.At(p.CCS1Odometer)).With("vehicleLocation", message.At(p.CCS1Location))
	if !tellsCCS1(info) {
		return field.Object{}, noState()
	}
	c.told(vehicleID, info.At("vehicleStatus"))
	return info, nil
}

func (c *Client) statusCCS2(ctx context.Context, vehicleID string, known car) (reading, error) {
	doc, err := c.api.call(ctx, apiCall{path: c.carPath(vehicleID, c.opts.Profile.Paths.CCS2Status), what: "ccs2 status", flag: known.flag})
	if err != nil {
		return reading{}, err
	}
	// The odometer of this dialect is in km whatever the car shows.
	r := reading{report: &field.Report{}, unit: vehiclev1.DistanceUnit_DISTANCE_UNIT_KILOMETERS}
	vehicle := doc.At("resMsg.state.Vehicle").Reporting(r.report, "")
	if !vehicle.IsObject() {
		return reading{}, noState()
	}
	r.data = ccs2.Parse(vehicle, ccs2.Known{
		EngineType: known.engine, Clock: c.clockOf(vehicleID), Now: c.opts.Now(),
		UpdatedAt: updatedAt(doc.At("resMsg").Reporting(r.report, "resMsg").At("lastUpdateTime")), RightHandDrive: c.opts.Profile.Protocol.DriverSide == profile.Right,
	})
	if !tells(r.data) {
		return reading{}, noState()
	}
	return r, nil
}

// updatedAt is the time of the newest data that the cloud has, in milliseconds. Some
// regions have a compact time there, of no known zone, which says nothing.
func updatedAt(o field.Object) time.Time {
	if text, _ := o.NonEmptyText(); len(text) == len("20060102150405") {
		return time.Time{}
	}
	at, _ := o.EpochMillis()
	return at
}

// noState: the answer is well-formed and holds no state, so it says something of
// the car and nothing of the vendor. What is known stays.
func noState() *shared.APIError {
	return shared.Errorf(shared.ReasonVehicleUnreachable, "The vendor has no state of the car yet. A forced read may bring it.").Wrap(errNoState)
}

// complete makes a snapshot of a status: with the parking position, with what is
// remembered of the history, and with the count of what was not understood.
func (c *Client) complete(ctx context.Context, vehicleID string, known car, r reading) (*vehiclev1.VehicleData, error) {
	if err := c.parkLocation(ctx, vehicleID, known, r); err != nil {
		return nil, err
	}
	logRejected(ctx, "status", r.report)
	rejected := r.report.Count() + c.histories.add(ctx, vehicleID, r.data)

	// A parser leaves the group out if the car has told no time.
	if r.data.Refresh == nil {
		r.data.Refresh = &vehiclev1.Refresh{}
	}
	r.data.Refresh.RejectedValues = &rejected
	if r.silent {
		r.data.Refresh.Verdict = vehiclev1.Verdict_VERDICT_SILENT.Enum()
	}
	return r.data, nil
}

// parkLocation puts the parking position in the place of the one in the status, which
// may be days old, unless that is the newer one. If it cannot be had, the rest stands.
func (c *Client) parkLocation(ctx context.Context, vehicleID string, known car, r reading) error {
	if c.opts.Profile.Paths.ParkLocation == "" {
		return nil
	}
	doc, err := c.api.call(ctx, apiCall{path: c.carPath(vehicleID, c.opts.Profile.Paths.ParkLocation), what: "parking position", flag: known.flag})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		c.sideCallFailed(ctx, vehicleID, "parking position", err)
		return nil
	}
	block := doc.At("resMsg")
	if wrapped := block.At("gpsDetail"); wrapped.IsObject() {
		block = wrapped
	}
	block = block.Reporting(r.report, "park")
	if known.ccs2 {
		c.learnFromPositions(vehicleID, r.data.GetLocation(), ccs1.Location(block, c.regionClock()))
	}
	if park := ccs1.Location(block, c.clockOf(vehicleID)); park != nil && !olderFix(park, r.data.GetLocation()) {
		r.data.Location = park
	}
	return nil
}

// olderFix says whether a position is older than another one, if both tell their times.
func olderFix(l, than *vehiclev1.Location) bool {
	return l.GetObservedAt() > 0 && l.GetObservedAt() < than.GetObservedAt()
}

// sideCallFailed is for a call without which the reading is good. What concerns
// the whole account is told.
func (c *Client) sideCallFailed(ctx context.Context, vehicleID, what string, err error) {
	sdk.Logger(ctx).Debug("a part of the reading is missing", "document", what, "error", shared.ErrorChain(err))
	if concernsAll(err) {
		c.opts.Refused(vehicleID, err)
	}
}

// concernsAll says whether a failure is the account's and not the document's.
func concernsAll(err error) bool {
	for _, r := range []shared.Reason{
		shared.ReasonAuthFailed, shared.ReasonTokenRejected, shared.ReasonRateLimited, shared.ReasonVendorChanged, shared.ReasonVendorBlocked,
	} {
		if errors.Is(err, r) {
			return true
		}
	}
	return false
}

// logRejected tells what of a document was not understood, for whoever wants to
// teach the parser a car that nobody has seen.
func logRejected(ctx context.Context, document string, report *field.Report) {
	for _, v := range report.Rejected() {
		sdk.Logger(ctx).Debug("value not understood", "document", document, "path", v.Path, "raw", v.Raw)
	}
}

func (c *Client) carPath(vehicleID, rest string) string {
	return c.opts.Profile.Paths.Vehicles + "/" + url.PathEscape(vehicleID) + "/" + rest
}
