package europe

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/field"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// grant gets a token of the vehicle API for a refresh token of the classic
// client. It follows docs/protocol-europe.md, section "Refresh token as
// password".
func (c *Client) grant(ctx context.Context, refreshToken string) error {
	p := c.opts.Profile
	r := request{
		method: http.MethodPost, url: p.LoginURL + p.Paths.RefreshGrant, what: "refresh grant", header: c.browser(),
		form: url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {refreshToken},
			"client_id": {p.ServiceID}, "client_secret": {p.ServiceSecret},
		},
	}
	if p.GenesisTokens {
		header, err := c.stamped()
		if err != nil {
			return err
		}
		header.Set("Authorization", p.BasicToken())
		r.url, r.header = p.APIURL+p.Paths.APIRefreshGrant, header
		r.form = url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {refreshToken},
			"redirect_uri": {p.GrantRedirect},
		}
	}
	if refreshToken == c.rejectedToken {
		return shared.NewError(shared.ReasonTokenRejected) // it would be so again
	}
	resp, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	doc, err := c.grantAnswer(resp)
	if err != nil {
		if errors.Is(err, shared.ReasonTokenRejected) {
			c.rejectedToken = refreshToken
		}
		return err
	}
	token, ok := doc.At("access_token").NonEmptyText()
	if !ok {
		return notUnderstood()
	}
	now, life := c.opts.Now(), 24*time.Hour
	if seconds, ok := doc.At("expires_in").Int(); ok && seconds > 0 {
		life = time.Duration(seconds) * time.Second
	}
	if end, ok := jwtEnd(token); ok {
		life = min(life, max(0, end.Sub(now)))
	}
	before := c.current()
	if err := c.update(func(s *session) {
		s.RefreshToken = refreshToken
		if rotated, ok := doc.At("refresh_token").NonEmptyText(); ok {
			s.RefreshToken = rotated
		}
		if s.RefreshTokenSince == 0 || s.RefreshToken != before.RefreshToken {
			s.RefreshTokenSince = now.UnixMilli()
		}
		keepToken(s, strings.TrimPrefix(token, "Bearer "), now, life)
	}); err != nil {
		return storeFailed(err)
	}
	return nil
}

// grantAnswer reads the answer of whichever host gives the token.
func (c *Client) grantAnswer(resp response) (field.Object, error) {
	if c.opts.Profile.GenesisTokens {
		doc, err := c.classify(resp, false)
		if errors.Is(err, sdk.ErrSessionExpired) || errors.Is(err, errDeviceID) {
			// There is neither in the request, so it can only mean the token.
			err = shared.NewError(shared.ReasonTokenRejected)
		}
		return doc, err
	}
	doc, err := field.Decode(resp.body)
	code, _ := doc.At("retCode").Text()
	switch {
	case err != nil || !doc.IsObject():
		return field.Object{}, notJSON(resp)
	case code == "7501", mentions(doc.At("retMsg"), "received unexpected statuscode"), mentions(doc.At("error"), "invalid_grant"):
		return field.Object{}, shared.NewError(shared.ReasonTokenRejected)
	case outage(resp.status):
		return field.Object{}, c.unavailable(resp)
	case resp.status == http.StatusForbidden:
		return field.Object{}, blocked()
	case resp.status != http.StatusOK:
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
