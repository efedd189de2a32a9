package ccs

import (
	"context"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Client is a session with one account and its cars. Safe for concurrent use,
// except that Login and Renew are called one at a time.
type Client struct {
	opts      Options
	account   *Account
	auth      Auth
	api       *api
	traits    *traits
	histories *histories

	mu   sync.Mutex
	cars map[string]car
}

// car is what the vehicle list says that reading needs.
type car struct {
	// flag is the list's, or what reading has shown: 0 for CCS1, anything else for
	// CCS2. Calls about the car repeat it in a header.
	flag int32
	// ccs2 is the dialect that the car is read in.
	ccs2   bool
	engine vehiclev1.EngineType
}

// carOf knows the dialect of a car by the region or by the flag.
func (c *Client) carOf(flag int32, engine vehiclev1.EngineType) car {
	known := car{flag: flag, ccs2: flag != 0, engine: engine}
	switch c.opts.Profile.Protocol.Dialect {
	case profile.CCS1:
		known.ccs2 = false
	case profile.CCS2:
		known.ccs2 = true
	}
	return known
}

var _ interface {
	sdk.Vendor
	sdk.Renewer
	sdk.Restorer
	sdk.Credentialed
	sdk.Ender
	sdk.Recaller
	sdk.Limited
	sdk.Scheduled
} = (*Client)(nil)

// New returns a client that takes up the stored session, without a call.
func New(o Options, auth NewAuth) (*Client, error) {
	o.complete()
	zone, err := o.Profile.Zone()
	if err != nil {
		return nil, err
	}

	account := newAccount(o, zone)
	own := auth(account)
	c := &Client{
		opts: o, account: account, auth: own, api: &api{account, own},
		traits: newTraits(o), histories: newHistories(o, account.session.Account), cars: map[string]car{},
	}
	if _, err := c.Restore(context.Background()); err != nil {
		o.Logger.Warn("the stored session cannot be read, a new login is needed", "error", err)
	}
	return c, nil
}

// Login implements [sdk.Vendor].
func (c *Client) Login(ctx context.Context) error { return c.auth.Login(ctx) }

// Renew implements [sdk.Renewer]: a new token of the vehicle API without the
// password.
func (c *Client) Renew(ctx context.Context) error { return c.auth.Renew(ctx) }

// Restore implements [sdk.Restorer].
func (c *Client) Restore(context.Context) (another bool, err error) { return c.account.restore() }

// Account that the client is of.
func (c *Client) Account() *Account { return c.account }

// Credentials implements [sdk.Credentialed].
func (c *Client) Credentials() string {
	return string(c.opts.Profile.Brand) + "\x00" + c.opts.Username + "\x00" + c.opts.Password
}

// SessionEnd implements [sdk.Ender], for an Auth whose sessions have an end that is
// known.
func (c *Client) SessionEnd() (at time.Time, remedy string, ok bool) {
	if e, known := c.auth.(sdk.Ender); known {
		return e.SessionEnd()
	}
	return time.Time{}, "", false
}

// car is what the list said of a car. One that it has not shown is unknown.
func (c *Client) car(vehicleID string) (car, error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	known, ok := c.cars[vehicleID]
	if !ok {
		return car{}, shared.NewError(shared.ReasonUnknownVehicle)
	}
	return known, nil
}
