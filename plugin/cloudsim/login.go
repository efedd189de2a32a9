package cloudsim

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

const (
	loginCookie = "account"
	signInPath  = "/auth/account/signin"
)

// Password attempts before the account is locked, and for how long.
const (
	maxFailures = 5
	lockTime    = 300 * time.Second
)

// loginRoutes are the login pages.
func (c *Cloud) loginRoutes() {
	for pattern, page := range map[string]http.HandlerFunc{
		"GET /auth/api/v2/user/oauth2/authorize": c.authorize,
		"GET /web/v1/user/authorize":             textPage("Sign in"),
		"GET /error":                             textPage("abusing request and blocked"),
		"GET /auth/api/v1/accounts/certs":        c.certs,
		"GET /api/v1/user/oauth2/authorize":      c.authorizePlain,
	} {
		c.handle(LoginPage, pattern, func(w http.ResponseWriter, r *http.Request) {
			c.count(LoginPage)
			page(w, r)
		})
	}
	c.handle(Login, "POST "+signInPath, c.signIn)
	c.handle(Login, "POST /auth/api/v2/user/oauth2/token", c.refreshGrant)
}

func textPage(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writePage(w, http.StatusOK, text) }
}

// authorize opens the login page. The classic client is blocked.
func (c *Cloud) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !strings.HasSuffix(r.UserAgent(), "_CCS_APP_AOS") {
		writePage(w, http.StatusBadRequest, "Bad Request")
		return
	}
	p, known := c.brandOfApp(q.Get("client_id"))
	if !known || q.Get("response_type") != "code" || q.Get("redirect_uri") != p.OneAppRedirect {
		text := "abusing request and blocked. client_id : " + q.Get("client_id")
		http.Redirect(w, r, "/error?status=400&error=Bad+Request&error_description="+url.QueryEscape(text), http.StatusFound)
		return
	}
	session := randomText(24)
	c.mu.Lock()
	c.sessions[session] = true
	c.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: loginCookie, Value: session, Path: "/", HttpOnly: true}) //nolint:gosec // plain HTTP on loopback
	http.Redirect(w, r, "/web/v1/user/authorize?"+q.Encode(), http.StatusFound)                   //nolint:gosec // stays on this host
}

func (c *Cloud) brandOfApp(clientID string) (profile.Profile, bool) {
	return c.profileOf(func(p profile.Profile) bool { return clientID != "" && p.OneAppClientID == clientID })
}

func (c *Cloud) certs(w http.ResponseWriter, _ *http.Request) {
	enc := base64.RawURLEncoding
	writeJSON(w, http.StatusOK, object{"retValue": object{
		"kid": c.keyID, "kty": "RSA",
		"n": enc.EncodeToString(c.key.N.Bytes()), "e": enc.EncodeToString(big.NewInt(int64(c.key.E)).Bytes()),
	}})
}

// signIn checks the encrypted password and answers in a redirect.
func (c *Cloud) signIn(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		writePage(w, http.StatusBadRequest, "Bad Request")
		return
	}
	form := r.PostForm
	p, known := c.brandOfApp(form.Get("client_id"))
	if !known || form.Get("redirect_uri") != p.OneAppRedirect {
		writePage(w, http.StatusForbidden, "<h1>403 Forbidden</h1><hr>nginx")
		return
	}
	c.count(Login)
	back := backToLogin(p, form.Get("username"), form.Get("state"))
	cookie, err := r.Cookie(loginCookie)
	c.mu.Lock()
	inSession := err == nil && c.sessions[cookie.Value]
	c.mu.Unlock()
	if !inSession || form.Get("encryptedPassword") != "true" || form.Get("kid") != c.keyID {
		http.Redirect(w, r, back, http.StatusFound)
		return
	}
	password, ok := c.decrypt(form.Get("password"))
	location := back
	if ok {
		location = c.signInResult(p, form.Get("username"), password, form.Get("state"), back)
	}
	http.Redirect(w, r, location, http.StatusFound)
}

func (c *Cloud) decrypt(cipherHex string) (string, bool) {
	cipher, err := hex.DecodeString(cipherHex)
	if err != nil || strings.ToLower(cipherHex) != cipherHex {
		return "", false
	}
	plain, err := rsa.DecryptPKCS1v15(nil, c.key, cipher) //nolint:staticcheck // the vendor's choice
	return string(plain), err == nil
}

func (c *Cloud) signInResult(p profile.Profile, email, password, state, back string) string {
	code, refused := c.judge(p.Brand, email, password)
	switch refused {
	case "":
		return p.OneAppRedirect + "?" + url.Values{"code": {code}, "state": {state}, "login_success": {"y"}}.Encode()
	case lockedOut:
		return toldLocked(p, state)
	case consentMissing:
		return toConsent(p, state)
	}
	return back
}

// refusal of a password.
type refusal string

const (
	wrongPassword  refusal = "wrong"
	lockedOut      refusal = "locked"
	consentMissing refusal = "consent"
)

// judge counts one attempt with a password. It returns a login code, or why there
// is none.
func (c *Cloud) judge(brand profile.Brand, email, password string) (code string, refused refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()

	a := c.accountLocked(brand, email)
	now := c.now()
	switch {
	case a == nil:
		return "", wrongPassword
	case now.Before(a.lockedTo):
		return "", lockedOut
	case a.Password != password:
		if a.failures++; a.failures >= maxFailures {
			a.failures, a.lockedTo = 0, now.Add(lockTime)
		}
		return "", wrongPassword
	case a.ConsentMissing:
		return "", consentMissing
	}
	a.failures = 0
	code = randomText(24)
	c.codes[code] = a
	return code, ""
}

// redeemLocked takes a login code, which is good once. Called with mu held.
func (c *Cloud) redeemLocked(code string) *account {
	a := c.codes[code]
	delete(c.codes, code)
	return a
}

func (c *Cloud) accountLocked(b profile.Brand, email string) *account {
	for _, a := range c.accounts {
		if a.Brand == b && strings.EqualFold(a.Email, email) {
			return a
		}
	}
	return nil
}

// refreshGrant renews with a refresh token of the classic client (Hyundai, Kia).
func (c *Cloud) refreshGrant(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		writePage(w, http.StatusBadRequest, "Bad Request")
		return
	}
	form := r.PostForm
	p, _ := c.profileOf(func(p profile.Profile) bool {
		return p.ServiceID == form.Get("client_id") && p.ServiceSecret == form.Get("client_secret") && !p.GenesisTokens
	})
	c.grant(w, form, p.Brand, true)
}

// grant answers a refresh grant. Rejections hide the reason in a JSON text.
func (c *Cloud) grant(w http.ResponseWriter, form url.Values, brand profile.Brand, withRefreshToken bool) {
	c.count(Login)
	token := form.Get("refresh_token")
	c.mu.Lock()
	var found *account
	for _, a := range c.accounts {
		if form.Get("grant_type") == "refresh_token" && a.Brand == brand && token != "" && a.RefreshToken == token {
			found = a
		}
	}
	c.mu.Unlock()
	if found == nil {
		rejectToken(w)
		return
	}
	answer := object{"token_type": "Bearer", "access_token": c.issue(found), "expires_in": int(c.opts.TokenLife.Seconds())}
	if withRefreshToken {
		answer["refresh_token"] = token
	}
	writeJSON(w, http.StatusOK, answer)
}

// rejectToken is the refusal of a refresh grant.
func rejectToken(w http.ResponseWriter) {
	inner, _ := json.Marshal(object{"errId": randomUUID(), "errCode": "4002", "errMsg": "Invalid parameters", "errBody": nil})
	writeJSON(w, http.StatusBadRequest, object{
		"retId": randomUUID(), "retCode": 7501, "retMsg": "Received unexpected statusCode",
		"retSubMsg": string(inner), "retValue": nil,
	})
}

// accessToken of the vehicle API.
type accessToken struct {
	account *account
	end     time.Time
}

func (c *Cloud) issue(a *account) string {
	now := c.now()
	end := now.Add(c.opts.TokenLife)
	token := newJWT(a, "bluelink", now, end)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens[token] = &accessToken{account: a, end: end}
	return token
}

// String names the cloud in logs.
func (c *Cloud) String() string { return fmt.Sprintf("scripted cloud at %s", c.url) }
