package ccs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Account is what calls and an [Auth] need of an account: its session, its
// registered device, and the wire. Safe for concurrent use.
type Account struct {
	// Options as they were given, completed, and Zone, the region's. Not changed.
	Options Options
	Zone    *time.Location

	wire *wire

	mu      sync.Mutex
	session Session
	// registering holds one token: a device is registered by one at a time.
	registering chan struct{}
}

func newAccount(o Options, zone *time.Location) *Account {
	return &Account{
		Options: o, Zone: zone, wire: newWire(o), registering: make(chan struct{}, 1),
		session: Session{Account: o.accountName()},
	}
}

// firstRegion is the only one whose name is not part of its accounts' names, because
// they are on disks from before there were others.
const firstRegion = "europe"

// accountName tells accounts apart without naming them.
func (o Options) accountName() string {
	name := string(o.Profile.Brand) + "\x00" + o.Username
	if o.AccountKey != "" {
		name += "\x00" + o.AccountKey
	}
	if o.Profile.Region != firstRegion {
		name = o.Profile.Region + "\x00" + name
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// Profile of the account's brand and region.
func (a *Account) Profile() *profile.Profile { return &a.Options.Profile }

// Send makes one call. It fails only if there is no answer.
func (a *Account) Send(ctx context.Context, r Request) (Response, error) { return a.wire.send(ctx, r) }

// Transport of the calls that may share connections, for login pages with cookies
// of their own.
func (a *Account) Transport() http.RoundTripper { return a.wire.http.Transport }

// Stamped is the header that registration and calls for tokens have: who asks and,
// where the region wants it, a stamp.
func (a *Account) Stamped() (http.Header, error) {
	return a.header(a.Profile().Protocol.Stamps != profile.None)
}

func (a *Account) header(stamped bool) (http.Header, error) {
	p := a.Profile()
	h := http.Header{}
	h.Set("Ccsp-Service-Id", p.ServiceID)
	h.Set("Ccsp-Application-Id", p.AppID)
	if !stamped {
		return h, nil
	}

	stamp, err := p.Stamp(a.Options.Now())
	if err != nil {
		return nil, shared.NewError(shared.ReasonInternal).Wrap(err)
	}
	h.Set("Stamp", stamp)
	return h, nil
}
