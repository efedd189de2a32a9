package cloudsim

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

func TestTokensEnd(t *testing.T) {
	c, clock := serve(t, Options{TokenLife: time.Hour})
	p := owner(t, c)
	assert.InDelta(t, 3600, p.grant(DemoAccount().RefreshToken).at("expires_in"), 0)
	clock.advance(time.Hour - time.Second)
	assert.Equal(t, http.StatusOK, p.get("vehicles").status)
	clock.advance(time.Second)
	assert.Equal(t, http.StatusUnauthorized, p.get("vehicles").status)
	p.login()
	assert.Equal(t, http.StatusOK, p.get("vehicles").status)
	c.ExpireTokens()
	assert.Equal(t, http.StatusUnauthorized, p.get("vehicles").status)
}

// The login pages and the account API, step by step, with what each refuses.
func TestLoginRefusals(t *testing.T) {
	c, clock := serve(t, Options{})
	brand, err := profile.Europe(profile.Hyundai)
	require.NoError(t, err)
	p := &phone{t: t, base: c.URL(), brand: brand}
	account := DemoAccount()
	page := func(clientID, agent string) (status int, text string, cookies []*http.Cookie) {
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		query := url.Values{"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {brand.OneAppRedirect}, "state": {"ccsp"}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL()+"/auth/api/v2/user/oauth2/authorize?"+query.Encode(), http.NoBody)
		require.NoError(t, err)
		req.Header.Set("User-Agent", agent)
		resp, err := (&http.Client{Jar: jar}).Do(req)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, resp.Request.URL.RequestURI() + string(body), jar.Cookies(req.URL)
	}
	status, _, _ := page(brand.OneAppClientID, "Mozilla/5.0")
	assert.Equal(t, http.StatusBadRequest, status, "no app")
	status, text, _ := page(brand.ServiceID, brand.LoginUserAgent)
	assert.Equal(t, http.StatusOK, status, "the firewall's page looks like a success")
	assert.Contains(t, text, "/error?status=400")
	assert.Contains(t, text, "abusing")
	status, text, cookies := page(brand.OneAppClientID, brand.LoginUserAgent)
	assert.Equal(t, http.StatusOK, status)
	assert.True(t, strings.HasPrefix(text, "/web/v1/user/authorize?"))
	require.Len(t, cookies, 1)

	key := p.do(http.MethodGet, "/auth/api/v1/accounts/certs", "", "", http.Header{})
	cipher := func(word string) string {
		n, err := base64.RawURLEncoding.DecodeString(key.at("retValue.n").(string))
		require.NoError(t, err)
		assert.Equal(t, "AQAB", key.at("retValue.e"))
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
		raw, err := rsa.EncryptPKCS1v15(rand.Reader, public, []byte(word)) //nolint:staticcheck // the vendor's choice
		require.NoError(t, err)
		return hex.EncodeToString(raw)
	}
	signIn := func(cookie string, change func(url.Values)) *url.URL {
		form := url.Values{
			"client_id": {brand.OneAppClientID}, "redirect_uri": {brand.OneAppRedirect}, "state": {"ccsp"}, "encryptedPassword": {"true"},
			"kid": {key.at("retValue.kid").(string)}, "username": {account.Email}, "password": {cipher(account.Password)},
		}
		change(form)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL()+"/auth/account/signin", strings.NewReader(form.Encode()))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Cookie", cookie)
		resp, err := http.DefaultTransport.RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		location, err := url.Parse(resp.Header.Get("Location"))
		require.NoError(t, err)
		return location
	}
	cookie := cookies[0].Name + "=" + cookies[0].Value
	for name, refusal := range map[string]struct {
		cookie string
		change func(url.Values)
	}{
		"no cookie":      {"", func(url.Values) {}},
		"wrong cookie":   {cookies[0].Name + "=x", func(url.Values) {}},
		"plain password": {cookie, func(f url.Values) { f.Set("encryptedPassword", "false"); f.Set("password", account.Password) }},
		"unknown key":    {cookie, func(f url.Values) { f.Set("kid", "x") }},
		"capital digits": {cookie, func(f url.Values) { f.Set("password", strings.ToUpper(f.Get("password"))) }},
		"wrong password": {cookie, func(f url.Values) { f.Set("password", cipher("wrong")) }},
		"wrong user":     {cookie, func(f url.Values) { f.Set("username", "nobody@example.com") }},
	} {
		location := signIn(refusal.cookie, refusal.change)
		assert.Equal(t, "/auth/api/v2/user/oauth2/authorize", location.Path, name)
		assert.Empty(t, location.Query().Get("code"), name)
	}
	assert.Equal(t, 7, c.Calls(Login), "each is an attempt")
	assert.Empty(t, signIn(cookie, func(f url.Values) { f.Set("redirect_uri", "https://example.com") }).String(), "a page, no redirect")

	code := func() string {
		location := signIn(cookie, func(url.Values) {})
		assert.Equal(t, brand.OneAppRedirect, location.Scheme+"://"+location.Host+location.Path)
		assert.Equal(t, "y", location.Query().Get("login_success"))
		return location.Query().Get("code")
	}
	cci := func(path, contentType, body string, header http.Header) answer {
		return p.do(http.MethodPost, "/domain/api/"+path, contentType, body, header)
	}
	app := http.Header{}
	app.Set("client-id", brand.Package)
	app.Set("client-device-id", "x")
	foreign := app.Clone()
	foreign.Set("client-id", "com.kia.oneapp.eu")
	assert.Equal(t, http.StatusUnauthorized, cci("v1/auth/token?code="+code(), "", "", http.Header{}).status)
	assert.Equal(t, http.StatusUnauthorized, cci("v1/auth/token?code="+code(), "", "", foreign).status)
	once := code()
	set := cci("v1/auth/token?code="+once, "", "", app)
	require.Equal(t, http.StatusOK, set.status)
	assert.Equal(t, http.StatusUnauthorized, cci("v1/auth/token?code="+once, "", "", app).status, "a code works once")

	with := func(set answer) http.Header {
		h := app.Clone()
		h.Set("Authorization", "Bearer "+set.at("accessToken").(string))
		h.Set("Authentication", set.at("nonCcsToken").(string))
		h.Set("exchangeable-token", set.at("exchangeableAccessToken").(string))
		return h
	}
	for _, name := range []string{"Authorization", "Authentication", "exchangeable-token", "client-id"} {
		h := with(set)
		h.Set(name, "x")
		assert.Equal(t, http.StatusUnauthorized, cci("v1/auth/token-exchange?serviceType=CCS", "", "", h).status, name)
	}
	assert.Equal(t, http.StatusUnauthorized, cci("v1/auth/token-exchange", "", "", with(set)).status)
	assert.Equal(t, http.StatusOK, cci("v1/auth/token-exchange?serviceType=CCS", "", "", with(set)).status)
	clock.advance(time.Hour)
	assert.Equal(t, http.StatusUnauthorized, cci("v1/auth/token-exchange?serviceType=CCS", "", "", with(set)).status, "lives an hour")

	tokens := map[string]any{}
	for name, value := range set.body {
		if strings.HasSuffix(name, "oken") {
			tokens[name] = value
		}
	}
	require.Len(t, tokens, 7)
	body := func(change ...string) string {
		changed := maps.Clone(tokens)
		for _, name := range change {
			changed[name] = "x"
		}
		text, err := json.Marshal(changed)
		require.NoError(t, err)
		return string(text)
	}
	for name := range tokens {
		assert.Equal(t, http.StatusUnauthorized, cci("v2/auth/token-refresh", "application/json", body(name), app).status, "%s is checked", name)
	}
	old := cci("v1/auth/token-refresh", "application/json", body(), app)
	assert.Equal(t, http.StatusInternalServerError, old.status)
	assert.Equal(t, "9009", old.at("code"))
	next := cci("v2/auth/token-refresh", "application/json", body(), app)
	require.Equal(t, http.StatusOK, next.status)
	assert.Equal(t, http.StatusUnauthorized, cci("v2/auth/token-refresh", "application/json", body(), app).status, "the old set is void")
	assert.Equal(t, http.StatusOK, cci("v1/auth/token-exchange?serviceType=CCS", "", "", with(next)).status)
	assert.Equal(t, 1, c.Calls(Renewal))

	wrong := cci("v1/auth/pin", "application/json", `{"pin":"0000"}`, with(next))
	assert.Equal(t, http.StatusOK, wrong.status, "a wrong PIN is 200, too")
	assert.Equal(t, false, wrong.at("isMatched"))
	assert.InDelta(t, 4, wrong.at("remainCountOnFailedInfo.remainCount"), 0)
	assert.Equal(t, true, cci("v1/auth/pin", "application/json", `{"pin":"1234"}`, with(next)).at("isMatched"))
	c.RevokeSessions()
	assert.Equal(t, http.StatusUnauthorized, cci("v1/auth/pin", "application/json", `{"pin":"1234"}`, with(next)).status)
}

func TestPIN(t *testing.T) {
	c, clock := serve(t, Options{})
	p := owner(t, c)
	try := func(pin string) answer {
		return p.do(http.MethodPut, "/api/v1/user/pin", "application/json",
			`{"deviceId":"`+p.header.Get("Ccsp-Device-Id")+`","pin":"`+pin+`"}`, p.header)
	}
	right := try("1234")
	assert.Equal(t, http.StatusOK, right.status)
	assert.InDelta(t, 600, right.at("expiresTime"), 0)
	assert.NotEmpty(t, right.at("controlToken"))
	for left := 4; left >= 0; left-- {
		wrong := try("0000")
		assert.Equal(t, http.StatusBadRequest, wrong.status)
		assert.InDelta(t, left, wrong.at("errBody.remainCount"), 0)
		assert.InDelta(t, 300, wrong.at("errBody.remainTime"), 0)
	}
	assert.Equal(t, http.StatusBadRequest, try("1234").status, "locked, also for the right one")
	clock.advance(300 * time.Second)
	assert.Equal(t, http.StatusOK, try("1234").status)

	p.header.Set("Authorization", "Bearer "+right.at("controlToken").(string))
	assert.Equal(t, http.StatusUnauthorized, p.get("vehicles").status, "a control token is no access token")
}
