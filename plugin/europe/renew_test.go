package europe

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
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

func TestRenewRotatesTokens(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	dir, old := t.TempDir(), t.TempDir()
	client := c.ready(t, withStore(openStore(t, dir)))
	first, err := os.ReadFile(filepath.Join(dir, sessionDoc+".json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(old, sessionDoc+".json"), first, 0o600))

	// The account API's access tokens have ended as well.
	c.clock.advance(25 * time.Hour)
	_, err = client.Vehicles(t.Context())
	require.ErrorIs(t, err, sdk.ErrSessionExpired)
	require.NoError(t, client.Renew(t.Context()))
	_, err = client.Vehicles(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, c.Calls(cloudsim.Login))
	assert.Equal(t, 1, c.Calls(cloudsim.Renewal))
	assert.Equal(t, 1, c.Calls(cloudsim.Register), "the device id stays")

	var before, after ccs.Session
	require.NoError(t, json.Unmarshal(first, &before))
	_, err = openStore(t, dir).Get(sessionDoc, &after)
	require.NoError(t, err)
	assert.NotEqual(t, before.AccessToken, after.AccessToken)
	oldSet, _ := tokensOf(before)
	newSet, _ := tokensOf(after)
	was, is := oldSet.all(), newSet.all()
	for i := range was {
		assert.NotEmpty(t, is[i])
		assert.NotEqual(t, was[i], is[i])
	}

	stale := c.client(t, profile.Kia, withStore(openStore(t, old)))
	require.ErrorIs(t, stale.Renew(t.Context()), sdk.ErrSessionExpired, "the old refresh token is void")

	again := c.client(t, profile.Kia, withStore(openStore(t, dir)))
	require.NoError(t, again.Renew(t.Context()), "the new one is on disk")
}

// TestTwoProcessesShareASession: during an upgrade the old process and the new one
// have the same state directory.
func TestTwoProcessesShareASession(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	dir := t.TempDir()
	older := c.ready(t, withStore(openStore(t, dir)))
	younger := c.client(t, profile.Kia, withStore(openStore(t, dir)))
	another, err := younger.Restore(t.Context())
	require.NoError(t, err)
	assert.False(t, another, "it has it already")

	c.clock.advance(25 * time.Hour)
	require.NoError(t, younger.Renew(t.Context()))
	another, err = older.Restore(t.Context())
	require.NoError(t, err)
	assert.True(t, another)
	_, err = older.Vehicles(t.Context())
	require.NoError(t, err)

	require.NoError(t, younger.Renew(t.Context()))
	require.NoError(t, older.Account().Update(func(s *ccs.Session) { s.DeviceID = "another" }))
	assert.Equal(t, cciOf(younger), cciOf(older), "who writes one thing does not bring back the others as they were")
	assert.Equal(t, 1, c.Calls(cloudsim.Login))
}

func TestRenewKeepsWhatTheAnswerLeavesOut(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	before := cciOf(client)
	c.intercept(c.rewrite(refreshPath, func(doc map[string]any) {
		delete(doc, "idToken")
		doc["nonCcsRefreshToken"] = nil
		doc["accessToken"] = "Bearer fresh"
	}))
	_ = client.Renew(t.Context()) // the edited set is no longer the cloud's
	after := cciOf(client)
	assert.Equal(t, before.IDToken, after.IDToken)
	assert.Equal(t, before.NonCCSRefreshToken, after.NonCCSRefreshToken)
	assert.NotEqual(t, before.RefreshToken, after.RefreshToken)
	assert.Equal(t, "fresh", after.AccessToken, "the prefix is put before it when it is used, exactly once")
}

func TestCookieReplacesExchangeableToken(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	var exchangeable, authorization string
	c.intercept(both(
		on(refreshPath, func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "x", Value: "other"})
			http.SetCookie(w, &http.Cookie{Name: "t", Value: "of-the-cookie"})
			_, _ = w.Write([]byte(`{"accessToken":"a2","refreshToken":"r2","exchangeableAccessToken":"of-the-body","nonCcsToken":"n2"}`))
		}),
		on(exchangePath, func(w http.ResponseWriter, r *http.Request) {
			exchangeable, authorization = r.Header.Get("exchangeable-token"), r.Header.Get("Authorization")
			_, _ = w.Write([]byte(`{"ccsAccessToken":"ccs","expiresTime":86400}`))
		}),
	))
	require.NoError(t, client.Renew(t.Context()))
	assert.Equal(t, "of-the-cookie", exchangeable)
	assert.Equal(t, "Bearer a2", authorization)
	s := client.Account().Session()
	assert.Equal(t, "of-the-cookie", cciOf(client).ExchangeableAccessToken)
	assert.Equal(t, "ccs", s.AccessToken, "the other name of the token is read, too")
}

func TestRenewFailures(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		reason shared.Reason // "": the session has ended
	}{
		"refused":         {text(http.StatusUnauthorized, `{"code":"9001"}`), ""},
		"400":             {text(http.StatusBadRequest, `{"code":"9003"}`), ""},
		"500 with a code": {text(http.StatusInternalServerError, `{"code":"9009"}`), ""},
		// None of these is cured by a login, so none may cost one.
		"500":      {text(http.StatusInternalServerError, `{}`), shared.ReasonVendorUnavailable},
		"outage":   {text(http.StatusBadGateway, "<html></html>"), shared.ReasonVendorUnavailable},
		"too many": {text(http.StatusTooManyRequests, "{}"), shared.ReasonVendorUnavailable},
		"firewall": {text(http.StatusForbidden, nginx403), shared.ReasonVendorBlocked},
		"403":      {text(http.StatusForbidden, `{"code":"9001","message":"denied"}`), shared.ReasonVendorBlocked},
		"garbage":  {text(http.StatusOK, "<html></html>"), shared.ReasonInvalidResponse},
		"lost":     {hangUp, shared.ReasonVendorUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			c.intercept(on(refreshPath, tc.answer))
			err := client.Renew(t.Context())
			if tc.reason == "" {
				require.ErrorIs(t, err, sdk.ErrSessionExpired)
				return
			}
			fails(t, err, tc.reason)
		})
	}
	t.Run("exchange fails", func(t *testing.T) {
		c.intercept(on(exchangePath, text(http.StatusServiceUnavailable, "")))
		fails(t, client.Renew(t.Context()), shared.ReasonVendorUnavailable)
		c.intercept(nil)
		require.NoError(t, client.Renew(t.Context()), "the refreshed set was kept")
	})
	t.Run("revoked", func(t *testing.T) {
		c.RevokeSessions()
		require.ErrorIs(t, client.Renew(t.Context()), sdk.ErrSessionExpired)
	})
	t.Run("never logged in", func(t *testing.T) {
		for _, change := range []func(*ccs.Options){withPassword(password), withToken(profile.Kia)} {
			require.ErrorIs(t, c.client(t, profile.Kia, change).Renew(t.Context()), sdk.ErrSessionExpired)
		}
	})
	t.Run("refresh token revoked", func(t *testing.T) {
		legacy := c.ready(t, withToken(profile.Kia))
		c.intercept(on(grantPath, text(http.StatusBadRequest, `{"retCode":7501,"retMsg":"Received unexpected statusCode"}`)))
		fails(t, legacy.Renew(t.Context()), shared.ReasonTokenRejected)
	})
}

// lastsFor proves to the second how long a client uses its token.
func lastsFor(t *testing.T, c *cloud, client *ccs.Client, want time.Duration) {
	t.Helper()
	obtained := c.clock.now()
	defer c.clock.set(obtained)
	c.intercept(on(listPath, text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":{"vehicles":[]}}`)))
	c.clock.set(obtained.Add(want - time.Second))
	_, err := client.Vehicles(t.Context())
	require.NoError(t, err, "ended early")
	c.clock.set(obtained.Add(want))
	_, err = client.Vehicles(t.Context())
	require.ErrorIs(t, err, sdk.ErrSessionExpired, "lasts too long")
	assert.Equal(t, 1, c.seen(listPath), "a token that is about to end goes nowhere")
}

// Tokens are renewed five minutes early, short ones at a tenth of their life.
func TestLifeOfExchangedTokens(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	for name, tc := range map[string]struct {
		expires any // nil: missing
		lasts   time.Duration
	}{
		"a day in seconds":   {86400, 24*time.Hour - 5*time.Minute},
		"seconds as text":    {"3600", 55 * time.Minute},
		"a short one":        {600, 9 * time.Minute},
		"a very short one":   {10, 9 * time.Second},
		"epoch seconds":      {summer.Add(2 * time.Hour).Unix(), 115 * time.Minute},
		"epoch milliseconds": {summer.Add(2 * time.Hour).UnixMilli(), 115 * time.Minute},
		"epoch as text":      {fmt.Sprint(summer.Add(20 * time.Minute).UnixMilli()), 18 * time.Minute},
		"missing":            {nil, 55 * time.Minute},
		"zero":               {0, 55 * time.Minute},
		"nonsense":           {"soon", 55 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			c.intercept(c.rewrite(exchangePath, func(doc map[string]any) {
				if doc["expiresTime"] = tc.expires; tc.expires == nil {
					delete(doc, "expiresTime")
				}
			}))
			client := c.client(t, profile.Kia)
			require.NoError(t, client.Login(t.Context()))
			lastsFor(t, c, client, tc.lasts)
		})
	}
	t.Run("in the past", func(t *testing.T) {
		c.intercept(c.rewrite(exchangePath, func(doc map[string]any) { doc["expiresTime"] = summer.Add(-time.Hour).UnixMilli() }))
		client := c.client(t, profile.Kia)
		require.NoError(t, client.Login(t.Context()))
		_, err := client.Vehicles(t.Context())
		require.ErrorIs(t, err, sdk.ErrSessionExpired)
	})
}

func TestLifeOfGrantedTokens(t *testing.T) {
	jwt := func(payload string) string {
		return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2lnbmF0dXJl"
	}
	exp := func(after time.Duration) string { return jwt(fmt.Sprintf(`{"exp":%d}`, summer.Add(after).Unix())) }
	day := 24*time.Hour - 5*time.Minute
	c := newCloud(t, cloudsim.Options{})
	for name, tc := range map[string]struct {
		token   string
		expires any // nil: missing
		lasts   time.Duration
	}{
		"the JWT ends first":     {exp(time.Hour), 86400, 55 * time.Minute},
		"the JWT ends later":     {exp(100 * time.Hour), 3600, 55 * time.Minute},
		"the JWT alone":          {exp(2 * time.Hour), nil, 115 * time.Minute},
		"neither":                {"opaque", nil, day},
		"no expiry in the JWT":   {jwt(`{"sub":"x"}`), 86400, day},
		"nonsense in the JWT":    {jwt(`{"exp":"soon"}`), 86400, day},
		"the JWT is no JSON":     {jwt(`exp`), 86400, day},
		"the JWT is no base64":   {"eyJ.%%%.x", 86400, day},
		"expiry as text":         {"opaque", "7200", 115 * time.Minute},
		"expiry of zero is none": {"opaque", 0, day},
	} {
		t.Run(name, func(t *testing.T) {
			c.intercept(on(grantPath, func(w http.ResponseWriter, _ *http.Request) {
				doc := map[string]any{"token_type": "Bearer", "access_token": tc.token}
				if tc.expires != nil {
					doc["expires_in"] = tc.expires
				}
				_ = json.NewEncoder(w).Encode(doc)
			}))
			client := c.client(t, profile.Kia, withToken(profile.Kia))
			require.NoError(t, client.Login(t.Context()))
			lastsFor(t, c, client, tc.lasts)
		})
	}
}
