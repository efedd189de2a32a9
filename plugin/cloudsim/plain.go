package cloudsim

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// The plain login of Australia, New Zealand and India: a page that sets a cookie, a
// sign-in whose password is JSON, and a code for a token.

const plainSignIn = "/api/v1/user/signin"

// plainLogin are the login pages of those regions.
type plainLogin struct{ *Cloud }

func (c plainLogin) plainRoutes() { c.handle(Login, "POST "+plainSignIn, c.signInPlain) }

// authorizePlain opens the login page. A client of Europe finds nothing there.
func (c plainLogin) authorizePlain(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p, known := c.profileOf(func(p profile.Profile) bool { return p.ServiceID == q.Get("client_id") && p.CCIURL == "" })
	if known && q.Get("response_type") == "code" && q.Get("redirect_uri") != "" {
		session := randomText(24)
		c.mu.Lock()
		c.plain[session] = plainSession{p.Brand, q.Get("redirect_uri")}
		c.mu.Unlock()
		http.SetCookie(w, &http.Cookie{Name: loginCookie, Value: session, Path: "/", HttpOnly: true}) //nolint:gosec // plain HTTP on loopback
	}
	writePage(w, http.StatusOK, "")
}

// plainSession is what a login page's cookie stands for.
type plainSession struct {
	brand    profile.Brand
	redirect string
}

func (c plainLogin) signInPlain(w http.ResponseWriter, r *http.Request) {
	var body struct{ Email, Password string }
	cookie, err := r.Cookie(loginCookie)
	if err != nil || json.NewDecoder(r.Body).Decode(&body) != nil {
		plainError(w, "4002", "Invalid parameters")
		return
	}
	c.mu.Lock()
	session, known := c.plain[cookie.Value]
	c.mu.Unlock()
	if !known {
		plainError(w, "4002", "Invalid parameters")
		return
	}

	c.count(Login)
	switch code, refused := c.judge(session.brand, body.Email, body.Password); refused {
	case "":
		writeJSON(w, http.StatusOK, object{"redirectUrl": session.redirect + "?" + url.Values{"code": {code}}.Encode()})
	case consentMissing:
		writeJSON(w, http.StatusOK, object{"step": 1, "upgrade": false})
	default:
		plainError(w, "4003", "Invalid values")
	}
}

// grantPlain gives a token for a login's code or for a refresh token, which stays
// good.
func (c *Cloud) grantPlain(w http.ResponseWriter, form url.Values, p profile.Profile) {
	c.mu.Lock()
	var a *account
	class, refresh := Exchange, ""
	switch form.Get("grant_type") {
	case "authorization_code":
		a = c.redeemLocked(form.Get("code"))
	case "refresh_token":
		class = Renewal
		for _, of := range c.accounts {
			if of.plainRefresh != "" && of.plainRefresh == form.Get("refresh_token") {
				a = of
			}
		}
	}
	if a != nil && a.Brand == p.Brand {
		if a.plainRefresh == "" {
			a.plainRefresh = randomText(36)
		}
		refresh = a.plainRefresh
	}
	c.mu.Unlock()

	if refresh == "" {
		plainError(w, "4002", "Invalid parameters")
		return
	}
	c.count(class)
	writeJSON(w, http.StatusOK, object{
		"token_type": "Bearer", "access_token": c.issue(a), "refresh_token": refresh, "expires_in": int(c.opts.TokenLife.Seconds()),
	})
}

func plainError(w http.ResponseWriter, code, text string) {
	writeJSON(w, http.StatusBadRequest, object{"errId": randomUUID(), "errCode": code, "errMsg": text})
}
