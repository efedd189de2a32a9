package ccs

import (
	"context"
	"errors"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Force implements [sdk.Vendor]. It follows docs/protocol-europe.md, section
// "Forced reads".
func (c *Client) Force(ctx context.Context, vehicleID string, since time.Time) (*vehiclev1.VehicleData, error) {
	known, err := c.car(vehicleID)
	switch {
	case err != nil:
		return nil, err
	case !known.ccs2:
		return c.forceCCS1(ctx, vehicleID, known, since)
	}
	return c.forceCCS2(ctx, vehicleID, known, since)
}

// forceCCS1 makes one call that blocks until the car has answered, and then
// reads the cloud's copy, which alone has odometer and position.
func (c *Client) forceCCS1(ctx context.Context, vehicleID string, known car, since time.Time) (*vehiclev1.VehicleData, error) {
	began := c.opts.Now()
	answer, err := c.api.call(ctx, apiCall{
		path: c.carPath(vehicleID, c.opts.Profile.Paths.CCS1Wake), what: "ccs1 wake", timeout: blockingTimeout, wakes: true,
	})
	if errors.Is(err, shared.ReasonVehicleBusy) {
		return c.join(ctx, vehicleID, known, since, err)
	}
	if err != nil {
		return nil, err
	}
	status := answer.At("resMsg").At(c.opts.Profile.Protocol.CCS1Answer)
	c.learnFromAnswer(vehicleID, status, began, c.opts.Now())

	info, err := c.documentCCS1(ctx, vehicleID)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	withAnswer := info.With("vehicleStatus", status)
	r, own := c.parseCCS1(vehicleID, known, info), c.parseCCS1(vehicleID, known, withAnswer)
	at, timed := c.clockOf(vehicleID).Read(status.At("time"))
	copied, _ := c.clockOf(vehicleID).Read(info.At("vehicleStatus.time"))
	answered := timed && tellsCCS1(withAnswer)
	switch {
	case err != nil && !answered:
		return nil, afterWake(err)
	case err != nil:
		// The car has answered; that is not thrown away for want of the copy.
		sdk.Logger(ctx).Warn("no copy after the wake, only the car's own answer", "error", shared.ErrorChain(err))
		r = own
	case answered && at.After(copied):
		// A copy that lags behind is brought up to date with the car's own answer.
		r = own
	}
	data, err := c.complete(ctx, vehicleID, known, r)
	return data, afterWake(err)
}

// forceCCS2 triggers the wake, whose answer holds nothing, and reads the copy
// until the car's time has advanced or the bound is reached.
func (c *Client) forceCCS2(ctx context.Context, vehicleID string, known car, since time.Time) (*vehiclev1.VehicleData, error) {
	_, err := c.api.call(ctx, apiCall{
		path: c.carPath(vehicleID, c.opts.Profile.Paths.CCS2Wake), what: "ccs2 wake", flag: known.flag, wakes: true,
	})
	if errors.Is(err, shared.ReasonVehicleBusy) {
		return c.join(ctx, vehicleID, known, since, err)
	}
	if err != nil {
		return nil, err
	}
	r, advanced, err := c.awaitReport(ctx, vehicleID, known, since)
	if err != nil {
		return nil, afterWake(err)
	}
	if !advanced {
		r.silent = true
		return c.complete(ctx, vehicleID, known, r)
	}
	data, err := c.complete(ctx, vehicleID, known, r)
	return data, afterWake(err)
}

// join waits for the answer to a wake that somebody else has sent, the owner's
// app perhaps, instead of sending another one behind it. If the car reports
// nothing new, busy is the failure.
func (c *Client) join(ctx context.Context, vehicleID string, known car, since time.Time, busy error) (*vehiclev1.VehicleData, error) {
	sdk.Logger(ctx).Info("the car is being woken by somebody else, waiting for its answer")
	r, advanced, err := c.awaitReport(ctx, vehicleID, known, since)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil || !advanced:
		return nil, busy
	}
	return c.complete(ctx, vehicleID, known, r)
}

// awaitReport reads the copy at the times of RereadAfter until the car's own
// time is past since, and returns the last reading.
func (c *Client) awaitReport(ctx context.Context, vehicleID string, known car, since time.Time) (last reading, advanced bool, err error) {
	if since.IsZero() {
		// Nothing is known of the car; it has to report after now. Its time
		// counts in seconds.
		since = c.opts.Now().Add(-time.Second)
	}
	waited := time.Duration(0)
	for _, after := range c.opts.RereadAfter {
		if err := pause(ctx, after-waited); err != nil {
			return reading{}, false, err
		}
		waited = after
		next, readErr := c.status(ctx, vehicleID, known)
		switch {
		case ctx.Err() != nil:
			return reading{}, false, ctx.Err()
		case readErr == nil:
			last = next
		case passes(readErr):
			err = readErr
			continue
		default:
			return reading{}, false, readErr
		}
		if time.UnixMilli(last.data.GetRefresh().GetObservedAt()).After(since) {
			return last, true, nil
		}
	}
	if last.data == nil {
		return reading{}, false, err
	}
	return last, false, nil
}

// passes says whether the next reading may succeed where this one failed. Who
// wants to be left alone for longer than the re-reads last is left alone.
func passes(err error) bool {
	if api := shared.AsAPIError(err); api.RetryAfter >= time.Hour {
		return false
	}
	for _, r := range []shared.Reason{
		shared.ReasonVendorUnavailable, shared.ReasonVendorTimeout, shared.ReasonInvalidResponse, shared.ReasonVehicleUnreachable,
	} {
		if errors.Is(err, r) {
			return true
		}
	}
	return false
}

// afterWake marks what fails once the car was woken. The session's end must not
// show as such here: the engine would repeat the whole call and wake it again.
func afterWake(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sdk.ErrSessionExpired) {
		err = shared.Errorf(shared.ReasonVendorUnavailable, "The session ended while the car was being woken. The next command gets a new one.")
	}
	var api *shared.APIError
	if errors.As(err, &api) {
		api.MayHaveHappened = true
	}
	return err
}

// pause waits, or returns ctx's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
