package ccs

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// Options of New.
type Options struct {
	Profile profile.Profile
	// Username is the account's e-mail address; Password its password, or what
	// else the region's Auth takes in its place.
	Username, Password string
	// AccountKey tells accounts apart beside brand and user name, for example a
	// token that stands for one. Default: nothing does.
	AccountKey string
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
	// Requested counts each request, or says that it may not go out; see
	// [sdk.VendorConfig]. Default: not counted.
	Requested func(context.Context) error
	// Refused is told of what a part of a reading met that concerns the whole
	// account; see [sdk.VendorConfig]. Default: not told.
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

func (o *Options) complete() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Requested == nil {
		o.Requested = func(context.Context) error { return nil }
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
}

func defaultRereads() []time.Duration {
	return []time.Duration{
		3 * time.Second, 8 * time.Second, 22 * time.Second, 30 * time.Second, 45 * time.Second,
		65 * time.Second, 90 * time.Second, 115 * time.Second, 140 * time.Second,
	}
}
