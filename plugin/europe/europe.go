package europe

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
)

// languages that the vendor's messages come in.
var languages = []string{"en", "de", "fr", "it", "es", "sv", "nl", "no", "cs", "sk", "hu", "da", "pl", "fi", "pt"}

// New returns a client of an account in Europe. The password may be a refresh token
// of the classic client, in any form in which people paste one; other tokens are
// refused with reason config_invalid.
func New(o ccs.Options) (*ccs.Client, error) {
	o.Language = strings.ToLower(o.Language[:min(2, len(o.Language))])
	if !slices.Contains(languages, o.Language) {
		o.Language = "en"
	}

	given, err := credentialOf(o.Password)
	if err != nil {
		return nil, err
	}
	if given.refreshToken != "" {
		if o.Redactor != nil {
			o.Redactor.Learn(given.refreshToken) // perhaps not what was pasted
		}
		o.Password, o.AccountKey = given.refreshToken, given.refreshToken
		return ccs.New(o, func(a *ccs.Account) ccs.Auth { return &classicAuth{Account: a} })
	}
	o.Password = given.password
	return ccs.New(o, func(a *ccs.Account) ccs.Auth { return &cciAuth{Account: a} })
}

// cciAuth logs in with e-mail and password: at the login pages, then at the account
// API (CCI), which hands out tokens of the vehicle API.
type cciAuth struct{ *ccs.Account }

// classicAuth gets tokens of the vehicle API for a refresh token that an older
// client was given.
type classicAuth struct {
	*ccs.Account
	// rejected is the refresh token that was refused last.
	rejected string
}

var (
	_ ccs.Auth  = (*cciAuth)(nil)
	_ ccs.Auth  = (*classicAuth)(nil)
	_ sdk.Ender = (*classicAuth)(nil)
)

// Authorize implements [ccs.Auth].
func (a *cciAuth) Authorize(h http.Header, s ccs.Session) { bearer(h, s) }

// Authorize implements [ccs.Auth].
func (a *classicAuth) Authorize(h http.Header, s ccs.Session) { bearer(h, s) }

func bearer(h http.Header, s ccs.Session) { h.Set("Authorization", "Bearer "+s.AccessToken) }

// Login implements [ccs.Auth].
func (a *classicAuth) Login(ctx context.Context) error { return a.grant(ctx, a.Options.Password) }

// Renew implements [ccs.Auth].
func (a *classicAuth) Renew(ctx context.Context) error {
	if token := a.Session().RefreshToken; token != "" {
		return a.grant(ctx, token)
	}
	return sdk.ErrSessionExpired
}

// browser is what the login pages see of the client.
func browser(a *ccs.Account) http.Header {
	return http.Header{"User-Agent": {a.Profile().LoginUserAgent}, "Accept": {"application/json, text/html, */*"}}
}
