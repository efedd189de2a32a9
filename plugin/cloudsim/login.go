package cloudsim

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
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

// europeLogin are the login pages of Europe.
type europeLogin struct{ *Cloud }

// loginRoutes are the login pages.
func (c europeLogin) loginRoutes() {
	for pattern, page := range map[string]http.HandlerFunc{
		"GET /auth/api/v2/user/oauth2/authorize": c.authorize,
		"GET /web/v1/user/authorize":             textPage("Sign in"),
		"GET /error":                             textPage("abusing request and blocked"),
		"GET /auth/api/v1/accounts/certs":        c.certs,
		"GET /api/v1/user/oauth2/authorize":      plainLogin(c).authorizePlain,
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
func (c europeLogin) authorize(w http.ResponseWriter, r *http.Request) {
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

func (c europeLogin) certs(w http.ResponseWriter, _ *http.Request) {
	enc := base64.RawURLEncoding
	writeJSON(w, http.StatusOK, object{"retValue": object{
		"kid": c.keyID, "kty": "RSA",
		"n": enc.EncodeToString(c.key.N.Bytes()), "e": enc.EncodeToString(big.NewInt(int64(c.key.E)).Bytes()),
	}})
}

// signIn checks the encrypted password and answers in a redirect.
func (c europeLogin) signIn(w http.ResponseWriter, r *http.Request) {
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

func (c europeLogin) decrypt(cipherHex string) (string, bool) {
	cipher, err := hex.DecodeString(cipherHex)
	if err != nil || strings.ToLower(cipherHex) != cipherHex {
		return "", false
	}
	plain, err := rsa.DecryptPKCS1v15(nil, c.key, cipher) //nolint:staticcheck // the vendor's choice
	return string(plain), err == nil
}

func (c europeLogin) signInResult(p profile.Profile, email, password, state, back string) string {
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

// refreshGrant renews with a refresh token of the classic client (Hyundai, Kia).
func (c europeLogin) refreshGrant(w http.ResponseWriter, r *http.Request) {
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
