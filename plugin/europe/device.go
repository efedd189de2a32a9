package europe

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// device returns the registered device id, registering one if there is none or
// if the present one is the dropped one. However many calls meet a dropped id,
// one registers and the others take what it got.
func (c *Client) device(ctx context.Context, dropped string) (string, error) {
	if id := c.current().DeviceID; id != "" && id != dropped {
		return id, nil
	}
	select {
	case c.registering <- struct{}{}:
		defer func() { <-c.registering }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if id := c.current().DeviceID; id != "" && id != dropped {
		return id, nil
	}
	return c.register(ctx)
}

// register follows docs/protocol-europe.md, section "Device registration".
func (c *Client) register(ctx context.Context) (string, error) {
	header, err := c.stamped()
	if err != nil {
		return "", err
	}
	header.Set("Content-Type", "application/json;charset=UTF-8")
	resp, err := c.send(ctx, request{
		method: http.MethodPost, url: c.opts.Profile.APIURL + c.opts.Profile.Paths.VehicleAPI + c.opts.Profile.Paths.Register, what: "register device",
		header: header,
		json: map[string]string{
			"pushRegId": randomHex(32), "pushType": c.opts.Profile.PushType, "uuid": newUUID(),
		},
	})
	if err != nil {
		return "", err
	}
	doc, err := c.classify(resp, false)
	if errors.Is(err, errDeviceID) || errors.Is(err, sdk.ErrSessionExpired) {
		// No session and no device id is part of this request: the trouble is
		// the vendor's, and no login mends it. So the cause is its text only.
		err = shared.Errorf(shared.ReasonVendorUnavailable, "The vendor registers no device at the moment.").Wrap(errors.New(err.Error()))
	}
	if err != nil {
		return "", err
	}
	id, ok := doc.At("resMsg.deviceId").NonEmptyText()
	if !ok {
		return "", shared.Errorf(shared.ReasonInvalidResponse, "The vendor gave no device id.")
	}
	if err := c.update(func(s *session) { s.DeviceID = id }); err != nil {
		return "", storeFailed(err)
	}
	return id, nil
}

// storeFailed: what is not on disk is not used, or a crash would lose it.
func storeFailed(err error) error {
	return shared.Errorf(shared.ReasonConfigInvalid,
		"The session cannot be written to the state directory. Check its permissions and free space.").Wrap(err)
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// newUUID is a random UUID, version 4.
func newUUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
