package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Fleet is what the bridge needs of a host; a *host.Host is one.
type Fleet interface {
	// Vehicles are the cars that are known now.
	Vehicles() []*vehiclev1.Vehicle
	// VehiclesChanged is closed when Vehicles has something new to say.
	VehiclesChanged() <-chan struct{}
	// Find returns who refreshes a car.
	Find(ctx context.Context, vehicleID string) (shared.VehicleRefresher, error)
	// Update waits for the next snapshot that comes without a command.
	Update(ctx context.Context) (*vehiclev1.VehicleData, error)
}

// Options of New. Zero values take the defaults.
type Options struct {
	// Client is the hub's, see [NewPaho]. It stays the hub's to connect and
	// disconnect, before or after Start; the bridge subscribes on each connection.
	Client Client
	// Fleet is the hub's [Plugins] and [Restarter], too, if the bridge shall speak for the
	// plugins and restart them.
	Fleet Fleet
	// BaseTopic is the first level, or levels, of all topics. Default hyundai.
	BaseTopic string
	// StateDir keeps over a restart the ids of commands, when the bridge was last
	// connected, and which topics beyond the schema's the broker keeps; it exists, and is
	// this bridge's alone. Default: nothing is kept, and commands that waited for a hub
	// that was off have expired.
	StateDir string
	// NoInitialRefresh: do not read every car once when it is first seen.
	NoInitialRefresh bool
	// Logger gets the bridge's lines. Default: none.
	Logger *slog.Logger
	// OnCommand is told of each command that was answered, from the goroutine
	// that served it. Default: nobody.
	OnCommand func(Served)
	// ProbeInterval is how often the bridge measures how long the client takes to
	// bring a message, on a topic of its own below {base}/bridge/probe. Default
	// 30 s; negative: never.
	ProbeInterval time.Duration
	// ProgressInterval is how often a command that takes long says that it is running;
	// at first after a fifth of it. Default 5 s.
	ProgressInterval time.Duration
	// AgeInterval is how often the ages of the cars' data and what is told of the plugins
	// are brought up to date. Default 1 min.
	AgeInterval time.Duration
	// OnProbe is told of each measured time, in the client's own loop: it must not
	// block. Default: nobody.
	OnProbe func(time.Duration)
	// OnTrouble is told when something keeps commands from reaching the bridge, and,
	// with nil, when that is over, one call at a time. It must not block. Default:
	// nobody.
	OnTrouble func(*Trouble)
	// Announcer tells a home automation of the cars. Default: nobody does.
	Announcer Announcer
	// GreetWithin is the time in which a home automation that has started is told again,
	// at random, for all that serves it starts at the same time. Default 5 s.
	GreetWithin time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Defaults of the options.
const (
	defaultBase             = "hyundai"
	defaultProgressInterval = 5 * time.Second
	defaultAgeInterval      = time.Minute
	defaultGreetWithin      = 5 * time.Second
)

// check completes the options.
func (o *Options) check() error {
	if o.Client == nil || o.Fleet == nil {
		return errors.New("mqtt: options need Client and Fleet")
	}
	if o.BaseTopic == "" {
		o.BaseTopic = defaultBase
	}
	if err := CheckBase(o.BaseTopic); err != nil {
		return err
	}
	if want, will := StateTopic(o.BaseTopic), o.Client.Will(); will != want {
		return fmt.Errorf("mqtt: the client's will is on %q, the bridge's has to be on %q: make the client with the same base topic", will, want)
	}

	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.ProbeInterval == 0 {
		o.ProbeInterval = defaultProbeInterval
	}
	if o.ProgressInterval <= 0 {
		o.ProgressInterval = defaultProgressInterval
	}
	if o.AgeInterval <= 0 {
		o.AgeInterval = defaultAgeInterval
	}
	if o.GreetWithin <= 0 {
		o.GreetWithin = defaultGreetWithin
	}
	if o.OnCommand == nil {
		o.OnCommand = func(Served) {}
	}
	if o.OnProbe == nil {
		o.OnProbe = func(time.Duration) {}
	}
	if o.OnTrouble == nil {
		o.OnTrouble = func(*Trouble) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// CheckBase says what is wrong with a base topic.
func CheckBase(base string) error {
	if strings.ContainsAny(base, "+#\x00") || strings.HasPrefix(base, "/") || strings.HasSuffix(base, "/") || strings.HasPrefix(base, "$") {
		return fmt.Errorf("mqtt: %q is no valid base topic: use levels such as home/cars, without + and #", base)
	}
	return nil
}
