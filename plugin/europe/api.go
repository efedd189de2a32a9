package europe

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/field"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// apiCall is one authenticated call of the vehicle API: a GET, or a POST if it
// has a body.
type apiCall struct {
	// path below the profile's prefix of the vehicle API.
	path string
	// what names the call in the log.
	what string
	// ccs2 is the car's own flag, 0 for calls that are no car's.
	ccs2 int32
	// json is the body. What has one is never sent twice, but for a device id
	// that the cloud does not know: then the first call did nothing.
	json    any
	timeout time.Duration
	wakes   bool
}

// api makes the call and returns the whole answer. If the cloud has dropped the
// device id, a new one is registered and the call is made once more.
func (c *Client) api(ctx context.Context, call apiCall) (field.Object, error) {
	device, err := c.device(ctx, "")
	if err != nil {
		return field.Object{}, err
	}
	doc, err := c.apiOnce(ctx, call, device)
	if !errors.Is(err, errDeviceID) {
		return doc, err
	}
	sdk.Logger(ctx).Info("the vendor dropped the device id, registering anew")
	if device, err = c.device(ctx, device); err != nil {
		return field.Object{}, err
	}
	doc, err = c.apiOnce(ctx, call, device)
	if errors.Is(err, errDeviceID) {
		refused := shared.Errorf(shared.ReasonVendorUnavailable, "The vendor refuses a device id that it has just given.")
		refused.VendorCode, refused.RetryAfter = "4002", deviceRest
		return field.Object{}, sdk.Closes(refused.Wrap(err), sdk.Closure{Scope: sdk.ScopeVehicle})
	}
	return doc, err
}

// deviceRest is how long a car is left alone after the vendor has dropped a device
// id, and the new one as well.
const deviceRest = 10 * time.Minute

func (c *Client) apiOnce(ctx context.Context, call apiCall, device string) (field.Object, error) {
	token, err := c.token()
	if err != nil {
		return field.Object{}, err
	}
	header, err := c.stamped()
	if err != nil {
		return field.Object{}, err
	}
	header.Set("Authorization", "Bearer "+token)
	header.Set("Ccsp-Device-Id", device)
	header.Set("Ccuccs2protocolsupport", strconv.Itoa(int(call.ccs2)))
	method := http.MethodGet
	if call.json != nil {
		method = http.MethodPost
	}
	resp, err := c.send(ctx, request{
		method: method, url: c.opts.Profile.APIURL + c.opts.Profile.Paths.VehicleAPI + call.path, what: call.what,
		header: header, json: call.json, timeout: call.timeout, wakes: call.wakes,
	})
	if err != nil {
		return field.Object{}, err
	}
	return c.classify(resp, call.wakes)
}

// stamped is the header that every call of the vehicle API has.
func (c *Client) stamped() (http.Header, error) {
	stamp, err := c.opts.Profile.Stamp(c.opts.Now())
	if err != nil {
		return nil, shared.NewError(shared.ReasonInternal).Wrap(err)
	}
	h := http.Header{}
	h.Set("Ccsp-Service-Id", c.opts.Profile.ServiceID)
	h.Set("Ccsp-Application-Id", c.opts.Profile.AppID)
	h.Set("Stamp", stamp)
	return h, nil
}
