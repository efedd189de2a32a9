package europe

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

func TestRegistration(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	seen := map[string]bool{}
	for b, pushType := range map[profile.Brand]string{
		profile.Hyundai: "GCM", profile.Kia: "APNS", profile.Genesis: "GCM",
	} {
		t.Run(string(b), func(t *testing.T) {
			var sent map[string]string
			var header http.Header
			c.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == registerPath {
					body, _ := io.ReadAll(r.Body)
					_ = json.Unmarshal(body, &sent)
					header = r.Header
					r.Body = io.NopCloser(bytes.NewReader(body))
				}
				return false
			})
			require.NoError(t, c.client(t, b).Login(t.Context()))
			assert.Equal(t, pushType, sent["pushType"])
			assert.Regexp(t, `^[0-9a-f]{64}$`, sent["pushRegId"])
			assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, sent["uuid"])
			assert.Len(t, sent, 3)
			assert.Empty(t, header.Get("Authorization"), "registering needs no token")
			assert.Equal(t, []string{"application/json;charset=UTF-8"}, header["Content-Type"])
			for _, random := range []string{sent["pushRegId"], sent["uuid"]} {
				assert.False(t, seen[random], "not random")
				seen[random] = true
			}
		})
	}
}

func TestDroppedDeviceIsRegisteredOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		call func(ctx context.Context, c *ccs.Client) error
		path string
	}{
		"list": {func(ctx context.Context, c *ccs.Client) error { _, err := c.Vehicles(ctx); return err }, listPath},
		"read": {func(ctx context.Context, c *ccs.Client) error { _, err := c.Cached(ctx, ccs2ID); return err }, latestCCS2},
		"CCS1 wake": {func(ctx context.Context, c *ccs.Client) error {
			_, err := c.Force(ctx, ccs1ID, time.Time{})
			return err
		}, wakeCCS1},
		"CCS2 wake": {func(ctx context.Context, c *ccs.Client) error {
			_, err := c.Force(ctx, ccs2ID, time.Time{})
			return err
		}, wakeCCS2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{})
			store := openStore(t, t.TempDir())
			client := c.ready(t, withStore(store))
			c.DropDevices()
			c.intercept(before(latestCCS2, func() { c.clock.advance(time.Second) }))
			require.NoError(t, tc.call(t.Context(), client))
			assert.Equal(t, 2, c.seen(tc.path), "repeated once")
			assert.Equal(t, 2, c.Calls(cloudsim.Register), "one at the login, one anew")
			assert.LessOrEqual(t, c.Wakes(ccs1ID)+c.Wakes(ccs2ID), 1, "the refused wake never reached the car")

			second := c.client(t, profile.Kia, withStore(store))
			_, err := second.Vehicles(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 2, c.Calls(cloudsim.Register), "the new id is on disk")
		})
	}
}

// All callers learn of the dropped id before the first of them can cure it.
func TestManyCallersRegisterOnce(t *testing.T) {
	t.Parallel()
	const callers = 20
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	dropped := client.Account().Session().DeviceID
	c.DropDevices()

	var arrived sync.WaitGroup
	arrived.Add(callers)
	c.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Ccsp-Device-Id") == dropped {
			arrived.Done()
			arrived.Wait()
		}
		return false
	})
	errs := make(chan error, callers)
	for range callers {
		go func() {
			_, err := client.Vehicles(t.Context())
			errs <- err
		}()
	}
	for range callers {
		require.NoError(t, await.Value(t, "the end of a call", errs))
	}
	assert.Equal(t, 1, c.seen(registerPath))
	assert.Equal(t, 2*callers, c.seen(listPath))
}

func TestDeviceThatIsAlwaysRefused(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	c.intercept(on(listPath, text(http.StatusBadRequest, `{"retCode":"F","resCode":"4002","resMsg":"Invalid request body - Invalid deviceId.","msgId":"m"}`)))
	_, err := client.Vehicles(t.Context())
	e := failure(t, err, shared.ReasonVendorUnavailable)
	assert.Equal(t, "4002", e.VendorCode)
	assert.Equal(t, 2, c.seen(listPath))
	assert.Equal(t, 1, c.seen(registerPath))
}

// Registering does not cure the other meanings of the code.
func TestOtherBadRequestKeepsTheDevice(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	c.intercept(on(listPath, text(http.StatusBadRequest, `{"retCode":"F","resCode":"4002","resMsg":"Invalid request body - Invalid parameter."}`)))
	_, err := client.Vehicles(t.Context())
	fails(t, err, shared.ReasonInvalidCommand)
	assert.Equal(t, 1, c.seen(listPath))
	assert.Zero(t, c.seen(registerPath))
}

// Neither a session nor a device id is part of the request, so no answer to it
// may cost a login or another registration.
func TestNewDeviceMayFail(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	c.DropDevices()
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		reason shared.Reason
	}{
		"timeout":          {text(http.StatusOK, `{"retCode":"F","resCode":"9999","resMsg":"Undefined Error - Response timeout"}`), shared.ReasonVendorTimeout},
		"device id":        {text(http.StatusBadRequest, `{"retCode":"F","resCode":"4002","resMsg":"Invalid request body - Invalid deviceId."}`), shared.ReasonVendorUnavailable},
		"session":          {text(http.StatusUnauthorized, `{"retCode":"F","resCode":"4010","resMsg":"Require authentication"}`), shared.ReasonVendorUnavailable},
		"key":              {text(http.StatusUnauthorized, `{"error":"Key not authorized: Token is expired"}`), shared.ReasonVendorUnavailable},
		"401 page":         {text(http.StatusUnauthorized, "<html></html>"), shared.ReasonVendorUnavailable},
		"stamp":            {text(http.StatusUnauthorized, `{"retCode":"F","resCode":"4017","resMsg":"Invalid Application Id."}`), shared.ReasonVendorChanged},
		"no id":            {text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":{"deviceId":""}}`), shared.ReasonInvalidResponse},
		"another bad word": {text(http.StatusBadRequest, `{"retCode":"F","resCode":"4002","resMsg":"Invalid parameter."}`), shared.ReasonInvalidCommand},
	} {
		c.intercept(on(registerPath, tc.answer))
		_, err := client.Vehicles(t.Context())
		require.ErrorIs(t, err, tc.reason, name)
		fails(t, err, tc.reason)
		assert.Equal(t, 1, c.seen(registerPath), name)
	}
	c.intercept(nil)
	_, err := client.Vehicles(t.Context())
	require.NoError(t, err, "it passes")
}

// Who waits for somebody else's registration can leave.
func TestWaitingForARegistrationCanBeCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, piped := newPipedCloud(t, cloudsim.Options{})
		client := c.ready(t, piped)
		c.DropDevices()
		registering, release := make(chan struct{}), make(chan struct{})
		c.intercept(before(registerPath, func() {
			close(registering)
			<-release
		}))
		first, second := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := client.Vehicles(t.Context())
			first <- err
		}()
		<-registering

		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			_, err := client.Vehicles(ctx)
			second <- err
		}()
		synctest.Wait() // until it can do nothing but wait for the first one
		assert.Equal(t, 2, c.seen(listPath))
		assert.Empty(t, second)
		cancel()
		require.ErrorIs(t, <-second, context.Canceled)

		close(release)
		require.NoError(t, <-first)
		assert.Equal(t, 1, c.seen(registerPath))
	})
}

func TestEndedTokenIsTheEnginesToRenew(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	c.ExpireTokens()
	for name, call := range map[string]func() error{
		"list":      func() error { _, err := client.Vehicles(t.Context()); return err },
		"CCS1 read": func() error { _, err := client.Cached(t.Context(), ccs1ID); return err },
		"CCS2 read": func() error { _, err := client.Cached(t.Context(), ccs2ID); return err },
		"CCS1 wake": func() error { _, err := client.Force(t.Context(), ccs1ID, time.Time{}); return err },
		"CCS2 wake": func() error { _, err := client.Force(t.Context(), ccs2ID, time.Time{}); return err },
	} {
		c.intercept(nil)
		require.ErrorIs(t, call(), sdk.ErrSessionExpired, name)
		assert.Equal(t, 1, c.total(), "%s: nothing is repeated, nothing renewed", name)
	}
	assert.Zero(t, c.Calls(cloudsim.Wake))
	require.NoError(t, client.Renew(t.Context()))
	_, err := client.Vehicles(t.Context())
	require.NoError(t, err)
}
