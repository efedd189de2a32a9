package ccs

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// ErrDeviceID says that the cloud has dropped the device id. Registering a new one and
// repeating the call once is the cure.
var ErrDeviceID = errors.New("the vendor no longer knows the device id")

// verdict is what a result code of the vehicle API means. The table follows
// docs/protocol-europe.md, section "Result codes".
type verdict struct {
	reason     shared.Reason
	retryAfter time.Duration
	// permanent: waiting does not help.
	permanent bool
	message   string
	// closes is what is not asked again until retryAfter has passed.
	closes sdk.Closure
}

// verdicts by code. A code with two meanings has the one of a forced read in
// wakeVerdicts.
func verdicts() map[string]verdict {
	wakes, vehicle, all := sdk.Closure{Scope: sdk.ScopeWakes}, sdk.Closure{Scope: sdk.ScopeVehicle}, sdk.Closure{Scope: sdk.ScopeAccount}
	return map[string]verdict{
		"4002": {reason: shared.ReasonInvalidCommand, message: "The vendor refused the request as invalid."},
		"4003": {reason: shared.ReasonInvalidCommand, message: "The vendor refused a value of the request."},
		"4004": {reason: shared.ReasonVehicleBusy, retryAfter: time.Minute, closes: wakes},
		"4005": {reason: shared.ReasonUnsupported, permanent: true},
		"4006": {reason: shared.ReasonVehicleUnreachable, retryAfter: 30 * time.Minute, closes: wakes},
		"4007": {reason: shared.ReasonGuardRefused, retryAfter: 24 * time.Hour, permanent: true, closes: sdk.Closure{Scope: sdk.ScopeWakes, UntilUsed: true}, message: "The car refuses to be woken because its 12 V battery is low. Drive it or charge that battery first."},
		"4017": {reason: shared.ReasonVendorChanged, retryAfter: 24 * time.Hour, permanent: true, closes: all, message: "The vendor no longer accepts this plugin's client id or stamp. Look for an update of the plugin."},
		"4081": {reason: shared.ReasonVehicleUnreachable, retryAfter: 10 * time.Minute, closes: silentCar()},
		"5031": {reason: shared.ReasonVendorUnavailable, retryAfter: 5 * time.Minute},
		"5091": {reason: shared.ReasonRateLimited, closes: all},
		"5153": {reason: shared.ReasonGuardRefused, retryAfter: time.Hour, permanent: true, closes: vehicle, message: "The car is in valet or privacy mode, which blocks remote access. Switch it off in the car."},
		"5921": {reason: shared.ReasonVehicleUnreachable, retryAfter: 24 * time.Hour, closes: vehicle, message: "The vendor has no data of this car. It may be sold, out of subscription, or long offline."},
		"9999": {reason: shared.ReasonVendorTimeout, retryAfter: 5 * time.Minute},
	}
}

// silentCar: one wake without an answer says little, several say that the car
// cannot be reached.
func silentCar() sdk.Closure { return sdk.Closure{Scope: sdk.ScopeWakes, Strikes: 3} }

func wakeVerdicts() map[string]verdict {
	return map[string]verdict{
		"5031": {reason: shared.ReasonVehicleUnreachable, retryAfter: 5 * time.Minute, closes: silentCar()},
		"9999": {reason: shared.ReasonVehicleUnreachable, retryAfter: 5 * time.Minute, closes: silentCar()},
		// The car will not learn it.
		"4005": {reason: shared.ReasonUnsupported, retryAfter: 24 * time.Hour, permanent: true, closes: sdk.Closure{Scope: sdk.ScopeWakes}},
	}
}

// Classify reads an answer of the vehicle API: its document, or the typed error
// that it stands for.
func (a *Account) Classify(resp Response, wakes bool) (field.Object, error) {
	doc, err := a.meaning(resp, wakes)
	return doc, a.awaited(resp, err)
}

// awaited puts the time to wait that the answer names into its error. The server's
// word holds for everything that would be asked of it.
func (a *Account) awaited(resp Response, err error) error {
	var api *shared.APIError
	if !errors.As(err, &api) {
		return err
	}
	if left := quotaReset(resp.Header, a.Options.Now()); left > 0 && errors.Is(err, shared.ReasonRateLimited) {
		api.RetryAfter = left
	}
	asked := resp.Status == http.StatusServiceUnavailable || tooMany(resp.Status)
	left := retryAfter(resp.Header, a.Options.Now())
	if !asked || left <= 0 {
		return err
	}
	api.RetryAfter = max(api.RetryAfter, left)
	if sdk.HasClosure(err) {
		return err
	}
	return sdk.Closes(err, sdk.Closure{Scope: sdk.ScopeAccount})
}

// tooMany says whether a status is that of a limit that was passed.
func tooMany(status int) bool {
	return status == http.StatusTooManyRequests || status == statusQuotaSpent
}

// longestRetry is what is believed of a server's own word.
const longestRetry = 24 * time.Hour

// longestCode is more than any of the vendor's codes has, in bytes.
const longestCode = 32

// retryAfter reads the header of that name: seconds, or a time.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), int(longestRetry/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), longestRetry)
	}
	return 0
}

// quotaReset reads when a limit that was passed is lifted, in Unix seconds. The vendor
// also sends 0 and -1, which say nothing.
func quotaReset(header http.Header, now time.Time) time.Duration {
	seconds, err := strconv.ParseInt(strings.TrimSpace(header.Get("X-Ratelimit-Reset")), 10, 64)
	if err != nil {
		return 0
	}
	left := time.Unix(seconds, 0).Sub(now)
	if left < 0 || left > longestQuota {
		return 0
	}
	return left
}

// longestQuota is the longest day, that on which the clocks are put back, with some
// minutes for a clock that is late.
const longestQuota = 25*time.Hour + 5*time.Minute

// Unavailable is an outage, with the time to wait if the answer names one.
func (a *Account) Unavailable(resp Response) *shared.APIError {
	e := shared.NewError(shared.ReasonVendorUnavailable)
	e.RetryAfter = retryAfter(resp.Header, a.Options.Now())
	return e
}

// meaning is what an answer says.
func (a *Account) meaning(resp Response, wakes bool) (field.Object, error) {
	doc, err := field.Decode(resp.Body)
	if err != nil || !doc.IsObject() {
		if resp.Status == http.StatusUnauthorized {
			return field.Object{}, sdk.ErrSessionExpired
		}
		if tooMany(resp.Status) {
			return field.Object{}, a.coded("", resp.Status, wakes)
		}
		return field.Object{}, mayHaveWoken(NotJSON(resp), wakes)
	}
	code, ret := CodeIn(doc.First("resCode", "errCode")), CodeIn(doc.At("retCode"))
	switch {
	case code == "4002" && Mentions(doc.First("resMsg", "errMsg"), "deviceid"):
		return field.Object{}, ErrDeviceID
	case ret == "7501", Mentions(doc.At("retMsg"), "received unexpected statuscode"):
		refused := shared.NewError(shared.ReasonTokenRejected)
		refused.VendorCode = ret
		return field.Object{}, refused
	case sessionEnded(doc, code, resp.Status):
		return field.Object{}, sdk.ErrSessionExpired
	case code == "4002" && Mentions(doc.First("resMsg", "errMsg"), "service problem"):
		return field.Object{}, serviceProblem(wakes)
	case ret == "F" || resp.Status >= http.StatusBadRequest:
		return field.Object{}, a.coded(code, resp.Status, wakes)
	case ret == "S", doc.At("access_token").Exists(), doc.At("resMsg").Exists():
		return doc, nil
	}
	return field.Object{}, shared.NewError(shared.ReasonInvalidResponse)
}

// serviceProblem is a fault of the vendor's own under the code of an invalid request; see
// docs/protocol-europe.md, section "Result codes".
func serviceProblem(wakes bool) *shared.APIError {
	e := shared.NewError(shared.ReasonVendorUnavailable)
	e.VendorCode, e.RetryAfter = "4002", 5*time.Minute
	return mayHaveWoken(e, wakes)
}

// CodeIn is a code of the vendor's, which goes into messages and logs; none if no
// vendor would write it so.
func CodeIn(o field.Object) string {
	code, _ := o.NonEmptyText()
	strange := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}
	if len(code) > longestCode || strings.ContainsFunc(code, strange) {
		return ""
	}
	return code
}

// sessionEnded: the token is not accepted any more. A 401 for a wrong stamp says
// nothing of the token.
func sessionEnded(doc field.Object, code string, status int) bool {
	return code == "4010" || Mentions(doc.At("error"), "key not authorized") ||
		status == http.StatusUnauthorized && code != "4017"
}

// mayHaveWoken marks the failures of a wake that may have reached the car.
func mayHaveWoken(e *shared.APIError, wakes bool) *shared.APIError {
	switch e.Reason {
	case shared.ReasonVehicleUnreachable, shared.ReasonVendorUnavailable, shared.ReasonVendorTimeout:
		e.MayHaveHappened = wakes
	}
	return e
}

// Outage reports whether a status is the server's own trouble.
func Outage(status int) bool {
	return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests
}

// coded is the error of a result code, with what it closes.
func (a *Account) coded(code string, status int, wakes bool) error {
	v, known := verdicts()[code]
	switch {
	case known:
	case status == statusQuotaSpent:
		code = "5091"
		v, known = verdicts()[code]
	case status == http.StatusTooManyRequests:
		v, known = verdict{reason: shared.ReasonRateLimited, retryAfter: 10 * time.Minute, closes: sdk.Closure{Scope: sdk.ScopeAccount}}, true
	}
	if wakes {
		if wake, ok := wakeVerdicts()[code]; ok {
			v = wake
		}
	}
	if !known {
		v.reason = shared.ReasonInvalidResponse
		if Outage(status) || strings.HasPrefix(code, "5") {
			v.reason = shared.ReasonVendorUnavailable
		}
	}
	e := shared.NewError(v.reason)
	if e.Source == shared.SourceHost {
		e.Source = shared.SourceVendor
	}
	if v.message != "" {
		e.Message = v.message
	}
	e.VendorCode = code
	if code == "" {
		e.VendorCode = strconv.Itoa(status)
	}
	e.RetryAfter = v.retryAfter
	e.Temporary = e.Temporary && !v.permanent
	if code == "5091" {
		e.RetryAfter = a.untilReset()
	}
	e = mayHaveWoken(e, wakes)
	if v.closes.Scope == "" {
		return e
	}
	return sdk.Closes(e, v.closes)
}

// statusQuotaSpent is the vendor's own HTTP status for a spent daily limit; the
// code is not always with it.
const statusQuotaSpent = 509

// untilReset is the time to the daily limit's reset: some minutes past midnight
// in the region's zone.
func (a *Account) untilReset() time.Duration {
	now := a.Options.Now().In(a.Zone)
	reset := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, a.Zone).Add(resetAt)
	if !reset.After(now) {
		reset = time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, a.Zone).Add(resetAt)
	}
	return reset.Sub(now)
}

// NotJSON tells a blocked address from an outage.
func NotJSON(resp Response) *shared.APIError {
	var e *shared.APIError
	switch {
	case resp.Status == http.StatusForbidden || bytes.Contains(bytes.ToLower(resp.Body), []byte("abusing")):
		e = Blocked()
	case Outage(resp.Status):
		e = shared.NewError(shared.ReasonVendorUnavailable)
	default:
		e = shared.NewError(shared.ReasonInvalidResponse)
	}
	e.VendorCode = strconv.Itoa(resp.Status)
	return e
}

// Blocked is the vendor's firewall: it passes by itself, in hours.
func Blocked() *shared.APIError {
	e := shared.Errorf(shared.ReasonVendorBlocked,
		"The vendor's firewall blocks this address or client for now. Nothing is tried for some hours; that ends most blocks.")
	e.RetryAfter = 4 * time.Hour
	return e
}

// Mentions reports whether the text of o contains part, whatever the case.
func Mentions(o field.Object, part string) bool {
	text, _ := o.Text()
	return strings.Contains(strings.ToLower(text), part)
}
