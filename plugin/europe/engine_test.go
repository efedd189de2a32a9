package europe

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// engine is the SDK's engine with the Kia account's client behind it.
func (c *cloud) engine(t *testing.T) *sdk.Engine {
	t.Helper()
	e := c.keptEngine(t, "")
	t.Cleanup(func() { assert.NoError(t, e.Close(context.WithoutCancel(t.Context()))) })
	return e
}

// keptEngine is one that keeps its state in a directory. Its test closes it.
func (c *cloud) keptEngine(t *testing.T, dir string) *sdk.Engine {
	t.Helper()
	e := sdk.NewEngine(sdk.Plugin{New: func(cfg sdk.VendorConfig) (sdk.Vendor, error) {
		return c.client(t, profile.Kia, withStore(cfg.Store), func(o *ccs.Options) { o.Refused = cfg.Refused }), nil
	}}, sdk.Options{Now: c.clock.now, MinReadInterval: -1})
	_, err := e.Initialize(t.Context(), shared.Config{Settings: []byte(`{}`), StateDir: dir})
	require.NoError(t, err)
	return e
}

// The server refuses a refresh it does not like with an error of its own code;
// only a login cures that. A plain outage costs none.
func TestRefusedRefreshCostsOneLogin(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		reason shared.Reason // "": the read succeeds
		logins int
	}{
		"a code of its own":    {text(http.StatusInternalServerError, `{"code":"9009"}`), "", 1},
		"a code as number":     {text(http.StatusInternalServerError, `{"code":9009}`), "", 1},
		"refused":              {text(http.StatusUnauthorized, `{"code":"9001"}`), "", 1},
		"no code":              {text(http.StatusInternalServerError, `{"message":"oops"}`), shared.ReasonVendorUnavailable, 0},
		"an empty code":        {text(http.StatusInternalServerError, `{"code":""}`), shared.ReasonVendorUnavailable, 0},
		"a page":               {text(http.StatusInternalServerError, "<html></html>"), shared.ReasonVendorUnavailable, 0},
		"a code of an outage":  {text(http.StatusServiceUnavailable, `{"code":"9009"}`), shared.ReasonVendorUnavailable, 0},
		"a code of a gateway":  {text(http.StatusBadGateway, `{"code":"9009"}`), shared.ReasonVendorUnavailable, 0},
		"nothing but a status": {text(http.StatusInternalServerError, ""), shared.ReasonVendorUnavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{})
			e := c.engine(t)
			c.ExpireTokens()
			c.intercept(on(refreshPath, tc.answer))
			before := c.Calls(cloudsim.Login)
			_, err := e.RefreshCached(t.Context(), ccs2ID)
			if tc.reason == "" {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, tc.reason)
			}
			assert.Equal(t, tc.logins, c.Calls(cloudsim.Login)-before)
			assert.Equal(t, 1, c.seen(refreshPath), "asked once")
		})
	}
}

// An answer without a state says nothing of the vendor: other cars stay
// readable however often it comes.
func TestNoStateDoesNotTripTheBreaker(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	e := c.engine(t)
	c.intercept(on(latestCCS2, text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":{}}`)))
	for range 8 {
		_, err := e.RefreshCached(t.Context(), ccs2ID)
		require.ErrorIs(t, err, shared.ReasonVehicleUnreachable)
	}
	assert.Equal(t, 8, c.seen(latestCCS2), "each was asked for")
	_, err := e.RefreshCached(t.Context(), ccs1ID)
	require.NoError(t, err)
}

// A wake that was refused for its session reaches the car once, after the
// renewal.
func TestRefusedWakeIsSentAfterTheRenewal(t *testing.T) {
	t.Parallel()
	for id, path := range map[string]string{ccs1ID: wakeCCS1, ccs2ID: wakeCCS2} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{})
			e := c.engine(t)
			_, err := e.RefreshCached(t.Context(), id)
			require.NoError(t, err)
			c.intercept(before(path, sync.OnceFunc(c.ExpireTokens)))
			_, err = e.RefreshForce(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, 2, c.seen(path))
			assert.Equal(t, 1, c.Wakes(id))
			assert.Equal(t, 1, c.seen(refreshPath))
		})
	}
}

// A session that ends behind the wake is renewed by the next command; this one
// does not wake the car again.
func TestAcceptedWakeIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for id, path := range map[string]string{ccs1ID: wakeCCS1, ccs2ID: wakeCCS2} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{})
			e := c.engine(t)
			_, err := e.RefreshCached(t.Context(), id)
			require.NoError(t, err)
			c.intercept(c.after(path, c.ExpireTokens))
			_, err = e.RefreshForce(t.Context(), id)
			if id == ccs1ID {
				require.NoError(t, err, "the car's own answer came with the wake")
			} else {
				require.ErrorIs(t, err, shared.ReasonVendorUnavailable)
			}
			assert.Equal(t, 1, c.seen(path))
			assert.Equal(t, 1, c.Wakes(id))
			c.intercept(nil)
			_, err = e.RefreshCached(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, 1, c.seen(refreshPath))
		})
	}
}
