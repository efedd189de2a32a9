package cloudsim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// What all ways to log in share: passwords, codes and tokens.

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
