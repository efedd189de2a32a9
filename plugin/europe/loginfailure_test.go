package europe

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

func TestWrongPasswordIsTriedOnce(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	for name, tc := range map[string]struct {
		user, word string
	}{
		"wrong password": {account(profile.Kia).Email, "wrong"},
		"wrong user":     {"nobody@example.com", password},
		// The vendor's redirect repeats the user name.
		"user name with the word error":   {"error404@example.com", password},
		"user name with the word captcha": {"captcha@example.com", password},
	} {
		t.Run(name, func(t *testing.T) {
			attempts := c.Calls(cloudsim.Login)
			client := c.client(t, profile.Kia, withUser(tc.user), withPassword(tc.word))
			e := failure(t, client.Login(t.Context()), shared.ReasonAuthFailed)
			assert.False(t, e.Temporary)
			assert.Equal(t, 1, c.Calls(cloudsim.Login)-attempts)
		})
	}
}

func TestLockedAccountIsRefused(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	for range 5 {
		fails(t, c.client(t, profile.Kia, withPassword("wrong")).Login(t.Context()), shared.ReasonAuthFailed)
	}
	client := c.client(t, profile.Kia)
	e := failure(t, client.Login(t.Context()), shared.ReasonAccountLocked)
	assert.Equal(t, 6*time.Minute, e.RetryAfter, "the usual lock, and a minute more")
	assert.True(t, e.Temporary)
	c.clock.advance(5 * time.Minute)
	require.NoError(t, client.Login(t.Context()))
}

func TestConsentRequired(t *testing.T) {
	t.Parallel()
	a := account(profile.Kia)
	a.ConsentMissing = true
	c := newCloud(t, cloudsim.Options{Accounts: []cloudsim.Account{a}})
	e := failure(t, c.client(t, profile.Kia).Login(t.Context()), shared.ReasonConsentRequired)
	assert.False(t, e.Temporary)
	assert.Equal(t, 1, c.Calls(cloudsim.Login))
}

func TestRejectedRefreshToken(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	for _, b := range brands {
		t.Run(string(b), func(t *testing.T) {
			attempts := c.Calls(cloudsim.Login)
			client := c.client(t, b, withPassword(strings.Repeat("V0ID", 12)))
			fails(t, client.Login(t.Context()), shared.ReasonTokenRejected)
			assert.Equal(t, 1, c.Calls(cloudsim.Login)-attempts)
		})
	}
}

const (
	nginx403    = "<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1><hr>nginx</body></html>"
	abusingPage = "<html><body>Abusing request and blocked. client_id : 01b36c86</body></html>"
)

// What the login pages and the account API may answer instead. None of it costs
// a second attempt with the password.
func TestLoginFailuresAreToldApart(t *testing.T) {
	const hours = time.Hour
	certs := func(n, e, kid string) http.HandlerFunc {
		body, err := json.Marshal(map[string]any{"retValue": map[string]string{"kid": kid, "kty": "RSA", "n": n, "e": e}})
		require.NoError(t, err)
		return text(http.StatusOK, string(body))
	}
	modulus := base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xf1}, 256))
	c := newCloud(t, cloudsim.Options{})
	for name, tc := range map[string]struct {
		path   string
		answer http.HandlerFunc
		reason shared.Reason
		// retry is the least time to wait; 0: none is promised.
		retry time.Duration
	}{
		"firewall: redirect": {
			authorizePath, redirect("/error?status=400&error=Bad+Request&error_description=" + url.QueryEscape("abusing request and blocked. client_id : x")),
			shared.ReasonVendorBlocked, hours,
		},
		"firewall: 200 page":           {authorizePath, text(http.StatusOK, abusingPage), shared.ReasonVendorBlocked, hours},
		"firewall: 403 page":           {authorizePath, text(http.StatusForbidden, nginx403), shared.ReasonVendorBlocked, hours},
		"firewall: 403 at sign-in":     {signInPath, text(http.StatusForbidden, nginx403), shared.ReasonVendorBlocked, hours},
		"firewall: redirect elsewhere": {signInPath, redirect("/error?status=400&error=Bad+Request&error_description=abusing+request+and+blocked"), shared.ReasonVendorBlocked, hours},
		"firewall: 403 for the code":   {redeemPath, text(http.StatusForbidden, nginx403), shared.ReasonVendorBlocked, hours},
		"firewall: 403 for the token":  {exchangePath, text(http.StatusForbidden, nginx403), shared.ReasonVendorBlocked, hours},
		"firewall: 403 for the device": {registerPath, text(http.StatusForbidden, nginx403), shared.ReasonVendorBlocked, hours},
		"firewall: device page":        {registerPath, text(http.StatusOK, abusingPage), shared.ReasonVendorBlocked, hours},
		"sign-in refuses for its own reasons": {
			signInPath, redirect("https://oneapp.kia.com/redirect?error=server_error&error_description=try+later&state=ccsp"), shared.ReasonVendorBlocked, hours,
		},
		"wrong, tries are left": {
			signInPath, text(http.StatusBadRequest, `{"errCode":"4003","errMsg":"Invalid values","errBody":{"userId":"","remainCount":4,"remainTime":300}}`),
			shared.ReasonAuthFailed, 0,
		},
		"wrong, without a count":  {signInPath, text(http.StatusBadRequest, `{"errCode":"4003","errMsg":"Invalid values"}`), shared.ReasonAuthFailed, 0},
		"not logged in":           {signInPath, text(http.StatusBadRequest, `{"errCode":"4010","errMsg":"Require authentication"}`), shared.ReasonAuthFailed, 0},
		"a page of another kind":  {signInPath, text(http.StatusOK, "<html>Welcome to the new app</html>"), shared.ReasonVendorChanged, 0},
		"an answer without sense": {signInPath, text(http.StatusTeapot, `{"errCode":"7777"}`), shared.ReasonVendorChanged, 0},
		"wrong, none is left": {
			signInPath, text(http.StatusBadRequest, `{"errCode":"4003","errMsg":"Invalid values","errBody":{"userId":"","remainCount":0,"remainTime":600}}`),
			shared.ReasonAccountLocked, 11 * time.Minute,
		},
		"locked for three days": {
			signInPath, text(http.StatusBadRequest, `{"errBody":{"remainCount":0,"remainTime":259200}}`),
			shared.ReasonAccountLocked, 72*time.Hour + time.Minute,
		},
		"locked for an absurd time": {
			signInPath, text(http.StatusBadRequest, `{"errBody":{"remainCount":0,"remainTime":1e14}}`),
			shared.ReasonAccountLocked, 24*time.Hour + time.Minute,
		},
		"401":                 {signInPath, text(http.StatusUnauthorized, ""), shared.ReasonAuthFailed, 0},
		"page about password": {signInPath, text(http.StatusOK, "<p>Your Password is not correct</p>"), shared.ReasonAuthFailed, 0},
		"page about credentials": {
			signInPath, text(http.StatusBadRequest, `{"error":"bad Credentials"}`), shared.ReasonAuthFailed, 0,
		},
		"redirect with invalid_user": {
			signInPath, redirect("https://oneapp.kia.com/redirect?error=invalid_user&state=ccsp"), shared.ReasonAuthFailed, 0,
		},
		"redirect about the password": {
			signInPath, redirect("https://oneapp.kia.com/redirect?error=access_denied&error_description=Wrong+Password&state=ccsp"), shared.ReasonAuthFailed, 0,
		},
		"back to the login page": {signInPath, redirect(authorizePath + "?client_id=x&reqUsername=y"), shared.ReasonAuthFailed, 0},
		"new terms":              {signInPath, redirect("/web/v1/user/authorization?client_id=x"), shared.ReasonConsentRequired, 0},
		"captcha page":           {signInPath, text(http.StatusOK, `<div class="g-recaptcha"></div>`), shared.ReasonCaptchaRequired, 0},
		"captcha redirect":       {signInPath, redirect("/web/v1/user/captcha?client_id=x"), shared.ReasonCaptchaRequired, 0},

		"no login page":          {authorizePath, text(http.StatusNotFound, ""), shared.ReasonInvalidResponse, 0},
		"no key":                 {certsPath, text(http.StatusNotFound, "{}"), shared.ReasonInvalidResponse, 0},
		"key is HTML":            {certsPath, text(http.StatusOK, "<html></html>"), shared.ReasonInvalidResponse, 0},
		"key is a list":          {certsPath, text(http.StatusOK, "[]"), shared.ReasonInvalidResponse, 0},
		"key without modulus":    {certsPath, certs("", "AQAB", "k"), shared.ReasonInvalidResponse, 0},
		"key without exponent":   {certsPath, certs(modulus, "", "k"), shared.ReasonInvalidResponse, 0},
		"key without id":         {certsPath, certs(modulus, "AQAB", ""), shared.ReasonInvalidResponse, 0},
		"key is no base64":       {certsPath, certs("%%%", "AQAB", "k"), shared.ReasonInvalidResponse, 0},
		"key is zero":            {certsPath, certs("AA", "AQAB", "k"), shared.ReasonInvalidResponse, 0},
		"key is even":            {certsPath, certs(strings.TrimRight(modulus, "x")[:340]+"AA", "AQAB", "k"), shared.ReasonInvalidResponse, 0},
		"key is too short":       {certsPath, certs(modulus[:40], "AQAB", "k"), shared.ReasonInvalidResponse, 0},
		"key is absurdly long":   {certsPath, certs(strings.Repeat("8", 4096), "AQAB", "k"), shared.ReasonInvalidResponse, 0},
		"exponent is 1":          {certsPath, certs(modulus, "AQ", "k"), shared.ReasonInvalidResponse, 0},
		"exponent is even":       {certsPath, certs(modulus, "BA", "k"), shared.ReasonInvalidResponse, 0},
		"exponent is huge":       {certsPath, certs(modulus, strings.Repeat("_", 22), "k"), shared.ReasonInvalidResponse, 0},
		"redirect elsewhere":     {signInPath, redirect("https://www.kia.com/maintenance"), shared.ReasonVendorChanged, 0},
		"redirect without code":  {signInPath, redirect("https://oneapp.kia.com/redirect?code=&state=ccsp"), shared.ReasonVendorChanged, 0},
		"redirect to nowhere":    {signInPath, redirect(""), shared.ReasonVendorChanged, 0},
		"redirect is no URL":     {signInPath, redirect("https://oneapp.kia.com:redirect/?code=eyJ"), shared.ReasonVendorChanged, 0},
		"code refused":           {redeemPath, text(http.StatusUnauthorized, `{"code":"9001"}`), shared.ReasonInvalidResponse, 0},
		"code answers HTML":      {redeemPath, text(http.StatusOK, "<html></html>"), shared.ReasonInvalidResponse, 0},
		"code answers a list":    {redeemPath, text(http.StatusOK, "[]"), shared.ReasonInvalidResponse, 0},
		"code without tokens":    {redeemPath, text(http.StatusOK, `{"tokenType":"Bearer"}`), shared.ReasonInvalidResponse, 0},
		"exchange without token": {exchangePath, text(http.StatusOK, `{"expiresTime":86400}`), shared.ReasonInvalidResponse, 0},
		"device without id": {
			registerPath, text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":{"deviceId":""}}`), shared.ReasonInvalidResponse, 0,
		},
		"device times out": {
			registerPath, text(http.StatusOK, `{"retCode":"F","resCode":"9999","resMsg":"Undefined Error - Response timeout"}`), shared.ReasonVendorTimeout, 0,
		},
		"device refuses the app": {
			registerPath, text(http.StatusUnauthorized, `{"retCode":"F","resCode":"4017","resMsg":"Invalid Application Id."}`), shared.ReasonVendorChanged, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.intercept(on(tc.path, tc.answer))
			e := failure(t, c.client(t, profile.Kia).Login(t.Context()), tc.reason)
			assert.GreaterOrEqual(t, e.RetryAfter, tc.retry)
			assert.LessOrEqual(t, c.seen(signInPath), 1)
			assert.LessOrEqual(t, c.seen(redeemPath), 1, "a code works once")
			assert.Equal(t, c.seen(signInPath) > 0, e.MayHaveHappened, "it says whether the password was sent")
		})
	}
}

func TestOutageAtEachStepOfTheLogin(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	for _, path := range []string{registerPath, authorizePath, certsPath, signInPath, redeemPath, exchangePath} {
		for name, answer := range map[string]http.HandlerFunc{
			"500 empty": text(http.StatusInternalServerError, ""),
			"502 HTML":  text(http.StatusBadGateway, "<html><h1>502 Bad Gateway</h1></html>"),
			"503 JSON":  text(http.StatusServiceUnavailable, `{"code":"9009","message":"Service Unavailable"}`),
			"no answer": hangUp,
		} {
			t.Run(path+" "+name, func(t *testing.T) {
				c.intercept(on(path, answer))
				e := failure(t, c.client(t, profile.Kia).Login(t.Context()), shared.ReasonVendorUnavailable)
				assert.True(t, e.Temporary)
				assert.LessOrEqual(t, c.seen(signInPath), 1, "the password is sent once")
			})
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"500": text(http.StatusInternalServerError, `{}`), "502": text(http.StatusBadGateway, "<html></html>"),
		"429": text(http.StatusTooManyRequests, `{}`),
	} {
		t.Run("refresh token "+name, func(t *testing.T) {
			c.intercept(on(grantPath, answer))
			fails(t, c.client(t, profile.Kia, withToken(profile.Kia)).Login(t.Context()), shared.ReasonVendorUnavailable)
		})
	}
	t.Run("refresh token 403", func(t *testing.T) {
		c.intercept(on(grantPath, text(http.StatusForbidden, nginx403)))
		fails(t, c.client(t, profile.Kia, withToken(profile.Kia)).Login(t.Context()), shared.ReasonVendorBlocked)
	})
	for name, answer := range map[string]http.HandlerFunc{
		"200 HTML": text(http.StatusOK, "<html></html>"), "no token": text(http.StatusOK, `{"expires_in":86400}`),
	} {
		t.Run("refresh token "+name, func(t *testing.T) {
			c.intercept(on(grantPath, answer))
			fails(t, c.client(t, profile.Kia, withToken(profile.Kia)).Login(t.Context()), shared.ReasonInvalidResponse)
		})
	}
}

// What the hosts may answer to a refresh token. Only a word about the token is a
// rejection, after which a person is needed.
func TestAnswersToARefreshToken(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	for name, tc := range map[string]struct {
		brand  profile.Brand
		answer http.HandlerFunc
		reason shared.Reason
	}{
		"rejected":                  {profile.Kia, text(http.StatusBadRequest, `{"retCode":7501,"retMsg":"Received unexpected statusCode","retValue":null}`), shared.ReasonTokenRejected},
		"rejected in words":         {profile.Kia, text(http.StatusBadRequest, `{"retMsg":"Received unexpected statusCode"}`), shared.ReasonTokenRejected},
		"rejected by the standard":  {profile.Kia, text(http.StatusBadRequest, `{"error":"invalid_grant"}`), shared.ReasonTokenRejected},
		"no such page":              {profile.Kia, text(http.StatusNotFound, `{"message":"no route"}`), shared.ReasonInvalidResponse},
		"client unknown":            {profile.Kia, text(http.StatusUnauthorized, `{"error":"invalid_client"}`), shared.ReasonInvalidResponse},
		"forbidden":                 {profile.Kia, text(http.StatusForbidden, `{"message":"forbidden"}`), shared.ReasonVendorBlocked},
		"Genesis: rejected":         {profile.Genesis, text(http.StatusBadRequest, `{"retCode":7501,"retMsg":"Received unexpected statusCode"}`), shared.ReasonTokenRejected},
		"Genesis: unauthorized":     {profile.Genesis, text(http.StatusUnauthorized, `{"error":"Key not authorized"}`), shared.ReasonTokenRejected},
		"Genesis: stamp refused":    {profile.Genesis, text(http.StatusUnauthorized, `{"retCode":"F","resCode":"4017","resMsg":"Invalid Application Id."}`), shared.ReasonVendorChanged},
		"Genesis: quota":            {profile.Genesis, text(509, `{"retCode":"F","resCode":"5091","resMsg":"Exceeds number of requests"}`), shared.ReasonRateLimited},
		"Genesis: time-out":         {profile.Genesis, text(http.StatusBadRequest, `{"retCode":"F","resCode":"9999","resMsg":"Undefined Error - Response timeout"}`), shared.ReasonVendorTimeout},
		"Genesis: firewall":         {profile.Genesis, text(http.StatusForbidden, nginx403), shared.ReasonVendorBlocked},
		"Genesis: without sense":    {profile.Genesis, text(http.StatusOK, `{"hello":"world"}`), shared.ReasonInvalidResponse},
		"Genesis: without a token":  {profile.Genesis, text(http.StatusOK, `{"retCode":"S"}`), shared.ReasonInvalidResponse},
		"Genesis: no known failure": {profile.Genesis, text(http.StatusBadRequest, `{"retCode":"F","resCode":"1234"}`), shared.ReasonInvalidResponse},
	} {
		t.Run(name, func(t *testing.T) {
			path := map[profile.Brand]string{profile.Kia: grantPath, profile.Genesis: genesisPath}[tc.brand]
			c.intercept(on(path, tc.answer))
			client := c.client(t, tc.brand, withToken(tc.brand))
			fails(t, client.Login(t.Context()), tc.reason)
			if tc.reason == shared.ReasonTokenRejected {
				fails(t, client.Login(t.Context()), tc.reason)
				assert.Equal(t, 1, c.seen(path), "it would be rejected again")
			}
		})
	}
}
