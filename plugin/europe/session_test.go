package europe

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

func TestSessionSurvivesTheProcess(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	for name, change := range map[string]func(*ccs.Options){
		"password": func(*ccs.Options) {}, "refresh token": withToken(profile.Kia),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			logins, registered := c.Calls(cloudsim.Login), c.Calls(cloudsim.Register)
			c.ready(t, withStore(openStore(t, dir)), change)

			second := c.client(t, profile.Kia, withStore(openStore(t, dir)), change)
			_, err := second.Vehicles(t.Context())
			require.NoError(t, err)
			_, err = second.Cached(t.Context(), ccs2ID)
			require.NoError(t, err)
			assert.Equal(t, 1, c.Calls(cloudsim.Login)-logins)
			assert.Equal(t, 1, c.Calls(cloudsim.Register)-registered)
			c.ExpireTokens()
			require.NoError(t, second.Renew(t.Context()))
		})
	}
}

func TestSessionBelongsToOneAccount(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	for name, tc := range map[string]struct {
		brand  profile.Brand
		change func(*ccs.Options)
	}{
		"other user":   {profile.Kia, withUser("somebody@example.com")},
		"other brand":  {profile.Hyundai, withUser(account(profile.Kia).Email)},
		"with a token": {profile.Kia, withToken(profile.Kia)},
	} {
		t.Run(name, func(t *testing.T) {
			store := openStore(t, t.TempDir())
			c.ready(t, withStore(store))
			lists := c.Calls(cloudsim.List)
			other := c.client(t, tc.brand, withStore(store), tc.change)
			_, err := other.Vehicles(t.Context())
			require.ErrorIs(t, err, sdk.ErrSessionExpired)
			require.ErrorIs(t, other.Renew(t.Context()), sdk.ErrSessionExpired)
			assert.Equal(t, lists, c.Calls(cloudsim.List))
		})
	}
}

// The other half of the same: a corrected password keeps the session.
func TestSessionOutlivesThePassword(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	store := openStore(t, t.TempDir())
	c.ready(t, withStore(store))
	_, err := c.client(t, profile.Kia, withStore(store), withPassword("another")).Vehicles(t.Context())
	require.NoError(t, err)
}

func TestSessionDocumentHoldsNoCredentials(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	dir := t.TempDir()
	c.ready(t, withStore(openStore(t, dir)))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		body, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		assert.Contains(t, string(body), "device_id")
		redacttest.NotIn(t, string(body), password, account(profile.Kia).Email, "example.com")
	}
}

func TestDamagedSessionMeansALogin(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, sessionDoc+".json"), []byte(`{"account":`), 0o600))
	client := c.client(t, profile.Kia, withStore(openStore(t, dir)))
	_, err := client.Vehicles(t.Context())
	require.ErrorIs(t, err, sdk.ErrSessionExpired)
	require.NoError(t, client.Login(t.Context()))
	_, err = client.Vehicles(t.Context())
	require.NoError(t, err)
}

// Without the directory nothing can be written to it; permissions would not
// stop a test that runs as root.
func TestUnwritableStore(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	start := func(t *testing.T) (client *ccs.Client, lose func()) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "state")
		client = c.client(t, profile.Kia, withStore(openStore(t, dir)))
		return client, func() { require.NoError(t, os.RemoveAll(dir)) }
	}
	unused := func(t *testing.T, client *ccs.Client) {
		t.Helper()
		lists := c.Calls(cloudsim.List)
		_, err := client.Vehicles(t.Context())
		require.Error(t, err)
		assert.Equal(t, lists, c.Calls(cloudsim.List), "a token that is not on disk was used")
	}
	t.Run("device", func(t *testing.T) {
		c.intercept(nil)
		client, lose := start(t)
		lose()
		fails(t, client.Login(t.Context()), shared.ReasonConfigInvalid)
		assert.Zero(t, c.seen(signInPath), "the password is not sent when nothing could be kept of the login")
		unused(t, client)
	})
	t.Run("login", func(t *testing.T) {
		client, lose := start(t)
		_, err := client.Vehicles(t.Context())
		require.ErrorIs(t, err, sdk.ErrSessionExpired)
		lose()
		fails(t, client.Login(t.Context()), shared.ReasonConfigInvalid)
		unused(t, client)
	})
	t.Run("refresh token", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "state")
		client := c.client(t, profile.Kia, withStore(openStore(t, dir)), withToken(profile.Kia))
		_, err := client.Vehicles(t.Context()) // registers the device
		require.ErrorIs(t, err, sdk.ErrSessionExpired)
		require.NoError(t, os.RemoveAll(dir))
		fails(t, client.Login(t.Context()), shared.ReasonConfigInvalid)
		unused(t, client)
	})
	t.Run("renewal", func(t *testing.T) {
		client, lose := start(t)
		require.NoError(t, client.Login(t.Context()))
		c.intercept(nil)
		lose()
		fails(t, client.Renew(t.Context()), shared.ReasonConfigInvalid)
		assert.Zero(t, c.seen(exchangePath), "the refreshed set was used before it was on disk")
	})
}

// Each password login that can be avoided is: they get accounts blocked.
func TestLoginThatFailsAtTheEndIsNotLost(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	store := openStore(t, t.TempDir())
	c.intercept(on(exchangePath, text(http.StatusServiceUnavailable, "")))
	fails(t, c.client(t, profile.Kia, withStore(store)).Login(t.Context()), shared.ReasonVendorUnavailable)

	c.intercept(nil)
	client := c.client(t, profile.Kia, withStore(store))
	require.NoError(t, client.Renew(t.Context()), "the account API's tokens were used in step 5, so they had to be on disk")
	_, err := client.Vehicles(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, c.Calls(cloudsim.Login))
}

func TestTokensAreLearnedForRedaction(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	store := openStore(t, t.TempDir())
	learns := func(r *redact.Redactor) func(*ccs.Options) { return func(o *ccs.Options) { o.Redactor = r } }
	first, second := &redact.Redactor{}, &redact.Redactor{}
	client := c.ready(t, withStore(store), learns(first))
	c.client(t, profile.Kia, withStore(store), learns(second))
	s := client.Account().Session()
	for _, token := range append(cciOf(client).all(), s.AccessToken) {
		assert.Equal(t, redact.Mask, first.String(token))
		assert.Equal(t, redact.Mask, second.String(token), "a stored session is secret, too")
	}
}
