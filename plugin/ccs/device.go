package ccs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Device returns the registered device id, registering one if there is none or
// if the present one is the dropped one. However many calls meet a dropped id,
// one registers and the others take what it got.
func (a *Account) Device(ctx context.Context, dropped string) (string, error) {
	if id := a.Session().DeviceID; id != "" && id != dropped {
		return id, nil
	}
	select {
	case a.registering <- struct{}{}:
		defer func() { <-a.registering }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if id := a.Session().DeviceID; id != "" && id != dropped {
		return id, nil
	}
	return a.register(ctx)
}

// register follows docs/protocol-europe.md, section "Device registration".
func (a *Account) register(ctx context.Context) (string, error) {
	header, err := a.Stamped()
	if err != nil {
		return "", err
	}
	header.Set("Content-Type", "application/json;charset=UTF-8")
	p := a.Profile()
	resp, err := a.Send(ctx, Request{
		Method: http.MethodPost, URL: p.APIURL + p.Paths.VehicleAPI + p.Paths.Register, What: "register device", Header: header,
		JSON: map[string]string{"pushRegId": randomHex(32), "pushType": p.PushType, "uuid": newUUID()},
	})
	if err != nil {
		return "", err
	}
	doc, err := a.Classify(resp, false)
	if errors.Is(err, ErrDeviceID) || errors.Is(err, sdk.ErrSessionExpired) {
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
	if err := a.Update(func(s *Session) { s.DeviceID = id }); err != nil {
		return "", err
	}
	return id, nil
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
