package europe

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
)

var brands = []profile.Brand{profile.Hyundai, profile.Kia, profile.Genesis}

func TestLoginAndReadOfEveryBrand(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	for _, b := range brands {
		t.Run(string(b), func(t *testing.T) {
			logins, registered := c.Calls(cloudsim.Login), c.Calls(cloudsim.Register)
			client := c.client(t, b)
			require.NoError(t, client.Login(t.Context()))
			vehicles, err := client.Vehicles(t.Context())
			require.NoError(t, err)
			require.Len(t, vehicles, 2)
			for i, car := range account(b).Cars {
				v := vehicles[i]
				assert.Equal(t, car.ID, v.GetId())
				assert.Equal(t, string(b), v.GetBrand())
				data, err := client.Cached(t.Context(), v.GetId())
				require.NoError(t, err)
				assert.InDelta(t, car.SoC, data.GetBattery().GetSoc(), 0)
			}
			assert.Equal(t, 1, c.Calls(cloudsim.Login)-logins)
			assert.Equal(t, 1, c.Calls(cloudsim.Register)-registered)
		})
	}
}

func TestRefreshTokenAsPassword(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	for b, path := range map[profile.Brand]string{
		profile.Hyundai: grantPath, profile.Kia: grantPath, profile.Genesis: genesisPath,
	} {
		t.Run(string(b), func(t *testing.T) {
			c.intercept(nil)
			client := c.client(t, b, withToken(b))
			require.NoError(t, client.Login(t.Context()))
			vehicles, err := client.Vehicles(t.Context())
			require.NoError(t, err)
			require.Len(t, vehicles, 2)
			_, err = client.Cached(t.Context(), vehicles[0].GetId())
			require.NoError(t, err)
			assert.Equal(t, 1, c.seen(path))
			assert.Zero(t, c.seen(signInPath), "a refresh token never goes to the login pages as a password")

			c.ExpireTokens()
			require.NoError(t, client.Renew(t.Context()), "using a token again is tolerated")
			_, err = client.Vehicles(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 2, c.seen(path))
		})
	}
}

// Genesis never sends a new refresh token, the others may.
func TestRefreshTokenRotates(t *testing.T) {
	t.Parallel()
	rotated := strings.Repeat("N3W0", 12)
	for name, tc := range map[string]struct {
		answer string
		next   string
	}{
		"kept":    {answer: `{"access_token":"t"}`, next: account(profile.Kia).RefreshToken},
		"empty":   {answer: `{"access_token":"t","refresh_token":""}`, next: account(profile.Kia).RefreshToken},
		"rotated": {answer: `{"access_token":"t","refresh_token":"` + rotated + `"}`, next: rotated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent = append(sent, r.PostFormValue("refresh_token"))
				text(http.StatusOK, tc.answer)(w, r)
			}))
			t.Cleanup(server.Close)
			o := ccs.Options{
				Profile: brandProfile(t, profile.Kia, server.URL), Username: "owner", Password: account(profile.Kia).RefreshToken,
				Store: openStore(t, t.TempDir()),
			}
			require.NoError(t, newClient(t, o).Login(t.Context()))
			require.NoError(t, newClient(t, o).Renew(t.Context()), "the token outlives the process")
			assert.Equal(t, []string{o.Password, tc.next}, sent)
		})
	}
}

// The headers of the table in docs/protocol-europe.md, section "Login with
// e-mail and password".
func TestHeadersOfTheAccountAPI(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		brand    profile.Brand
		at       time.Time
		language string
		want     map[string]string
	}{
		"Kia in summer": {profile.Kia, summer, "de", map[string]string{
			"client-id": "com.kia.oneapp.eu", "client-name": "kia", "client-os-version": "27", "client-notification-provider-type": "IOS_APPSTORE",
			"locale": "DE", "Accept-Language": "de", "timezone": "+02:00",
		}},
		"Hyundai in winter": {profile.Hyundai, winter, "xx", map[string]string{
			"client-id": "com.hyundai.oneapp.eu", "client-name": "hyundai", "client-os-version": "18.7", "client-notification-provider-type": "APNS",
			"locale": "EN", "Accept-Language": "en", "timezone": "+01:00",
		}},
		"a language with its country": {profile.Kia, summer, "de-DE", map[string]string{"locale": "DE", "Accept-Language": "de"}},
		"a language in capitals":      {profile.Kia, summer, "DE", map[string]string{"locale": "DE", "Accept-Language": "de"}},
		"half a language":             {profile.Kia, summer, "d", map[string]string{"locale": "EN", "Accept-Language": "en"}},
		"no language":                 {profile.Kia, summer, "", map[string]string{"locale": "EN", "Accept-Language": "en"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{})
			c.clock.set(tc.at)
			calls := map[string]http.Header{}
			c.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
				if strings.HasPrefix(r.URL.Path, "/domain/") {
					calls[r.URL.Path] = r.Header
					body, err := io.ReadAll(r.Body)
					if assert.NoError(t, err) && r.URL.Path != refreshPath {
						assert.Empty(t, body)
					}
					r.Body = io.NopCloser(bytes.NewReader(body))
				}
				return false
			})
			client := c.client(t, tc.brand, func(o *ccs.Options) { o.Language = tc.language })
			require.NoError(t, client.Login(t.Context()))
			require.NoError(t, client.Renew(t.Context()))
			require.Len(t, calls, 3)
			for path, header := range calls {
				for key, value := range tc.want {
					assert.Equal(t, value, header.Get(key), "%s %s", path, key)
				}
				assert.Equal(t, "1.3.3 ios iPhone", header.Get("client-version")+" "+header.Get("client-os-code")+" "+header.Get("client-device-model"))
				assert.Equal(t, "application/json", header.Get("Accept"))
				assert.Equal(t, client.Account().Session().DeviceID, header.Get("client-device-id"))
				assert.Equal(t, path != redeemPath, strings.HasPrefix(header.Get("Authorization"), "Bearer eyJ"), path)
				assert.Equal(t, header.Get("Authentication"), header.Get("non-ccs-token"))
			}
		})
	}
}

func TestFormOfTheSignIn(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	var form url.Values
	var agents []string
	c.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/auth/") {
			agents = append(agents, r.UserAgent())
		}
		if r.URL.Path == signInPath {
			body, _ := io.ReadAll(r.Body)
			form, _ = url.ParseQuery(string(body))
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		return false
	})
	require.NoError(t, c.client(t, profile.Kia).Login(t.Context()))
	for _, empty := range []string{"scope", "nonce", "connector_session_key", "_csrf"} {
		assert.Equal(t, []string{""}, form[empty], empty)
	}
	assert.Equal(t, "true", form.Get("encryptedPassword"))
	assert.Equal(t, "ccsp", form.Get("state"))
	assert.Equal(t, "kia@example.com", form.Get("username"))
	assert.Regexp(t, `^[0-9a-f]{512}$`, form.Get("password"))
	require.Len(t, agents, 3)
	for _, agent := range agents {
		assert.Regexp(t, `_CCS_APP_AOS$`, agent)
	}
}

// Patterns cannot recognise a login code, so it must not get into the log.
func TestLogHoldsNoCode(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	codes := make(chan string, 1)
	c.intercept(on(redeemPath, func(w http.ResponseWriter, r *http.Request) {
		codes <- r.URL.Query().Get("code")
		hangUp(w, r)
	}))
	var lines bytes.Buffer
	ctx := sdk.WithLogger(t.Context(), slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug})))
	err := c.client(t, profile.Kia).Login(ctx)
	fails(t, err, shared.ReasonVendorUnavailable)
	code := await.Value(t, "the code", codes)
	require.NotEmpty(t, code)
	assert.Contains(t, lines.String(), "redeem code")
	redacttest.NotIn(t, lines.String(), code, password)
}

func TestLoginHonoursTheContext(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	for _, path := range []string{registerPath, authorizePath, certsPath, signInPath, redeemPath, exchangePath} {
		t.Run(path, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c.intercept(on(path, func(w http.ResponseWriter, r *http.Request) {
				cancel()
				hang(w, r)
			}))
			require.ErrorIs(t, c.client(t, profile.Kia).Login(ctx), context.Canceled)
		})
	}
}
