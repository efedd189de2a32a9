package europe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// dialects is what reading has shown of each car, by a hash of its id. The
// vehicle list's flag can be missing or wrong; an answer with a state cannot.
type dialects map[string]dialect

type dialect struct {
	// CCS1 and CCS2: the car's state was read in it. The first is what nearly all
	// cars show that are said to speak it, and is not worth the disk.
	CCS1 bool `json:"-"`
	CCS2 bool `json:"ccs2,omitempty"`
	// Tried is when CCS2 was last tried, Unix milliseconds.
	Tried int64 `json:"tried,omitempty"`
}

const (
	dialectsDoc = "dialects"
	// dialectRetry is how long after a try in vain CCS2 is not tried again.
	dialectRetry = 24 * time.Hour
)

// errNoState: the answer is well-formed and holds no state.
var errNoState = errors.New("no state in the answer")

// statusCCS1 reads the copy of a car that the list says speaks CCS1. One that
// has never shown a state in it, and gets an outage or metadata, is tried in CCS2
// once a day; such a read wakes nobody. See docs/protocol-europe.md, section
// "Reading".
func (c *Client) statusCCS1(ctx context.Context, vehicleID string, known car) (reading, error) {
	info, err := c.documentCCS1(ctx, vehicleID)
	if err == nil {
		c.learnDialect(vehicleID, func(d *dialect) { d.CCS1 = true })
		return c.parseCCS1(info), nil
	}
	if !mayBeDialect(err) || !c.takeTry(vehicleID) {
		return reading{}, err
	}
	known.ccs2 = 1
	r, other := c.statusCCS2(ctx, vehicleID, known)
	if other != nil {
		if errors.Is(other, sdk.ErrSessionExpired) || ctx.Err() != nil {
			return reading{}, other
		}
		return reading{}, err
	}
	sdk.Logger(ctx).Info("the car speaks CCS2, although the vehicle list does not say so")
	c.learnDialect(vehicleID, func(d *dialect) { d.CCS2 = true })
	c.mu.Lock()
	c.cars[vehicleID] = known
	c.mu.Unlock()
	return r, nil
}

// mayBeDialect says whether a failed read could be one in the wrong dialect.
func mayBeDialect(err error) bool {
	code := shared.AsAPIError(err).VendorCode
	return errors.Is(err, errNoState) || code == "5031" || code == "503"
}

// takeTry says whether CCS2 may be tried, and takes the day's try if so.
func (c *Client) takeTry(vehicleID string) bool {
	now, may := c.opts.Now(), false
	c.learnDialect(vehicleID, func(d *dialect) {
		since := now.Sub(time.UnixMilli(d.Tried))
		if may = !d.CCS1 && (since < 0 || since >= dialectRetry); may {
			d.Tried = now.UnixMilli()
		}
	})
	return may
}

// learnDialect changes what is known of a car, and stores it if it is new.
func (c *Client) learnDialect(vehicleID string, change func(*dialect)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.dialects()
	before := all[dialectKey(vehicleID)]
	after := before
	if change(&after); after == before {
		return
	}
	all[dialectKey(vehicleID)] = after
	if after.CCS1 = before.CCS1; after == before {
		return
	}
	if err := c.opts.Store.Put(dialectsDoc, all); err != nil {
		c.opts.Logger.Warn("what is known of the cars' dialects cannot be stored", "error", err)
	}
}

// dialectOf is the flag of a car: the list's, unless reading has shown better.
func (c *Client) dialectOf(vehicleID string, listed int32) int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if listed == 0 && c.dialects()[dialectKey(vehicleID)].CCS2 {
		return 1
	}
	return listed
}

// dialects are read from the disk once. Called with mu held.
func (c *Client) dialects() dialects {
	if c.seenDialects == nil {
		c.seenDialects = dialects{}
		if _, err := c.opts.Store.Get(dialectsDoc, &c.seenDialects); err != nil {
			c.opts.Logger.Warn("what is known of the cars' dialects cannot be read", "error", err)
			c.seenDialects = dialects{}
		}
	}
	return c.seenDialects
}

func dialectKey(vehicleID string) string {
	sum := sha256.Sum256([]byte(vehicleID))
	return hex.EncodeToString(sum[:8])
}
