package europe

import (
	"context"
	"encoding/base64"
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

// grant gets a token of the vehicle API for a refresh token of the classic
// client. It follows docs/protocol-europe.md, section "Refresh token as
// password".
func (a *classicAuth) grant(ctx context.Context, refreshToken string) error {
	p := a.Profile()
	r := ccs.Request{
		Method: http.MethodPost, URL: p.LoginURL + p.Paths.RefreshGrant, What: "refresh grant", Header: browser(a.Account),
		Form: url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {refreshToken},
			"client_id": {p.ServiceID}, "client_secret": {p.ServiceSecret},
		},
	}
	if p.GenesisTokens {
		header, err := a.Stamped()
		if err != nil {
			return err
		}
		header.Set("Authorization", p.BasicToken())
		r.URL, r.Header = p.APIURL+p.Paths.APIRefreshGrant, header
		r.Form = url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {refreshToken},
			"redirect_uri": {p.GrantRedirect},
		}
	}
	if refreshToken == a.rejected {
		return shared.NewError(shared.ReasonTokenRejected) // it would be so again
	}
	resp, err := a.Send(ctx, r)
	if err != nil {
		return err
	}
	doc, err := a.grantAnswer(resp)
	if err != nil {
		if errors.Is(err, shared.ReasonTokenRejected) {
			a.rejected = refreshToken
		}
		return err
	}
	token, ok := doc.At("access_token").NonEmptyText()
	if !ok {
		return notUnderstood()
	}
	now, life := a.Options.Now(), 24*time.Hour
	if seconds, ok := doc.At("expires_in").Int(); ok && seconds > 0 {
		life = time.Duration(seconds) * time.Second
	}
	if end, ok := jwtEnd(token); ok {
		life = min(life, max(0, end.Sub(now)))
	}
	before := a.Session()
	return a.Update(func(s *ccs.Session) {
		s.RefreshToken = refreshToken
		if rotated, ok := doc.At("refresh_token").NonEmptyText(); ok {
			s.RefreshToken = rotated
		}
		if s.RefreshTokenSince == 0 || s.RefreshToken != before.RefreshToken {
			s.RefreshTokenSince = now.UnixMilli()
		}
		s.KeepToken(strings.TrimPrefix(token, "Bearer "), now, life)
	})
}

// grantAnswer reads the answer of whichever host gives the token.
func (a *classicAuth) grantAnswer(resp ccs.Response) (field.Object, error) {
	if a.Profile().GenesisTokens {
		doc, err := a.Classify(resp, false)
		if errors.Is(err, sdk.ErrSessionExpired) || errors.Is(err, ccs.ErrDeviceID) {
			// There is neither in the request, so it can only mean the token.
			err = shared.NewError(shared.ReasonTokenRejected)
		}
		return doc, err
	}
	doc, err := field.Decode(resp.Body)
	code, _ := doc.At("retCode").Text()
	switch {
	case err != nil || !doc.IsObject():
		return field.Object{}, ccs.NotJSON(resp)
	case code == "7501", ccs.Mentions(doc.At("retMsg"), "received unexpected statuscode"), ccs.Mentions(doc.At("error"), "invalid_grant"):
		return field.Object{}, shared.NewError(shared.ReasonTokenRejected)
	case ccs.Outage(resp.Status):
		return field.Object{}, a.Unavailable(resp)
	case resp.Status == http.StatusForbidden:
		return field.Object{}, ccs.Blocked()
	case resp.Status != http.StatusOK:
		return field.Object{}, notUnderstood()
	}
	return doc, nil
}

// jwtEnd reads the end of a token without verifying it; it is only a hint of
// when to renew.
func jwtEnd(token string) (time.Time, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}, false
	}
	doc, err := field.Decode(payload)
	if err != nil {
		return time.Time{}, false
	}
	exp, ok := doc.At("exp").Int()
	return time.Unix(exp, 0), ok && exp > 0
}

// refreshTokenLife is how long a refresh token of the classic client is known to
// last; see docs/protocol-europe.md, section "Refresh token as password".
const refreshTokenLife = 180 * 24 * time.Hour

// SessionEnd implements [sdk.Ender]. It counts from the token's first use here.
func (a *classicAuth) SessionEnd() (at time.Time, remedy string, ok bool) {
	since := a.Session().RefreshTokenSince
	if since == 0 {
		return time.Time{}, "", false
	}
	return time.UnixMilli(since).Add(refreshTokenLife), "Get a new refresh token before, or use the account's password.", true
}
