package europe

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Login implements [ccs.Auth]. It follows docs/protocol-europe.md, section "Login
// with e-mail and password".
func (a *cciAuth) Login(ctx context.Context) error {
	device, err := a.Device(ctx, "")
	if err != nil {
		return err
	}
	code, err := a.signIn(ctx)
	if err != nil {
		return err
	}
	tokens, err := a.redeem(ctx, device, code)
	if err != nil {
		return passwordSent(err)
	}
	// If the last step fails, they spare the account another password.
	if err := a.Update(tokens.keep); err != nil {
		return err
	}
	return passwordSent(a.exchange(ctx, device, tokens))
}

// passwordSent marks the failures of a login from the sign-in on.
func passwordSent(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sdk.ErrSessionExpired) {
		err = notUnderstood().Wrap(err)
	}
	api := *shared.AsAPIError(err)
	api.MayHaveHappened = true
	return &api
}

// Renew implements [ccs.Auth].
func (a *cciAuth) Renew(ctx context.Context) error {
	tokens, ok := tokensOf(a.Session())
	if !ok {
		return sdk.ErrSessionExpired
	}
	device, err := a.Device(ctx, "")
	if err != nil {
		return err
	}
	if tokens, err = a.refresh(ctx, device, tokens); err != nil {
		return err
	}
	return a.exchange(ctx, device, tokens)
}

// signIn takes steps 1 to 3 at the login pages and returns the code.
func (a *cciAuth) signIn(ctx context.Context) (string, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", shared.NewError(shared.ReasonInternal).Wrap(err)
	}
	pages := &http.Client{Transport: a.Transport(), Jar: jar}
	if err := a.openLoginPage(ctx, pages); err != nil {
		return "", err
	}
	key, kid, err := a.passwordKey(ctx, pages)
	if err != nil {
		return "", err
	}
	cipher, err := rsa.EncryptPKCS1v15(rand.Reader, key, []byte(a.Options.Password)) //nolint:staticcheck // the vendor's choice
	if err != nil {
		return "", shared.Errorf(shared.ReasonInvalidResponse, "The vendor's login key cannot encrypt the password.").Wrap(err)
	}
	resp, err := a.Send(ctx, ccs.Request{
		Method: http.MethodPost, URL: a.Profile().LoginURL + a.Profile().Paths.SignIn, What: "sign in", Via: oneHop{a.Transport(), jar}, Header: browser(a.Account),
		Form: url.Values{
			"client_id": {a.Profile().OneAppClientID}, "encryptedPassword": {"true"}, "password": {hex.EncodeToString(cipher)},
			"redirect_uri": {a.Profile().OneAppRedirect}, "scope": {""}, "nonce": {""}, "state": {"ccsp"},
			"username": {a.Options.Username}, "connector_session_key": {""}, "kid": {kid}, "_csrf": {""},
		},
	})
	if err != nil {
		return "", passwordSent(err)
	}
	code, err := a.signInResult(resp)
	return code, passwordSent(err)
}

// oneHop makes a call with the login's cookies and does not look at redirects:
// the answer of the sign-in is in the redirect itself.
type oneHop struct {
	transport http.RoundTripper
	jar       http.CookieJar
}

func (h oneHop) Do(req *http.Request) (*http.Response, error) {
	for _, cookie := range h.jar.Cookies(req.URL) {
		req.AddCookie(cookie)
	}
	return h.transport.RoundTrip(req)
}

// openLoginPage gets the cookies that the sign-in needs.
func (a *cciAuth) openLoginPage(ctx context.Context, pages *http.Client) error {
	query := url.Values{
		"response_type": {"code"}, "client_id": {a.Profile().OneAppClientID},
		"redirect_uri": {a.Profile().OneAppRedirect}, "lang": {a.Options.Language}, "state": {"ccsp"}, "country": {"de"},
	}
	resp, err := a.Send(ctx, ccs.Request{
		Method: http.MethodGet, URL: a.Profile().LoginURL + a.Profile().Paths.Authorize + "?" + query.Encode(),
		What: "login page", Via: pages, Header: browser(a.Account),
	})
	if err != nil {
		return err
	}
	switch {
	case bytes.Contains(bytes.ToLower(resp.Body), []byte("abusing")), strings.Contains(resp.URL.RequestURI(), "/error?status=400"),
		resp.Status == http.StatusForbidden:
		return ccs.Blocked()
	case ccs.Outage(resp.Status):
		return a.Unavailable(resp)
	case resp.Status != http.StatusOK:
		return notUnderstood()
	}
	return nil
}

// passwordKey gets the key that the password is encrypted with.
func (a *cciAuth) passwordKey(ctx context.Context, pages *http.Client) (*rsa.PublicKey, string, error) {
	resp, err := a.Send(ctx, ccs.Request{
		Method: http.MethodGet, URL: a.Profile().LoginURL + a.Profile().Paths.LoginKey, What: "login key", Via: pages, Header: browser(a.Account),
	})
	if err != nil {
		return nil, "", err
	}
	if ccs.Outage(resp.Status) {
		return nil, "", a.Unavailable(resp)
	}
	doc, err := field.Decode(resp.Body)
	if err != nil || resp.Status != http.StatusOK {
		return nil, "", notUnderstood()
	}
	kid, okID := doc.At("retValue.kid").NonEmptyText()
	n, okN := bigInt(doc.At("retValue.n"))
	e, okE := bigInt(doc.At("retValue.e"))
	if !okID || !okN || !okE || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
		return nil, "", notUnderstood()
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, kid, nil
}

func bigInt(o field.Object) (*big.Int, bool) {
	text, ok := o.NonEmptyText()
	if !ok || len(text) > 2048 {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(raw) == 0 {
		return nil, false
	}
	return new(big.Int).SetBytes(raw), true
}

// signInResult reads the redirect. The order of the tests matters.
func (a *cciAuth) signInResult(resp ccs.Response) (string, error) {
	if resp.Status != http.StatusFound && resp.Status != http.StatusSeeOther {
		return "", a.refusedPage(resp)
	}
	location, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		return "", changed()
	}
	if code := location.Query().Get("code"); code != "" {
		return code, nil
	}
	// What the user typed is repeated in it, and says nothing of the outcome.
	query := location.Query()
	query.Del("reqUsername")
	location.RawQuery = query.Encode()
	text := strings.ToLower(location.String())
	switch {
	case strings.Contains(text, "error"):
		description := strings.ToLower(location.Query().Get("error") + " " + location.Query().Get("error_description"))
		if strings.Contains(strings.ReplaceAll(description, "blocked", ""), "locked") {
			return "", locked(0)
		}
		for _, word := range []string{"password", "credential", "username", "login", "invalid_grant", "invalid_user"} {
			if strings.Contains(description, word) {
				return "", shared.NewError(shared.ReasonAuthFailed)
			}
		}
		return "", ccs.Blocked()
	case strings.Contains(text, "/web/v1/user/authorization"):
		return "", shared.NewError(shared.ReasonConsentRequired)
	case strings.Contains(text, "captcha"):
		return "", shared.NewError(shared.ReasonCaptchaRequired)
	case strings.Contains(text, "authorize"):
		return "", shared.Errorf(shared.ReasonAuthFailed,
			"The vendor sent the login back. Most often user name or password is wrong; sometimes it distrusts the address. Check them in the vendor's app, or use a refresh token as password.")
	}
	return "", changed()
}

func (a *cciAuth) refusedPage(resp ccs.Response) error {
	body := strings.ToLower(string(resp.Body))
	doc, _ := field.Decode(resp.Body)
	remaining, counted := doc.At("errBody.remainCount").Int()
	lockedFor, _ := doc.At("errBody.remainTime").Int()
	code, _ := doc.At("errCode").Text()
	switch {
	case counted && remaining <= 0:
		if lockedFor > longestLockSeconds {
			lockedFor = aDaySeconds
		}
		return locked(time.Duration(max(lockedFor, 0)) * time.Second)
	case counted, code == "4003", code == "4010":
		return shared.NewError(shared.ReasonAuthFailed)
	case ccs.Outage(resp.Status):
		return a.Unavailable(resp)
	case strings.Contains(body, "captcha"):
		return shared.NewError(shared.ReasonCaptchaRequired)
	case resp.Status == http.StatusUnauthorized, strings.Contains(body, "password"), strings.Contains(body, "credential"):
		return shared.NewError(shared.ReasonAuthFailed)
	case resp.Status == http.StatusForbidden, strings.Contains(body, "abusing"):
		return ccs.Blocked()
	}
	return changed()
}

// The vendor locks an account for five minutes if it says nothing else. What it says
// holds; longer than a month can only be a mistake, and stands for a day.
const (
	usualLock          = 5 * time.Minute
	aDaySeconds        = 24 * 60 * 60
	longestLockSeconds = 31 * aDaySeconds
)

// locked: too many wrong passwords, whoever sent them. One more attempt is made
// once the lock has ended.
func locked(left time.Duration) *shared.APIError {
	if left <= 0 {
		left = usualLock
	}
	e := shared.Errorf(shared.ReasonAccountLocked,
		"The vendor has locked the account after failed logins, for %s. Check the password in the vendor's app meanwhile.", left.Round(time.Minute))
	// Not to the second: a try that is too early may begin the lock anew.
	e.RetryAfter = left + time.Minute
	return e
}

// changed: the answer to the password is none that is known. It is not sent
// again before the plugin or its profile has changed.
func changed() *shared.APIError {
	return shared.Errorf(shared.ReasonVendorChanged,
		"The vendor's login has changed and is not understood. Look for an update of the plugin, or use a refresh token as password.")
}

// notUnderstood: a step of the login that has no password in it failed in a way
// that may be a passing fault of some gateway.
func notUnderstood() *shared.APIError {
	return shared.Errorf(shared.ReasonInvalidResponse,
		"The vendor's login is not understood. If it stays so, the vendor has changed it: look for an update of the plugin, or use a refresh token as password.")
}
