package ccs

import (
	"context"
	"net/http"
)

// Auth is the part of a client that is a region's own. It is used by one caller at
// a time.
type Auth interface {
	// Login gets a token of the vehicle API with the user's password and keeps it
	// with [Account.Update]. It is what costs the account an attempt.
	Login(ctx context.Context) error
	// Renew gets one without the password. It fails with sdk.ErrSessionExpired if
	// only a login can.
	Renew(ctx context.Context) error
	// Authorize puts the session's token into the header of a call of the vehicle
	// API.
	Authorize(header http.Header, session Session)
}

// NewAuth makes the Auth of an account.
type NewAuth func(*Account) Auth
