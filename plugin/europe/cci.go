package europe

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/field"
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

func (t *cciTokens) all() []string {
	return []string{
		t.AccessToken, t.RefreshToken, t.ExchangeableAccessToken, t.ExchangeableRefreshToken,
		t.NonCCSToken, t.NonCCSRefreshToken, t.IDToken,
	}
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
func (c *Client) redeem(ctx context.Context, device, code string) (cciTokens, error) {
	var tokens cciTokens
	doc, _, err := c.cci(ctx, request{
		url: c.opts.Profile.Paths.Redeem + "?" + url.Values{"code": {code}}.Encode(), what: "redeem code", header: c.cciHeader(device, nil),
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
func (c *Client) refresh(ctx context.Context, device string, tokens cciTokens) (cciTokens, error) {
	doc, header, err := c.cci(ctx, request{
		url: c.opts.Profile.Paths.Refresh, what: "refresh tokens", header: c.cciHeader(device, &tokens), json: tokens,
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
	if err := c.update(func(s *session) { s.CCI = &tokens }); err != nil {
		return tokens, storeFailed(err)
	}
	return tokens, nil
}

// exchange is step 5: a token of the vehicle API.
func (c *Client) exchange(ctx context.Context, device string, tokens cciTokens) error {
	doc, _, err := c.cci(ctx, request{
		url: c.opts.Profile.Paths.Exchange + "?serviceType=CCS", what: "exchange token", header: c.cciHeader(device, &tokens),
	})
	if err != nil {
		return err
	}
	token, ok := doc.First("accessToken", "ccsAccessToken").NonEmptyText()
	if !ok {
		return notUnderstood()
	}
	now := c.opts.Now()
	life := lifetime(doc.At("expiresTime"), now)
	if err := c.update(func(s *session) {
		s.CCI = &tokens
		keepToken(s, strings.TrimPrefix(token, "Bearer "), now, life)
	}); err != nil {
		return storeFailed(err)
	}
	return nil
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
func (c *Client) cci(ctx context.Context, r request) (field.Object, http.Header, error) {
	r.method = http.MethodPost
	r.url = c.opts.Profile.CCIURL + r.url
	resp, err := c.send(ctx, r)
	if err != nil {
		return field.Object{}, nil, err
	}
	doc, err := field.Decode(resp.body)
	switch {
	case resp.status == http.StatusForbidden && err != nil:
		return field.Object{}, nil, blocked()
	case outage(resp.status):
		failure := c.unavailable(resp)
		if resp.status == http.StatusInternalServerError {
			failure.VendorCode = codeIn(doc.At("code"))
		}
		return field.Object{}, nil, failure
	case resp.status != http.StatusOK:
		return field.Object{}, nil, sdk.ErrSessionExpired
	case err != nil || !doc.IsObject():
		return field.Object{}, nil, notUnderstood()
	}
	return doc, resp.header, nil
}

func (c *Client) cciHeader(device string, tokens *cciTokens) http.Header {
	p := c.opts.Profile
	h := http.Header{}
	for key, value := range map[string]string{
		"client-id": p.Package, "client-name": p.ClientName, "client-version": p.ClientVersion,
		"client-os-code": p.OSCode, "client-os-version": p.OSVersion, "client-device-model": p.DeviceModel,
		"client-notification-provider-type": p.NotificationType, "client-device-id": device,
		"locale": strings.ToUpper(c.opts.Language), "Accept-Language": c.opts.Language, "Accept": "application/json",
		"timezone": c.opts.Now().In(c.zone).Format("-07:00"),
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
