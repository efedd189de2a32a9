package ccs

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// api makes authenticated calls of the vehicle API. Safe for concurrent use.
type api struct {
	account *Account
	auth    Auth
}

// apiCall is one authenticated call of the vehicle API: a GET, or a POST if it
// has a body.
type apiCall struct {
	// path below the profile's prefix of the vehicle API.
	path string
	// what names the call in the log.
	what string
	// flag is the car's own of the vehicle list, 0 for calls that are no car's.
	flag int32
	// json is the body. What has one is never sent twice, but for a device id
	// that the cloud does not know: then the first call did nothing.
	json    any
	timeout time.Duration
	wakes   bool
}

// call makes the call and returns the whole answer. If the cloud has dropped the
// device id, a new one is registered and the call is made once more.
func (a *api) call(ctx context.Context, call apiCall) (field.Object, error) {
	device, err := a.account.Device(ctx, "")
	if err != nil {
		return field.Object{}, err
	}
	doc, err := a.once(ctx, call, device)
	if !errors.Is(err, ErrDeviceID) {
		return doc, err
	}
	sdk.Logger(ctx).Info("the vendor dropped the device id, registering anew")
	if device, err = a.account.Device(ctx, device); err != nil {
		return field.Object{}, err
	}
	doc, err = a.once(ctx, call, device)
	if errors.Is(err, ErrDeviceID) {
		refused := shared.Errorf(shared.ReasonVendorUnavailable, "The vendor refuses a device id that it has just given.")
		refused.VendorCode, refused.RetryAfter = "4002", deviceRest
		return field.Object{}, sdk.Closes(refused.Wrap(err), sdk.Closure{Scope: sdk.ScopeVehicle})
	}
	return doc, err
}

// deviceRest is how long a car is left alone after the vendor has dropped a device
// id, and the new one as well.
const deviceRest = 10 * time.Minute

func (a *api) once(ctx context.Context, call apiCall, device string) (field.Object, error) {
	session := a.account.Session()
	if err := session.usable(a.account.Options.Now()); err != nil {
		return field.Object{}, err
	}
	p := a.account.Profile()
	header, err := a.account.header(p.Protocol.Stamps == profile.All)
	if err != nil {
		return field.Object{}, err
	}
	a.auth.Authorize(header, session)
	header.Set("Ccsp-Device-Id", device)
	switch p.Protocol.DialectHeader {
	case profile.Flag:
		header.Set("Ccuccs2protocolsupport", strconv.Itoa(int(call.flag)))
	case profile.Zero:
		header.Set("Ccuccs2protocolsupport", "0")
	}

	method := http.MethodGet
	if call.json != nil {
		method = http.MethodPost
	}
	resp, err := a.account.Send(ctx, Request{
		Method: method, URL: p.APIURL + p.Paths.VehicleAPI + call.path, What: call.what,
		Header: header, JSON: call.json, Timeout: call.timeout, Wakes: call.wakes,
	})
	if err != nil {
		return field.Object{}, err
	}
	return a.account.Classify(resp, call.wakes)
}
