package europe

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Options of New.
type Options struct {
	Profile profile.Profile
	// Username is the account's e-mail address; Password its password, or a
	// refresh token of the classic client.
	Username, Password string
	// Language of messages that the vendor writes, two letters. Default en.
	Language string
	// RereadAfter says how long after the wake of a CCS2 car its status is read,
	// again and again until the car's time advances. Default: soon for cars that
	// are quick, then sparingly, each read being one call of the daily quota.
	RereadAfter []time.Duration
	// HistoryEvery is how long a car's driving history and trips are good for
	// before they are asked for again. Default 24 h; negative: never ask.
	HistoryEvery time.Duration
	// HistoryAtOnce asks for the history with each read, due or not.
	HistoryAtOnce bool
	// Limits in place of those of [Client.Limits].
	Limits sdk.Limits
	// Plan is when cars are refreshed without a command. Default: never.
	Plan sdk.Schedule
	// Requested counts each request; see [sdk.VendorConfig]. Default: nobody does.
	Requested func()
	// Refused is told of what a part of a reading met that concerns the whole
	// account; see [sdk.VendorConfig]. Default: nobody is.
	Refused func(vehicleID string, err error)
	// Store keeps the session, the device id, and each car's history.
	Store    *sdk.Store
	Redactor *redact.Redactor
	Logger   *slog.Logger
	// Transport wraps what every call goes through, the login's and the wakes'
	// too; it is called once for each of the client's connection pools. A
	// recorder's Wrap goes here. Default: nothing is wrapped.
	Transport func(http.RoundTripper) http.RoundTripper
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

func defaultRereads() []time.Duration {
	return []time.Duration{
		3 * time.Second, 8 * time.Second, 22 * time.Second, 30 * time.Second, 45 * time.Second,
		65 * time.Second, 90 * time.Second, 115 * time.Second, 140 * time.Second,
	}
}

// Client is a session with one account. Safe for concurrent use, except that
// Login and Renew are called one at a time.
type Client struct {
	opts   Options
	zone   *time.Location
	legacy bool
	http   *http.Client
	// wakes has no connection that it could lose: on a kept-alive one that
	// breaks, net/http sends a GET again by itself, and wakes the car twice.
	wakes *http.Client
	// scrubber of the debug log.
	scrubber *traffic.Scrubber
	// rejectedToken is the classic client's refresh token that was refused last; for
	// Login and Renew, of which there is one at a time.
	rejectedToken string

	mu      sync.Mutex
	session session
	// registering holds one token: a device is registered by one at a time.
	registering chan struct{}
	cars        map[string]car
	// seenDialects is nil until they are read.
	seenDialects dialects
	histories    histories
}

// car is what the vehicle list says that reading needs.
type car struct {
	// ccs2 is the list's flag, or what reading has shown; calls about the car
	// repeat it in a header: 0 for CCS1, anything else for CCS2.
	ccs2   int32
	engine vehiclev1.EngineType
}

// hasPlug by the list or, for a power train that the list does not name, by what
// the car tells.
func (c car) hasPlug(status *vehiclev1.VehicleData) bool {
	switch c.engine {
	case vehiclev1.EngineType_ENGINE_TYPE_EV, vehiclev1.EngineType_ENGINE_TYPE_PHEV:
		return true
	case vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED:
		return status.Battery != nil && status.Battery.Soc != nil && status.Charging != nil && status.Charging.PluggedIn != nil
	}
	return false
}

var _ interface {
	sdk.Vendor
	sdk.Renewer
} = (*Client)(nil)

// legacyToken is the form of a refresh token of the classic client.
var legacyToken = regexp.MustCompile(`^[A-Z0-9]{40,60}$`)

// New returns a client that takes up the stored session, without a call.
func New(o Options) (*Client, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Requested == nil {
		o.Requested = func() {}
	}
	if o.Refused == nil {
		o.Refused = func(string, error) {}
	}
	if o.Redactor == nil {
		o.Redactor = &redact.Redactor{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if len(o.RereadAfter) == 0 {
		o.RereadAfter = defaultRereads()
	}
	if o.HistoryEvery == 0 {
		o.HistoryEvery = 24 * time.Hour
	}
	o.Language = strings.ToLower(o.Language[:min(2, len(o.Language))])
	if !slices.Contains([]string{"en", "de", "fr", "it", "es", "sv", "nl", "no", "cs", "sk", "hu", "da", "pl", "fi", "pt"}, o.Language) {
		o.Language = "en"
	}
	zone, err := o.Profile.Zone()
	if err != nil {
		return nil, err
	}
	c := &Client{
		opts: o, zone: zone, legacy: legacyToken.MatchString(o.Password),
		registering: make(chan struct{}, 1), cars: map[string]car{},
		http:     &http.Client{Transport: o.transport(true), CheckRedirect: stay},
		wakes:    &http.Client{Transport: o.transport(false), CheckRedirect: stay},
		scrubber: traffic.NewScrubber(traffic.ScrubberOptions{Forget: 4096}),
	}
	c.scrubber.Learn(o.Username, o.Password)
	c.session.Account = c.accountName()
	if _, err := c.Restore(context.Background()); err != nil {
		o.Logger.Warn("the stored session cannot be read, a new login is needed", "error", err)
	}
	return c, nil
}

func (o Options) transport(keepAlive bool) http.RoundTripper {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   keepAlive,
		DisableKeepAlives:   !keepAlive,
		MaxIdleConnsPerHost: 32,
		// The servers half-close idle connections; requests on them hang.
		IdleConnTimeout: 30 * time.Second,
	}
	if o.Transport == nil {
		return t
	}
	return o.Transport(t)
}

// stay follows no redirect: nothing of the API is known to redirect, and the tokens
// in the headers are for its own hosts.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// renewEarly is how long before its end a token counts as ended, so that none
// ends in the middle of a wake.
const renewEarly = 5 * time.Minute

// token is the vehicle API's token, or ErrSessionExpired if there is none that
// will last.
func (c *Client) token() (string, error) {
	s := c.current()
	left := time.UnixMilli(s.ExpiresAt).Sub(c.opts.Now())
	if s.AccessToken == "" || left <= 0 {
		return "", sdk.ErrSessionExpired
	}
	return s.AccessToken, nil
}

// keepToken stores a new token of the vehicle API. Short-lived ones are renewed
// when a tenth of their life is left.
func keepToken(s *session, token string, now time.Time, life time.Duration) {
	early := min(renewEarly, life/10)
	s.AccessToken, s.ExpiresAt = token, now.Add(life-early).UnixMilli()
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

// pause waits, or returns ctx's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
