package shared

import (
	"context"
	"encoding/json"
	"time"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// DefaultMaxAge is how old a car's own time may be in a smart refresh that does
// not say.
const DefaultMaxAge = 300 * time.Second

// VehicleRefresher refreshes the data of an account's cars. Implementations are
// safe for concurrent use, return within the deadline of ctx, and fail with an
// error that holds an [APIError].
type VehicleRefresher interface {
	// Initialize hands over the configuration and returns the account's cars.
	// It may log in; it never wakes a car.
	Initialize(ctx context.Context, cfg Config) ([]*vehiclev1.Vehicle, error)
	// RefreshCached reads the last copy that the vendor's cloud has. It never
	// wakes the car.
	RefreshCached(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error)
	// RefreshForce wakes the car and waits for its answer. The result's verdict
	// says whether the car's own time proves that it answered.
	RefreshForce(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error)
	// RefreshSmart reads the cloud's copy and wakes the car only if the car's
	// own time is older than maxAge. Zero means [DefaultMaxAge].
	RefreshSmart(ctx context.Context, vehicleID string, maxAge time.Duration) (*vehiclev1.VehicleData, error)
}

// VehicleLister is an optional capability: the cars from memory.
type VehicleLister interface {
	ListVehicles(ctx context.Context) ([]*vehiclev1.Vehicle, error)
}

// Describer is an optional capability: what the plugin is. It answers before
// Initialize.
type Describer interface {
	Describe(ctx context.Context) (*vehiclev1.DescribeResponse, error)
}

// HealthWatcher is an optional capability. WatchHealth calls report at once and
// then on every change, from one goroutine, until ctx ends or report fails.
type HealthWatcher interface {
	WatchHealth(ctx context.Context, report func(*vehiclev1.Health) error) error
}

// Drainer is an optional capability: refuse new work, return when the running
// work has ended.
type Drainer interface {
	Drain(ctx context.Context) error
}

// Watcher is an optional capability. Watch calls report with each snapshot that no
// call has asked for, from one goroutine, until ctx ends or report fails. Snapshots
// belong to report.
type Watcher interface {
	Watch(ctx context.Context, report func(*vehiclev1.VehicleData) error) error
}

// Scheduler is an optional capability: when the plugin refreshes a car by itself.
type Scheduler interface {
	// SetSchedule changes the schedule of a car or, without one, of all that have
	// none of their own, and returns what is in force now. Both are JSON objects of
	// the form of the plugin's settings; {"change": …} has only the members that become
	// others, null for what they were without. None goes back to what the settings say.
	// What is not understood fails with invalid_command and changes nothing.
	SetSchedule(ctx context.Context, vehicleID string, schedule json.RawMessage) (json.RawMessage, error)
	// Schedule returns what is in force for a car, or for all that have none of their
	// own. It waits for nothing.
	Schedule(ctx context.Context, vehicleID string) (Schedule, error)
}

// Schedule is when a plugin refreshes a car by itself.
type Schedule struct {
	// JSON is an object of the form of the plugin's settings.
	JSON json.RawMessage
	// Preset is a word for it, one of [Presets].
	Preset string
}

// Words for a schedule: no car is refreshed without a command, as the plugin's author
// recommends, and anything else.
const (
	PresetOff         = "off"
	PresetRecommended = "recommended"
	PresetCustom      = "custom"
)

// Presets are all words for schedules.
func Presets() []string { return []string{PresetOff, PresetRecommended, PresetCustom} }

// Previewer is an optional capability: asking without acting.
type Previewer interface {
	// Preview says what a refresh would do now, with the override and the background
	// of ctx's [CallInfo]. It makes no call to the vendor, and waits for nothing. maxAge
	// is for [ModeSmart].
	Preview(ctx context.Context, mode Mode, vehicleID string, maxAge time.Duration) (*vehiclev1.Preview, error)
}

// Unlocker is an optional capability: a person's word that a login may be tried again.
type Unlocker interface {
	// Unlock makes one login in spite of an earlier refusal that only a person can
	// lift, and fails as that does. Without such a refusal it does nothing. It is for
	// people: a program that calls it may get the account locked.
	Unlock(ctx context.Context) error
}

// Names of the optional capabilities in DescribeResponse.
const (
	CapabilityListVehicles = "list_vehicles"
	CapabilityWatchHealth  = "watch_health"
	CapabilityDrain        = "drain"
	CapabilityWatch        = "watch"
	CapabilitySetSchedule  = "set_schedule"
	CapabilityPreview      = "preview"
	CapabilityUnlock       = "unlock"
)

// Config is what a plugin gets from its host.
type Config struct {
	// Settings is a JSON object; its schema is the plugin's to define. It holds
	// secrets: never log it.
	Settings json.RawMessage
	// StateDir is a directory of the plugin's own. Empty: keep nothing.
	StateDir string
}

// Mode is one of the three ways to refresh, and the word for it in commands.
type Mode string

// The modes.
const (
	ModeCached Mode = "cached"
	ModeForce  Mode = "force"
	ModeSmart  Mode = "smart"
)

// QueueTimeout is how long a refresh waits for a worker of its plugin, if its caller
// sets no deadline.
const QueueTimeout = 30 * time.Second

// DefaultTimeout is how long a refresh may take when a worker of its plugin is free: 30 s
// for a cached one, 180 s for the others.
func (m Mode) DefaultTimeout() time.Duration {
	if m == ModeCached {
		return 30 * time.Second
	}
	return 180 * time.Second
}

// Deadline bounds a refresh whose caller sets no deadline, from when it is made: the
// DefaultTimeout, and the QueueTimeout before it.
func (m Mode) Deadline() time.Duration { return m.DefaultTimeout() + QueueTimeout }

// Refresh calls the method of r that mode names. maxAge is for [ModeSmart]. A mode
// that is none fails with reason invalid_command.
func Refresh(ctx context.Context, r VehicleRefresher, mode Mode, vehicleID string, maxAge time.Duration) (*vehiclev1.VehicleData, error) {
	switch mode {
	case ModeCached:
		return r.RefreshCached(ctx, vehicleID)
	case ModeForce:
		return r.RefreshForce(ctx, vehicleID)
	case ModeSmart:
		return r.RefreshSmart(ctx, vehicleID, maxAge)
	}
	return nil, mode.Check()
}

// Check fails with reason invalid_command for a mode that is none.
func (m Mode) Check() error {
	if m.Method() == vehiclev1.Method_METHOD_UNSPECIFIED {
		return Errorf(ReasonInvalidCommand, "There is no way to refresh named %q.", string(m))
	}
	return nil
}

// Method is the mode as it stands in a snapshot.
func (m Mode) Method() vehiclev1.Method {
	switch m {
	case ModeCached:
		return vehiclev1.Method_METHOD_CACHED
	case ModeForce:
		return vehiclev1.Method_METHOD_FORCE
	case ModeSmart:
		return vehiclev1.Method_METHOD_SMART
	}
	return vehiclev1.Method_METHOD_UNSPECIFIED
}
