package europe

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// cciTokens is the account API's set of tokens, with the names of the wire. All
// of them go back when the set is refreshed.
type cciTokens struct {
	AccessToken              string `json:"accessToken"`
	RefreshToken             string `json:"refreshToken"`
	ExchangeableAccessToken  string `json:"exchangeableAccessToken"`
	ExchangeableRefreshToken string `json:"exchangeableRefreshToken"`
	NonCCSToken              string `json:"nonCcsToken"`
	NonCCSRefreshToken       string `json:"nonCcsRefreshToken"`
	IDToken                  string `json:"idToken"`
}

// keep puts the set into a session.
func (t *cciTokens) keep(s *ccs.Session) {
	s.Auth, _ = json.Marshal(t) // it holds texts only
}

// tokensOf a session, if it has any.
func tokensOf(s ccs.Session) (t cciTokens, ok bool) {
	if len(s.Auth) == 0 {
		return t, false
	}
	return t, json.Unmarshal(s.Auth, &t) == nil
}

// take reads a set from an answer; a missing field means "keep the old value".
func (t *cciTokens) take(doc field.Object) {
	for name, target := range map[string]*string{
		"accessToken": &t.AccessToken, "refreshToken": &t.RefreshToken,
		"exchangeableAccessToken": &t.ExchangeableAccessToken, "exchangeableRefreshToken": &t.ExchangeableRefreshToken,
		"nonCcsToken": &t.NonCCSToken, "nonCcsRefreshToken": &t.NonCCSRefreshToken, "idToken": &t.IDToken,
	} {
		if text, ok := doc.At(name).NonEmptyText(); ok {
			*target = strings.TrimPrefix(text, "Bearer ")
		}
	}
}

// redeem is step 4: the code for a set of tokens. A code works once.
func (a *cciAuth) redeem(ctx context.Context, device, code string) (cciTokens, error) {
	var tokens cciTokens
	doc, _, err := a.cci(ctx, ccs.Request{
		URL: a.Profile().Paths.Redeem + "?" + url.Values{"code": {code}}.Encode(), What: "redeem code", Header: a.cciHeader(device, nil),
	})
	if errors.Is(err, sdk.ErrSessionExpired) {
		return tokens, notUnderstood()
	}
	if err != nil {
		return tokens, err
	}
	if tokens.take(doc); tokens.AccessToken == "" {
		return tokens, notUnderstood()
	}
	return tokens, nil
}

// refresh renews the set. If it is refused, a login is needed.
func (a *cciAuth) refresh(ctx context.Context, device string, tokens cciTokens) (cciTokens, error) {
	doc, header, err := a.cci(ctx, ccs.Request{
		URL: a.Profile().Paths.Refresh, What: "refresh tokens", Header: a.cciHeader(device, &tokens), JSON: tokens,
	})
	if spoken := shared.AsAPIError(err); spoken != nil && spoken.VendorCode != "" {
		// The server answers so when it does not like the request, which only a
		// login mends; a real outage has no code of its own.
		return tokens, sdk.ErrSessionExpired
	}
	if err != nil {
		return tokens, err
	}
	tokens.take(doc)
	cookies := (&http.Response{Header: header}).Cookies()
	for _, cookie := range cookies {
		if cookie.Name == "t" && cookie.Value != "" {
			tokens.ExchangeableAccessToken = cookie.Value
		}
	}
	// On disk before it is used: the old refresh token may be void now.
	return tokens, a.Update(tokens.keep)
}

// exchange is step 5: a token of the vehicle API.
func (a *cciAuth) exchange(ctx context.Context, device string, tokens cciTokens) error {
	doc, _, err := a.cci(ctx, ccs.Request{
		URL: a.Profile().Paths.Exchange + "?serviceType=CCS", What: "exchange token", Header: a.cciHeader(device, &tokens),
	})
	if err != nil {
		return err
	}
	token, ok := doc.First("accessToken", "ccsAccessToken").NonEmptyText()
	if !ok {
		return notUnderstood()
	}
	now := a.Options.Now()
	life := lifetime(doc.At("expiresTime"), now)
	return a.Update(func(s *ccs.Session) {
		tokens.keep(s)
		s.KeepToken(strings.TrimPrefix(token, "Bearer "), now, life)
	})
}

// lifetime reads expiresTime: seconds to live; larger numbers are a time, in
// seconds or milliseconds since 1970. Missing or zero: an hour.
func lifetime(o field.Object, now time.Time) time.Duration {
	n, ok := o.Int()
	switch {
	case !ok || n <= 0:
		return time.Hour
	case n > 1e12:
		return max(0, time.UnixMilli(n).Sub(now))
	case n > 1e9:
		return max(0, time.Unix(n, 0).Sub(now))
	}
	return time.Duration(n) * time.Second
}

// cci makes a POST to the account API. A refused token is ErrSessionExpired.
func (a *cciAuth) cci(ctx context.Context, r ccs.Request) (field.Object, http.Header, error) {
	r.Method = http.MethodPost
	r.URL = a.Profile().CCIURL + r.URL
	resp, err := a.Send(ctx, r)
	if err != nil {
		return field.Object{}, nil, err
	}
	doc, err := field.Decode(resp.Body)
	switch {
	case resp.Status == http.StatusForbidden: // says nothing of the token, whatever the body
		return field.Object{}, nil, ccs.Blocked()
	case ccs.Outage(resp.Status):
		failure := a.Unavailable(resp)
		if resp.Status == http.StatusInternalServerError {
			failure.VendorCode = ccs.CodeIn(doc.At("code"))
		}
		return field.Object{}, nil, failure
	case resp.Status != http.StatusOK:
		return field.Object{}, nil, sdk.ErrSessionExpired
	case err != nil || !doc.IsObject():
		return field.Object{}, nil, notUnderstood()
	}
	return doc, resp.Header, nil
}

func (a *cciAuth) cciHeader(device string, tokens *cciTokens) http.Header {
	p := a.Profile()
	h := http.Header{}
	for key, value := range map[string]string{
		"client-id": p.Package, "client-name": p.ClientName, "client-version": p.ClientVersion,
		"client-os-code": p.OSCode, "client-os-version": p.OSVersion, "client-device-model": p.DeviceModel,
		"client-notification-provider-type": p.NotificationType, "client-device-id": device,
		"locale": strings.ToUpper(a.Options.Language), "Accept-Language": a.Options.Language, "Accept": "application/json",
		"timezone": a.Options.Now().In(a.Zone).Format("-07:00"),
	} {
		h.Set(key, value)
	}
	if tokens != nil {
		h.Set("Authentication", tokens.NonCCSToken)
		h.Set("Authorization", "Bearer "+tokens.AccessToken)
		h.Set("exchangeable-token", tokens.ExchangeableAccessToken)
		h.Set("non-ccs-token", tokens.NonCCSToken)
	}
	return h
}
