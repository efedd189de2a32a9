package cloudsim

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// tokenSet is what the account API gave to one login.
type tokenSet struct {
	account *account
	end     time.Time // of the access token
	object
}

// accountAPI is the account API (CCI).
type accountAPI struct{ *Cloud }

// cciRoutes are the account API.
func (c accountAPI) cciRoutes() {
	c.handle(Exchange, "POST /domain/api/v1/auth/token", c.redeem)
	c.handle(Exchange, "POST /domain/api/v1/auth/token-exchange", c.exchange)
	c.handle(Renewal, "POST /domain/api/v2/auth/token-refresh", c.refreshSet)
	c.handle(Renewal, "POST /domain/api/v1/auth/token-refresh", c.refreshSetV1)
	c.handle(PIN, "POST /domain/api/v1/auth/pin", c.matchPIN)
}

func cciError(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, object{"code": code, "message": http.StatusText(status)})
}

// app is the profile that a call's headers name, if they are an app's.
func (c accountAPI) app(r *http.Request) (profile.Profile, bool) {
	return c.profileOf(func(p profile.Profile) bool {
		return p.Package != "" && r.Header.Get("client-id") == p.Package && r.Header.Get("client-device-id") != ""
	})
}

func (c accountAPI) redeem(w http.ResponseWriter, r *http.Request) {
	p, known := c.app(r)
	code := r.URL.Query().Get("code")
	c.mu.Lock()
	a := c.redeemLocked(code)
	c.mu.Unlock()
	if !known || a == nil || a.Brand != p.Brand {
		cciError(w, http.StatusUnauthorized, "9001")
		return
	}
	c.count(Exchange)
	writeJSON(w, http.StatusOK, c.newSet(a))
}

func (c accountAPI) newSet(a *account) object {
	now := c.now()
	end := now.Add(c.opts.CCITokenLife)
	set := &tokenSet{account: a, end: end, object: object{
		"accessToken": newJWT(a, "cci", now, end), "refreshToken": randomText(65), "tokenType": "Bearer",
		"expiresIn":               int(c.opts.CCITokenLife.Seconds()) - 1,
		"exchangeableAccessToken": newJWT(a, "cci", now, end), "exchangeableRefreshToken": randomText(65),
		"nonCcsToken": newJWT(a, "cci", now, end), "nonCcsRefreshToken": randomText(65), "idToken": newJWT(a, "cci", now, end),
	}}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sets[set.text("refreshToken")] = set
	return set.object
}

func (s *tokenSet) text(name string) string {
	text, _ := s.object[name].(string)
	return text
}

// exchange gives a token of the vehicle API for a set whose headers are right.
func (c accountAPI) exchange(w http.ResponseWriter, r *http.Request) {
	set := c.setOf(r)
	if set == nil || r.URL.Query().Get("serviceType") != "CCS" {
		cciError(w, http.StatusUnauthorized, "9001")
		return
	}
	c.count(Exchange)
	writeJSON(w, http.StatusOK, object{"accessToken": c.issue(set.account), "expiresTime": int(c.opts.TokenLife.Seconds())})
}

// setOf finds the set that a call's headers carry.
func (c accountAPI) setOf(r *http.Request) *tokenSet {
	p, known := c.app(r)
	bearer, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !known || !isBearer {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, set := range c.sets {
		if set.text("accessToken") == bearer && set.account.Brand == p.Brand && c.now().Before(set.end) &&
			r.Header.Get("Authentication") == set.text("nonCcsToken") &&
			r.Header.Get("exchangeable-token") == set.text("exchangeableAccessToken") {
			return set
		}
	}
	return nil
}

// refreshSet rotates all tokens of a set. Access tokens may have ended.
func (c accountAPI) refreshSet(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		cciError(w, http.StatusBadRequest, "9003")
		return
	}
	c.rotate(w, r, body)
}

// refreshSetV1 is the older form, which takes a form and chokes on JSON.
func (c accountAPI) refreshSetV1(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || r.ParseForm() != nil {
		cciError(w, http.StatusInternalServerError, "9009")
		return
	}
	body := map[string]string{}
	for name := range r.PostForm {
		body[name] = r.PostForm.Get(name)
	}
	c.rotate(w, r, body)
}

func (c accountAPI) rotate(w http.ResponseWriter, r *http.Request, body map[string]string) {
	if _, known := c.app(r); !known {
		cciError(w, http.StatusBadRequest, "9003")
		return
	}
	c.mu.Lock()
	set := c.sets[body["refreshToken"]]
	if set != nil {
		for _, name := range []string{
			"accessToken", "exchangeableAccessToken", "exchangeableRefreshToken", "nonCcsToken", "nonCcsRefreshToken", "idToken",
		} {
			if body[name] != set.text(name) {
				set = nil
				break
			}
		}
	}
	if set != nil {
		delete(c.sets, body["refreshToken"])
	}
	c.mu.Unlock()
	if set == nil {
		cciError(w, http.StatusUnauthorized, "9001")
		return
	}
	c.count(Renewal)
	writeJSON(w, http.StatusOK, c.newSet(set.account))
}

// matchPIN is the account API's PIN check: a wrong one is 200, too.
func (c accountAPI) matchPIN(w http.ResponseWriter, r *http.Request) {
	set := c.setOf(r)
	if set == nil {
		cciError(w, http.StatusUnauthorized, "9001")
		return
	}
	var body struct {
		PIN string `json:"pin"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body) // no PIN is a wrong PIN
	token, left := c.tryPIN(set.account, body.PIN)
	if token == "" {
		writeJSON(w, http.StatusOK, object{
			"isMatched": false, "controlTokenInfo": nil,
			"remainCountOnFailedInfo": object{"remainCount": left, "remainTime": int(lockTime.Seconds())},
		})
		return
	}
	writeJSON(w, http.StatusOK, object{
		"isMatched": true, "controlTokenInfo": object{"controlToken": token, "expiresTime": int(controlLife.Seconds())},
		"remainCountOnFailedInfo": nil,
	})
}
