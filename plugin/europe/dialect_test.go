package europe

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// listed is a client that has the list of an account's cars.
func (c *cloud) listed(t *testing.T, store *sdk.Store) *ccs.Client {
	t.Helper()
	client := c.client(t, profile.Kia, withStore(store))
	if client.Account().Session().AccessToken == "" {
		require.NoError(t, client.Login(t.Context()))
	}
	_, err := client.Vehicles(t.Context())
	require.NoError(t, err)
	return client
}

var outage5031 = text(http.StatusServiceUnavailable, `{"retCode":"F","resCode":"5031","resMsg":"Unavailable remote control - Service Temporary Unavailable"}`)

// A car whose list entry does not say that it speaks CCS2 is found out by its
// answers in the other dialect: metadata, or an outage that never ends.
func TestUnflaggedCCS2Car(t *testing.T) {
	t.Parallel()
	withoutBattery := text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":{"vehicleStatusInfo":{"vehicleStatus":
		{"time":"20260701115000","engine":false,"doorLock":true,"dte":{"value":437,"unit":1}},"odometer":{"value":2315,"unit":1}}}}`)
	for name, ccs1 := range map[string]front{
		"metadata": nil, "outage": on(latestCCS1, outage5031), "a document without a battery": on(latestCCS1, withoutBattery),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := account(profile.Kia)
			a.Cars[0].Unflagged = true
			c := newCloud(t, cloudsim.Options{Accounts: []cloudsim.Account{a}})
			store := openStore(t, t.TempDir())
			client := c.listed(t, store)
			c.intercept(ccs1)
			for range 2 {
				data, err := client.Cached(t.Context(), ccs2ID)
				require.NoError(t, err)
				assert.InDelta(t, 62.5, data.GetBattery().GetSoc(), 0.5)
			}
			assert.Equal(t, 1, c.seen(latestCCS1))

			c.intercept(ccs1)
			restarted := c.listed(t, store)
			_, err := restarted.Cached(t.Context(), ccs2ID)
			require.NoError(t, err)
			assert.Zero(t, c.seen(latestCCS1), "what was found out is on disk")
			assert.Zero(t, c.Attempts(cloudsim.Wake))
		})
	}
}

// A car with a battery whose document tells nothing of it, and that does not speak CCS2
// either, is read all the same: it costs one try a day.
func TestDocumentWithoutABattery(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.listed(t, openStore(t, ""))
	c.intercept(c.rewrite(latestCCS1, func(doc map[string]any) {
		delete(doc["resMsg"].(map[string]any)["vehicleStatusInfo"].(map[string]any)["vehicleStatus"].(map[string]any), "evStatus")
	}))
	for range 3 {
		data, err := client.Cached(t.Context(), ccs1ID)
		require.NoError(t, err)
		assert.InDelta(t, 48210, data.GetDrive().GetOdometer(), 0)
		assert.Nil(t, data.GetBattery())
	}
	assert.Equal(t, 1, c.seen(latestCCS2))
}

// Combustion engines and hybrids have no battery to tell of.
func TestCarWithoutAPlugIsNotTried(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{cloudsim.ICE, cloudsim.HEV, "X"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := account(profile.Kia)
			a.Cars[1].Type = kind
			c := newCloud(t, cloudsim.Options{Accounts: []cloudsim.Account{a}})
			client := c.listed(t, openStore(t, ""))
			data, err := client.Cached(t.Context(), ccs1ID)
			require.NoError(t, err)
			assert.Positive(t, data.GetRange().GetTotal())
			assert.Equal(t, data.GetRange().GetTotal(), data.GetRange().GetFuel()) //nolint:testifylint // the same figure
			assert.Zero(t, c.seen(latestCCS2))
		})
	}
}

func TestOtherDialectIsTriedOnceADay(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	store := openStore(t, t.TempDir())
	client := c.listed(t, store)
	c.intercept(on(latestCCS1, outage5031))
	for range 3 {
		_, err := client.Cached(t.Context(), ccs1ID)
		fails(t, err, shared.ReasonVendorUnavailable)
	}
	assert.Equal(t, 1, c.seen(latestCCS2))
	_, err := c.listed(t, store).Cached(t.Context(), ccs1ID)
	fails(t, err, shared.ReasonVendorUnavailable)
	assert.Equal(t, 1, c.seen(latestCCS2), "also after a restart")

	// One that has shown a state in CCS1 speaks it.
	c.intercept(nil)
	_, err = client.Cached(t.Context(), ccs1ID)
	require.NoError(t, err)
	c.clock.advance(25 * time.Hour)
	require.NoError(t, client.Login(t.Context()))
	c.intercept(on(latestCCS1, outage5031))
	_, err = client.Cached(t.Context(), ccs1ID)
	fails(t, err, shared.ReasonVendorUnavailable)
	assert.Zero(t, c.seen(latestCCS2))
}

// A session that ends while the other dialect is tried is the caller's to renew.
func TestSessionEndsWhileTheOtherDialectIsTried(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.listed(t, openStore(t, ""))
	c.intercept(both(on(latestCCS1, outage5031), before(latestCCS2, c.ExpireTokens)))
	_, err := client.Cached(t.Context(), ccs1ID)
	require.ErrorIs(t, err, sdk.ErrSessionExpired)
}
