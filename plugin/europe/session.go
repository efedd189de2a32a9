package europe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
)

var _ sdk.Restorer = (*Client)(nil)

// session is what outlives the process. It is on disk before it is used.
type session struct {
	// Account names brand and user that the session belongs to.
	Account  string     `json:"account"`
	DeviceID string     `json:"device_id,omitempty"`
	CCI      *cciTokens `json:"cci,omitempty"`
	// RefreshToken of the classic client, as last handed out.
	RefreshToken string `json:"refresh_token,omitempty"`
	// RefreshTokenSince is when that token was first used here, Unix milliseconds.
	RefreshTokenSince int64 `json:"refresh_token_since,omitempty"`
	// AccessToken of the vehicle API, without "Bearer ", and its end in Unix
	// milliseconds.
	AccessToken string `json:"access_token,omitempty"`
	ExpiresAt   int64  `json:"expires_at,omitempty"`
}

const sessionDoc = "session"

// accountName tells accounts apart without naming them.
func (c *Client) accountName() string {
	name := string(c.opts.Profile.Brand) + "\x00" + c.opts.Username
	if c.legacy {
		name += "\x00" + c.opts.Password
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

var (
	_ sdk.Credentialed = (*Client)(nil)
	_ sdk.Ender        = (*Client)(nil)
)

// Credentials implements [sdk.Credentialed].
func (c *Client) Credentials() string {
	return string(c.opts.Profile.Brand) + "\x00" + c.opts.Username + "\x00" + c.opts.Password
}

// refreshTokenLife is how long a refresh token of the classic client is known to
// last; see docs/protocol-europe.md, section "Refresh token as password".
const refreshTokenLife = 180 * 24 * time.Hour

// SessionEnd implements [sdk.Ender]. Only refresh tokens of the classic client
// have an end that is known; it counts from their first use here.
func (c *Client) SessionEnd() (at time.Time, remedy string, ok bool) {
	since := c.current().RefreshTokenSince
	if !c.legacy || since == 0 {
		return time.Time{}, "", false
	}
	return time.UnixMilli(since).Add(refreshTokenLife), "Get a new refresh token before, or use the account's password.", true
}

// Restore implements [sdk.Restorer].
func (c *Client) Restore(context.Context) (another bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reload()
}

// reload takes up what is on disk, which is never older than what is here: another
// process of the same account may have written it. Called with mu held.
func (c *Client) reload() (another bool, err error) {
	var stored session
	ok, err := c.opts.Store.Get(sessionDoc, &stored)
	if err != nil || !ok || stored.Account != c.session.Account || reflect.DeepEqual(stored, c.session) {
		return false, err
	}
	c.session = stored
	c.learn(stored)
	return true, nil
}

// update changes the session, on disk first.
func (c *Client) update(change func(*session)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.reload(); err != nil {
		c.opts.Logger.Warn("the stored session cannot be read and is replaced", "error", err)
	}
	next := c.session
	change(&next)
	c.learn(next)
	if err := c.opts.Store.Put(sessionDoc, next); err != nil {
		return err
	}
	c.session = next
	return nil
}

func (c *Client) current() session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// learn keeps the session's tokens out of the log.
func (c *Client) learn(s session) {
	c.opts.Redactor.Learn(s.AccessToken, s.RefreshToken)
	if s.CCI != nil {
		c.opts.Redactor.Learn(s.CCI.all()...)
	}
}
