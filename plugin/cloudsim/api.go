package cloudsim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// controlLife is how long a control token lives.
const controlLife = 600 * time.Second

// vehicleAPI is what clients come for.
type vehicleAPI struct{ *Cloud }

// apiRoutes are the vehicle API.
func (c vehicleAPI) apiRoutes() {
	c.handle(Other, "POST /api/v1/user/language", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	c.handle(Login, "POST /api/v1/user/oauth2/token", c.tokenGrant)
	c.handle(PIN, "PUT /api/v1/user/pin", c.controlToken)
	for _, p := range c.opts.Profiles {
		paths := p.Paths
		c.route(Register, "POST "+paths.VehicleAPI+paths.Register, c.register)
		c.route(List, "GET "+paths.VehicleAPI+paths.Vehicles, c.authenticated(c.vehicles))
		c.carRoutes(paths)
	}
}

// fail answers with the vehicle API's envelope of an error.
func fail(w http.ResponseWriter, status int, code, text string) {
	writeJSON(w, status, object{"retCode": "F", "resCode": code, "resMsg": text, "msgId": randomUUID()})
}

// succeed answers with the envelope of a success. A nil message is left out.
func succeed(w http.ResponseWriter, message any) {
	answer := object{"retCode": "S", "resCode": "0000", "msgId": randomUUID()}
	if message != nil {
		answer["resMsg"] = message
	}
	writeJSON(w, http.StatusOK, answer)
}

// stamped checks app id and stamp, and says whose they are. kind is that of the
// call: profile.All for data, profile.Tokens for registration.
func (c vehicleAPI) stamped(w http.ResponseWriter, r *http.Request, kind string) (profile.Profile, bool) {
	p, ok := c.profileOf(func(p profile.Profile) bool {
		if r.Header.Get("Ccsp-Application-Id") != p.AppID {
			return false
		}
		if p.Protocol.Stamps == profile.None || p.Protocol.Stamps == profile.Tokens && kind == profile.All {
			return true
		}
		_, genuine := p.CheckStamp(r.Header.Get("Stamp"))
		return genuine
	})
	if !ok {
		refuse(w, "4017")
	}
	return p, ok
}

// bearer checks the token of the vehicle API. Calls of its version 2 take a
// control token as well.
func (c vehicleAPI) bearer(w http.ResponseWriter, r *http.Request) (*account, bool) {
	text, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !isBearer || text == "" {
		refuse(w, "4010")
		return nil, false
	}
	c.mu.Lock()
	token := c.tokens[text]
	if control := c.controls[text]; control != nil && strings.HasPrefix(r.URL.Path, "/api/v2/") {
		token = control
	}
	c.mu.Unlock()
	if token == nil || !c.now().Before(token.end) {
		writeJSON(w, http.StatusUnauthorized, object{"error": "Key not authorized: Token is expired"})
		return nil, false
	}
	return token.account, true
}

// authenticated puts the checks of every call before a handler: outage, stamp,
// token, device id, quota.
func (c vehicleAPI) authenticated(next func(http.ResponseWriter, *http.Request, *account)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		down := c.down || c.outages > 0
		c.mu.Unlock()
		if down {
			refuse(w, "5031")
			return
		}
		p, ok := c.stamped(w, r, profile.All)
		if !ok {
			return
		}
		a, ok := c.bearer(w, r)
		if !ok {
			return
		}
		if a.Brand != p.Brand {
			refuse(w, "4017")
			return
		}
		if !c.registered(r.Header.Get("Ccsp-Device-Id"), p.Brand) {
			refuseDevice(w)
			return
		}
		if !c.withinQuota(w, a) {
			refuse(w, "5091")
			return
		}
		next(w, r, a)
	}
}

// withinQuota counts a call of the day, and says in the headers what is left.
func (c vehicleAPI) withinQuota(w http.ResponseWriter, a *account) bool {
	now := c.now().In(c.zone)
	c.mu.Lock()
	defer c.mu.Unlock()
	if day := now.Format(time.DateOnly); day != a.day {
		a.used, a.day = 0, day
	}
	a.used++
	quota := c.dayQuota()
	if quota <= 0 {
		return true
	}
	reset := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, c.zone)
	w.Header().Set("X-Ratelimit-Limit", strconv.Itoa(quota))
	w.Header().Set("X-Ratelimit-Remaining", strconv.Itoa(max(0, quota-a.used)))
	w.Header().Set("X-Ratelimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	return a.used <= quota
}

// register gives a device id. It needs no token.
func (c vehicleAPI) register(w http.ResponseWriter, r *http.Request) {
	p, ok := c.stamped(w, r, profile.Tokens)
	if !ok {
		return
	}
	var body struct {
		PushRegID string `json:"pushRegId"`
		PushType  string `json:"pushType"`
		UUID      string `json:"uuid"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.PushRegID == "" || body.PushType == "" || body.UUID == "" {
		refuse(w, "4002")
		return
	}
	c.count(Register)
	id := randomUUID()
	c.mu.Lock()
	c.devices[id] = p.Brand
	c.mu.Unlock()
	succeed(w, object{"deviceId": id})
}

// registered says whether a device id is known to the brand that gave it.
func (c *Cloud) registered(id string, b profile.Brand) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	of, known := c.devices[id]
	return known && of == b
}

// tokenGrant renews with a refresh token of the classic client (Genesis in Europe),
// or serves the plain login.
func (c vehicleAPI) tokenGrant(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(w, "4002")
		return
	}
	p, known := c.profileOf(func(p profile.Profile) bool {
		if r.Header.Get("Authorization") != p.BasicToken() || !p.GenesisTokens && p.CCIURL != "" {
			return false
		}
		_, genuine := p.CheckStamp(r.Header.Get("Stamp"))
		return genuine || p.Protocol.Stamps == profile.None
	})
	switch {
	case !known:
		refuse(w, "4017")
	case p.GenesisTokens:
		c.grant(w, r.PostForm, p.Brand, false)
	default:
		c.grantPlain(w, r.PostForm, p)
	}
}

// controlToken is the vehicle API's PIN check.
func (c vehicleAPI) controlToken(w http.ResponseWriter, r *http.Request) {
	a, ok := c.bearer(w, r)
	if !ok {
		return
	}
	var body struct {
		DeviceID string `json:"deviceId"`
		PIN      string `json:"pin"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body) // no PIN is a wrong PIN
	if !c.registered(body.DeviceID, a.Brand) {
		refuseDevice(w)
		return
	}
	token, left := c.tryPIN(a, body.PIN)
	if token == "" {
		writeJSON(w, http.StatusBadRequest, object{
			"errId": randomUUID(), "errCode": "4003", "errMsg": "Invalid values",
			"errBody": object{"remainCount": left, "remainTime": int(lockTime.Seconds())},
		})
		return
	}
	writeJSON(w, http.StatusOK, object{"controlToken": token, "expiresTime": int(controlLife.Seconds())})
}

// tryPIN returns a control token, or how many tries are left. After the last
// one the right PIN is refused, too, until the lock ends.
func (c *Cloud) tryPIN(a *account, pin string) (token string, left int) {
	c.count(PIN)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	switch {
	case a.PIN == "" || now.Before(a.pinLock):
		return "", 0
	case a.PIN != pin:
		if a.pinFails++; a.pinFails >= maxFailures {
			a.pinFails, a.pinLock = 0, now.Add(lockTime)
			return "", 0
		}
		return "", maxFailures - a.pinFails
	}
	a.pinFails = 0
	token = newJWT(a, "control", now, now.Add(controlLife))
	c.controls[token] = &accessToken{account: a, end: now.Add(controlLife)}
	return token, maxFailures
}

func (c vehicleAPI) vehicles(w http.ResponseWriter, _ *http.Request, a *account) {
	c.count(List)
	list := make([]object, 0, len(a.cars))
	for _, car := range a.cars {
		list = append(list, car.listEntry())
	}
	succeed(w, object{"vehicles": list})
}
