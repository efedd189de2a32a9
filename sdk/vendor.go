package sdk

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/session"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// ErrSessionExpired is what a Vendor's methods return (wrapped or not) when the
// cloud refuses a call because there is no session or it has ended. The engine
// renews the session and repeats the call once.
var ErrSessionExpired = session.ErrExpired

// Vendor is what an author writes: a blocking client of one account at one
// vendor's cloud. Methods are called from several goroutines at once, but never
// two of Login and Renew at a time. They honour ctx, and fail with an
// [github.com/hyundai-mqtt/hyundai-plugin/shared.APIError], with a bare
// [github.com/hyundai-mqtt/hyundai-plugin/shared.Reason], or with
// [ErrSessionExpired]. Snapshots they return belong to the engine.
type Vendor interface {
	// Login opens a session with the account's credentials. What it obtains is
	// on disk before it is used, see [VendorConfig.Store]. The engine calls it
	// once per cause; a Vendor never repeats it by itself. An error that has
	// MayHaveHappened set says that the password may have reached the vendor.
	Login(ctx context.Context) error
	// Vehicles lists the account's cars. Never wakes one.
	Vehicles(ctx context.Context) ([]*vehiclev1.Vehicle, error)
	// Cached reads the cloud's last copy. Never wakes the car.
	Cached(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error)
	// Force wakes the car and returns the state once the car's own time is past
	// since, or when it has waited long enough; then with the verdict SILENT.
	// since is zero when nothing is known of the car yet.
	Force(ctx context.Context, vehicleID string, since time.Time) (*vehiclev1.VehicleData, error)
}

// Renewer is an optional part of a Vendor: renew the session without the
// password, for example with a refresh token. If it returns ErrSessionExpired
// or a refused login, the engine falls back to Login, once.
type Renewer interface {
	Renew(ctx context.Context) error
}

// Restorer is an optional part of a Vendor that keeps its session in the Store.
// During an upgrade two processes share it, and a refresh token is often good for
// one use only.
type Restorer interface {
	// Restore takes up the stored session if it is another one than that in use,
	// and says whether it was. It makes no call, and it is never called at the
	// same time as Login and Renew.
	Restore(ctx context.Context) (another bool, err error)
}

// Closer is an optional part of a Vendor that holds something to give back. Close is
// called once, when the plugin ends or other settings serve; calls may still be under way.
type Closer interface {
	Close() error
}

// Credentialed is an optional part of a Vendor: it names what a refused login
// depends on, such as user name and password. The refusal stands until that
// changes. Without it, any change of the settings lifts it.
type Credentialed interface {
	// Credentials are never stored or logged, only a keyed digest of them.
	Credentials() string
}

// Ender is an optional part of a Vendor whose session cannot be renewed for ever.
type Ender interface {
	// SessionEnd is when a person will be needed, and the sentence that says what
	// to do before; ok is false if that is not to be expected.
	SessionEnd() (at time.Time, remedy string, ok bool)
}

// VendorConfig is what the engine gives to a new Vendor.
type VendorConfig struct {
	// Settings is the JSON object that the host handed over.
	Settings json.RawMessage
	// Store keeps what has to outlive the process.
	Store *Store
	// Logger writes to the hub's log, redacted. Within a call [Logger] has the
	// call's fields as well.
	Logger *slog.Logger
	// Redactor takes the secrets that the Vendor learns at run time.
	Redactor *redact.Redactor
	// Requested counts one request to the vendor, just before it goes out; see
	// [Limits.Metered]. ctx is that of the Vendor's method: an error means that it is
	// not, so that the request has passed no limit, and is not to be sent. Never nil.
	Requested func(ctx context.Context) error
	// Refused tells of a refusal that a call met on its way to a good result, for
	// example of a part that the result can do without. What the refusal closes is
	// closed. Never nil.
	Refused func(vehicleID string, err error)
	// Now is the clock.
	Now func() time.Time
}

// Plugin is what [Serve] serves.
type Plugin struct {
	// Name of the plugin, as its binary is called.
	Name string
	// Version of the plugin.
	Version string
	// Vendor says for people whose cars it speaks to.
	Vendor string
	// SettingsSchema is the JSON Schema of the settings.
	SettingsSchema string
	// New checks the settings and returns a Vendor for them, without a call to
	// the cloud. Settings that are wrong fail with reason config_invalid.
	New func(cfg VendorConfig) (Vendor, error)
}

type loggerKey struct{}

// WithLogger returns a context that carries log.
func WithLogger(ctx context.Context, log *slog.Logger) context.Context {
	return context.WithValue(ctx, loggerKey{}, log)
}

// Logger returns the logger of the call that ctx belongs to: its lines carry
// the request id, the vehicle and the mode.
func Logger(ctx context.Context) *slog.Logger {
	if log, ok := ctx.Value(loggerKey{}).(*slog.Logger); ok {
		return log
	}
	return slog.New(slog.DiscardHandler)
}
