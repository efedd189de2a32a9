package europe

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// FuzzVendorAnswers: whatever the vendor's hosts answer, each step makes a typed
// error or a result of it, and what a user reads of an error is short.
func FuzzVendorAnswers(f *testing.F) {
	for _, body := range []string{
		`{"retCode":"S","resCode":"0000","resMsg":{"deviceId":"x"}}`,
		`{"retCode":"F","resCode":"4002","resMsg":"Invalid request body - Invalid deviceId."}`,
		`{"retCode":"F","resCode":"5091","resMsg":"Exceeds number of requests"}`,
		`{"retCode":7501,"retMsg":"Received unexpected statusCode","retSubMsg":"{}"}`,
		`{"error":"Key not authorized: Token is expired"}`,
		`{"errCode":"4003","errBody":{"remainCount":0,"remainTime":1e14}}`,
		`{"access_token":"a.eyJleHAiOjE3ODB9.c","expires_in":"86400"}`,
		`{"accessToken":"t","expiresTime":-1}`,
		`<html>abusing</html>`, `[]`, `null`, ``,
	} {
		f.Add(200, body, "")
		f.Add(400, body, "https://oneapp.kia.com/redirect?code=x")
		f.Add(302, body, "/web/v1/user/authorization?reqUsername=y")
		f.Add(503, body, "\x00%zz")
	}
	client, err := New(ccs.Options{Profile: brandProfile(f, "kia", "http://127.0.0.1:1"), Username: "u", Password: "p", Store: openStore(f, "")})
	if err != nil {
		f.Fatal(err)
	}
	account := client.Account()
	f.Fuzz(func(t *testing.T, status int, body, header string) {
		resp := ccs.Response{
			Status: status, Body: []byte(body), URL: &url.URL{},
			Header: http.Header{"Location": {header}, "Retry-After": {header}},
		}
		var failures []error
		for _, wakes := range []bool{false, true} {
			_, err := account.Classify(resp, wakes)
			failures = append(failures, err)
		}
		_, err := (&cciAuth{account}).signInResult(resp)
		failures = append(failures, err)
		_, err = (&classicAuth{Account: account}).grantAnswer(resp)
		failures = append(failures, err)
		for _, err := range failures {
			var api *shared.APIError
			switch {
			case err == nil, errors.Is(err, sdk.ErrSessionExpired), errors.Is(err, ccs.ErrDeviceID):
				continue
			case !errors.As(err, &api):
				t.Fatalf("%v has no type", err)
			case api.RetryAfter < 0 || api.RetryAfter > 31*24*time.Hour+time.Minute:
				t.Fatalf("%s asks for %s", api.Reason, api.RetryAfter)
			case len(api.Error()) > 500 || len(api.VendorCode) > 100:
				t.Fatalf("%s speaks for too long", api.Reason)
			}
		}
	})
}
