package cloudsim

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// refusals of the vehicle API by their code: what the vendor says with it.
var refusals = map[string]struct {
	status int
	text   string
}{
	"4002": {http.StatusBadRequest, "Invalid request body - Invalid parameter."},
	"4003": {http.StatusBadRequest, "Invalid values"},
	"4004": {http.StatusBadRequest, "Duplicate request"},
	"4005": {http.StatusBadRequest, "Unsupported control request - Vehicle is not Supported"},
	"4006": {http.StatusRequestTimeout, "TMU timeout"},
	"4007": {http.StatusBadRequest, "Remote control unavailable"},
	"4010": {http.StatusUnauthorized, "Require authentication"},
	"4017": {http.StatusUnauthorized, "Invalid request value - Invalid Application Id."},
	"4081": {http.StatusRequestTimeout, "Request timeout"},
	"5031": {http.StatusServiceUnavailable, "Unavailable remote control - Service Temporary Unavailable"},
	"5091": {509, "Exceeds number of requests - Exceeds Number of Requests."},
	"5153": {http.StatusBadRequest, "Invalid valet auth"},
	"5921": {http.StatusBadRequest, "No Data Found v2"},
	"9999": {http.StatusBadRequest, "Undefined Error - Response timeout"},
}

// refuse answers with a code of the vehicle API.
func refuse(w http.ResponseWriter, code string) {
	fail(w, refusals[code].status, code, refusals[code].text)
}

// refuseDevice is the other refusal with code 4002.
func refuseDevice(w http.ResponseWriter) {
	fail(w, http.StatusBadRequest, "4002", "Invalid request body - Invalid deviceId.")
}

func answerRefusal(_ *Cloud, s Step, w http.ResponseWriter, _ *http.Request) {
	retryAfter(w, s)
	known := refusals[s.Code]
	fail(w, cmp.Or(s.Status, known.status), s.Code, cmp.Or(s.Text, known.text))
}

func answerStatus(_ *Cloud, s Step, w http.ResponseWriter, _ *http.Request) {
	retryAfter(w, s)
	w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	w.WriteHeader(s.Status)
	_, _ = w.Write([]byte(s.Text)) // the client may have gone
}

func answerBlocked(_ *Cloud, s Step, w http.ResponseWriter, _ *http.Request) {
	retryAfter(w, s)
	writePage(w, cmp.Or(s.Status, http.StatusForbidden), "Abusing request and blocked")
}

func answerPage(_ *Cloud, s Step, w http.ResponseWriter, _ *http.Request) {
	writePage(w, http.StatusOK, cmp.Or(s.Text, "We will be back soon"))
}

func answerGarbage(_ *Cloud, s Step, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(cmp.Or(s.Status, http.StatusOK))
	_, _ = w.Write([]byte(cmp.Or(s.Text, `{"retCode":"S","resMsg":{"vehicleStatus":[}`+"\x00\xff")))
}

func answerEmpty(_ *Cloud, s Step, w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(cmp.Or(s.Status, http.StatusOK))
}

// answerHuge sends the body in pieces, so that it costs no memory here.
func answerHuge(_ *Cloud, s Step, w http.ResponseWriter, r *http.Request) {
	const begin, end = `{"retCode":"S","resCode":"0000","resMsg":{"padding":"`, `"}}`
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_, err := w.Write([]byte(begin))
	piece := []byte(strings.Repeat("x", 64<<10))
	for left := cmp.Or(s.Bytes, 50_000_000) - len(begin) - len(end); left > 0 && err == nil && r.Context().Err() == nil; left -= len(piece) {
		_, err = w.Write(piece[:min(left, len(piece))])
	}
	if err == nil {
		_, _ = w.Write([]byte(end))
	}
}

// answerRejectToken speaks for both places that take refresh tokens.
func answerRejectToken(_ *Cloud, _ Step, w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/domain/") {
		cciError(w, http.StatusUnauthorized, "9001")
		return
	}
	rejectToken(w)
}

// signInOf returns what a sign-in's answer repeats.
func (c *Cloud) signInOf(r *http.Request) (p profile.Profile, user, state string) {
	_ = r.ParseForm() // a form that cannot be read has no fields
	p, _ = c.brandOfApp(r.PostForm.Get("client_id"))
	return p, r.PostForm.Get("username"), r.PostForm.Get("state")
}

func answerWrongPassword(c *Cloud, _ Step, w http.ResponseWriter, r *http.Request) {
	p, user, state := c.signInOf(r)
	http.Redirect(w, r, backToLogin(p, user, state), http.StatusFound)
}

func answerLocked(c *Cloud, _ Step, w http.ResponseWriter, r *http.Request) {
	p, _, state := c.signInOf(r)
	http.Redirect(w, r, toldLocked(p, state), http.StatusFound)
}

func answerCaptcha(_ *Cloud, _ Step, w http.ResponseWriter, _ *http.Request) {
	writePage(w, http.StatusOK, `<form><div class="g-recaptcha">Please solve the captcha</div></form>`)
}

func answerConsent(c *Cloud, _ Step, w http.ResponseWriter, r *http.Request) {
	p, _, state := c.signInOf(r)
	http.Redirect(w, r, toConsent(p, state), http.StatusFound)
}

// backToLogin is where a wrong password leads.
func backToLogin(p profile.Profile, user, state string) string {
	return "/auth/api/v2/user/oauth2/authorize?" + url.Values{
		"client_id": {p.OneAppClientID}, "redirect_uri": {p.OneAppRedirect}, "response_type": {"code"},
		"state": {state}, "reqUsername": {user},
	}.Encode()
}

// toldLocked is where a locked account leads.
func toldLocked(p profile.Profile, state string) string {
	return p.OneAppRedirect + "?" + url.Values{
		"error": {"access_denied"}, "error_description": {"login locked, password attempts exceeded"}, "state": {state},
	}.Encode()
}

// toConsent is where missing consent leads.
func toConsent(p profile.Profile, state string) string {
	return "/web/v1/user/authorization?" + url.Values{"client_id": {p.OneAppClientID}, "state": {state}}.Encode()
}
