// Package plugin is hyundai-plugin: Hyundai, Kia and Genesis accounts behind the
// contract of package shared.
package plugin

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/europe"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// Plugin returns what sdk.Serve serves.
func Plugin() sdk.Plugin { return New(Options{}) }

// Options of New, for those who look at the vendor by hand.
type Options struct {
	// Transport wraps what every call goes through, for example
	// [github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic.Recorder.Wrap].
	// Default: nothing is wrapped.
	Transport func(http.RoundTripper) http.RoundTripper
	// HistoryAtOnce asks for driving history and trips with each read, due or not.
	HistoryAtOnce bool
}

// New is Plugin with options.
func New(o Options) sdk.Plugin {
	return sdk.Plugin{
		Name:           "hyundai-plugin",
		Version:        Version(),
		Vendor:         "Hyundai, Kia, Genesis",
		SettingsSchema: settings.Schema,
		New:            func(cfg sdk.VendorConfig) (sdk.Vendor, error) { return newVendor(cfg, o) },
	}
}

func newVendor(cfg sdk.VendorConfig, o Options) (sdk.Vendor, error) {
	s, err := settings.Parse(cfg.Settings)
	if err != nil {
		return nil, err
	}
	p, err := s.ResolveProfile()
	if err != nil {
		return nil, err
	}
	if s.BrandByNumber() {
		cfg.Logger.Warn("the brand is given by number: 1 is Kia, 2 is Hyundai, 3 is Genesis, although some descriptions say otherwise; a word is safer",
			"brand", string(p.Brand))
	}
	if built, err := profile.Europe(p.Brand); err == nil {
		warnOfOld(cfg.Logger, p.Version, built.Version)
	}
	limits, err := s.ResolveLimits()
	if err != nil {
		return nil, err
	}
	plan, err := s.ResolveSchedule()
	if err != nil {
		return nil, err
	}
	rereads := make([]time.Duration, len(s.RereadAfter))
	for i, d := range s.RereadAfter {
		rereads[i] = time.Duration(d)
	}
	transport := o.Transport
	if s.Record && transport == nil {
		transport = recording(cfg, p)
	}
	return europe.New(ccs.Options{
		Profile: p, Username: s.Username, Password: s.Password.Reveal(), Language: s.Language, RereadAfter: rereads, Limits: limits, Plan: plan,
		Requested: cfg.Requested, Refused: cfg.Refused,
		Store: cfg.Store, Redactor: cfg.Redactor, Logger: cfg.Logger, Now: cfg.Now,
		Transport: transport, HistoryAtOnce: o.HistoryAtOnce,
	})
}

// recording records the traffic of a plugin that serves, in its own directory, as it
// may write nowhere else. A recording that is not possible keeps nothing from working.
func recording(cfg sdk.VendorConfig, p profile.Profile) func(http.RoundTripper) http.RoundTripper {
	if cfg.Store.Dir() == "" {
		cfg.Logger.Warn("the vendor's traffic cannot be recorded: the plugin has no directory")
		return nil
	}
	file, err := traffic.NextFile(filepath.Join(cfg.Store.Dir(), traffic.Dir), cfg.Now())
	if err != nil {
		cfg.Logger.Warn("the vendor's traffic cannot be recorded", "error", err)
		return nil
	}
	recorder, err := NewRecorder(traffic.RecorderOptions{File: file, Logger: cfg.Logger, Now: cfg.Now}, p, cfg.Settings)
	if err != nil {
		cfg.Logger.Warn("the vendor's traffic cannot be recorded", "error", err)
		return nil
	}

	cfg.Logger.Info("the vendor's traffic is recorded, without secrets", "file", file)
	return recorder.Wrap
}

// NewRecorder begins a recording that knows what is secret, and what is not, in the
// traffic of an account with the profile p and these settings.
func NewRecorder(o traffic.RecorderOptions, p profile.Profile, settings json.RawMessage) (*traffic.Recorder, error) {
	o.Brand, o.Secrets, o.Paths = string(p.Brand), redact.Secrets(settings), p.Paths.All()
	return traffic.NewRecorder(o)
}

// warnOfOld: who replaced values once may be the only one who still has them.
func warnOfOld(log *slog.Logger, version, builtIn int) {
	if version < builtIn {
		log.Warn("the profile in the settings is older than the built-in one; it may no longer be needed",
			"version", version, "built_in", builtIn)
	}
}

// Version is the module's version as the build knows it.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
