package ccs

import (
	"bytes"
	"encoding/json"
	"reflect"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// Session is what outlives the process. It is on disk before it is used.
type Session struct {
	// Account names brand and user that the session belongs to, as a hash.
	Account  string `json:"account"`
	DeviceID string `json:"device_id,omitempty"`
	// Auth is what the region's Auth keeps beyond the rest. Its texts are secrets.
	Auth json.RawMessage `json:"cci,omitempty"`
	// RefreshToken as last handed out, and since when it is used here, Unix
	// milliseconds.
	RefreshToken      string `json:"refresh_token,omitempty"`
	RefreshTokenSince int64  `json:"refresh_token_since,omitempty"`
	// AccessToken of the vehicle API, without "Bearer ", and its end in Unix
	// milliseconds.
	AccessToken string `json:"access_token,omitempty"`
	ExpiresAt   int64  `json:"expires_at,omitempty"`
}

const sessionDoc = "session"

// renewEarly is how long before its end a token counts as ended, so that none
// ends in the middle of a wake.
const renewEarly = 5 * time.Minute

// KeepToken takes up a new token of the vehicle API. Short-lived ones are renewed
// when a tenth of their life is left.
func (s *Session) KeepToken(token string, now time.Time, life time.Duration) {
	early := min(renewEarly, life/10)
	s.AccessToken, s.ExpiresAt = token, now.Add(life-early).UnixMilli()
}

// usable returns ErrSessionExpired if there is no token of the vehicle API that
// will last.
func (s *Session) usable(now time.Time) error {
	if s.AccessToken == "" || !time.UnixMilli(s.ExpiresAt).After(now) {
		return sdk.ErrSessionExpired
	}
	return nil
}

// secrets of the session, which no log may have.
func (s *Session) secrets() []string {
	return append(redact.Texts(s.Auth), s.AccessToken, s.RefreshToken)
}

// Session that is in use now.
func (a *Account) Session() Session {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.session
}

// Update changes the session, on disk first.
func (a *Account) Update(change func(*Session)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := a.reloadLocked(); err != nil {
		a.Options.Logger.Warn("the stored session cannot be read and is replaced", "error", err)
	}

	next := a.session
	change(&next)
	a.Options.Redactor.Learn(next.secrets()...)
	if err := a.Options.Store.Put(sessionDoc, next); err != nil {
		return storeFailed(err)
	}
	a.session = next
	return nil
}

func (a *Account) restore() (another bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reloadLocked()
}

// reloadLocked takes up what is on disk, which is never older than what is here:
// another process of the same account may have written it.
func (a *Account) reloadLocked() (another bool, err error) {
	var stored Session
	ok, err := a.Options.Store.Get(sessionDoc, &stored)
	if err != nil || !ok || stored.Account != a.session.Account {
		return false, err
	}
	// The store lays documents out as it likes.
	var compact bytes.Buffer
	if json.Compact(&compact, stored.Auth) == nil && compact.Len() > 0 {
		stored.Auth = compact.Bytes()
	}
	if reflect.DeepEqual(stored, a.session) {
		return false, nil
	}

	a.session = stored
	a.Options.Redactor.Learn(stored.secrets()...)
	return true, nil
}

// storeFailed: what is not on disk is not used, or a crash would lose it.
func storeFailed(err error) error {
	return shared.Errorf(shared.ReasonConfigInvalid,
		"The session cannot be written to the state directory. Check its permissions and free space.").Wrap(err)
}
