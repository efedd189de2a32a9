package ccs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// dialects is what reading has shown of each car. The vehicle list's flag can be
// missing or wrong; an answer with a state cannot. Safe for concurrent use.
type dialects struct {
	store *sdk.Store
	log   *slog.Logger
	now   func() time.Time

	mu sync.Mutex
	// seen by a hash of the car's id; nil until it is read from the disk.
	seen map[string]dialect
}

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

func newDialects(o Options) *dialects { return &dialects{store: o.Store, log: o.Logger, now: o.Now} }

// flag of a car: the list's, unless reading has shown better.
func (d *dialects) flag(vehicleID string, listed int32) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()

	if listed == 0 && d.readLocked()[dialectKey(vehicleID)].CCS2 {
		return 1
	}
	return listed
}

// takeTry reports whether CCS2 may be tried, and takes the day's try if so.
func (d *dialects) takeTry(vehicleID string) bool {
	now, may := d.now(), false
	d.learn(vehicleID, func(car *dialect) {
		since := now.Sub(time.UnixMilli(car.Tried))
		if may = !car.CCS1 && (since < 0 || since >= dialectRetry); may {
			car.Tried = now.UnixMilli()
		}
	})
	return may
}

// learn changes what is known of a car, and stores it if it is new.
func (d *dialects) learn(vehicleID string, change func(*dialect)) {
	d.mu.Lock()
	defer d.mu.Unlock()

	all := d.readLocked()
	before := all[dialectKey(vehicleID)]
	after := before
	if change(&after); after == before {
		return
	}
	all[dialectKey(vehicleID)] = after

	if after.CCS1 = before.CCS1; after == before {
		return
	}
	if err := d.store.Put(dialectsDoc, all); err != nil {
		d.log.Warn("what is known of the cars' dialects cannot be stored", "error", err)
	}
}

// readLocked reads the disk once.
func (d *dialects) readLocked() map[string]dialect {
	if d.seen == nil {
		d.seen = map[string]dialect{}
		if _, err := d.store.Get(dialectsDoc, &d.seen); err != nil {
			d.log.Warn("what is known of the cars' dialects cannot be read", "error", err)
			d.seen = map[string]dialect{}
		}
	}
	return d.seen
}

func dialectKey(vehicleID string) string {
	sum := sha256.Sum256([]byte(vehicleID))
	return hex.EncodeToString(sum[:8])
}

// errNoState: the answer is well-formed and holds no state.
var errNoState = errors.New("no state in the answer")

// statusCCS1 reads the copy of a car that the list says speaks CCS1. One that
// has never shown a state in it, and gets an outage or metadata, is tried in CCS2
// once a day; such a read wakes no car. See docs/protocol-europe.md, section
// "Reading".
func (c *Client) statusCCS1(ctx context.Context, vehicleID string, known car) (reading, error) {
	info, err := c.documentCCS1(ctx, vehicleID)
	if err == nil {
		c.dialects.learn(vehicleID, func(d *dialect) { d.CCS1 = true })
		return c.parseCCS1(info), nil
	}
	if c.opts.Profile.Protocol.Dialect != profile.Flag || !mayBeDialect(err) || !c.dialects.takeTry(vehicleID) {
		return reading{}, err
	}

	known = c.carOf(1, known.engine)
	r, other := c.statusCCS2(ctx, vehicleID, known)
	if other != nil {
		if errors.Is(other, sdk.ErrSessionExpired) || ctx.Err() != nil {
			return reading{}, other
		}
		return reading{}, err
	}

	sdk.Logger(ctx).Info("the car speaks CCS2, although the vehicle list does not say so")
	c.dialects.learn(vehicleID, func(d *dialect) { d.CCS2 = true })
	c.mu.Lock()
	c.cars[vehicleID] = known
	c.mu.Unlock()
	return r, nil
}

// mayBeDialect reports whether a failed read could be one in the wrong dialect.
func mayBeDialect(err error) bool {
	code := shared.AsAPIError(err).VendorCode
	return errors.Is(err, errNoState) || code == "5031" || code == "503"
}
