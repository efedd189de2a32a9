package host

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/lifecycle"
)

// Options of New. Zero values take the defaults.
type Options struct {
	// Plugins to run. One account each; several may share a program.
	Plugins []PluginSpec
	// Folder may name more of them: each file NAME.json in it is a [PluginSpec]
	// in JSON, a relative path in it is relative to the folder. A file that cannot
	// be read shows in the status of the plugin that it names.
	Folder string
	// StateDir keeps what plugins want to keep, in one private directory each,
	// and what the host knows about them. Empty: nothing outlives Stop.
	StateDir string
	// RuntimeDir holds sockets and temporary files while the host runs. Default:
	// XDG_RUNTIME_DIR or the system's directory for temporary files.
	RuntimeDir string
	// Logger gets the host's lines and, named by plugin, the plugins'. Default:
	// none.
	Logger *slog.Logger
	// OnEvent is told what happens, in order, from one goroutine. It may block
	// without harm, but loses events if it falls far behind. Default: nobody.
	OnEvent func(Event)
	// Metrics is told of every answered call. Default: nobody.
	Metrics Metrics
	// StartTimeout bounds the time between the start of a process and its
	// handshake. Default 10 s.
	StartTimeout time.Duration
	// InitializeTimeout bounds Initialize. Default 120 s: it may log in.
	InitializeTimeout time.Duration
	// UpgradeTimeout bounds the time until a new program is ready; then the old
	// one stays. Default 30 s.
	UpgradeTimeout time.Duration
	// ProbeInterval is how often a plugin is asked whether it still answers, and
	// ProbeTimeout how long it may take. One that does not is killed. Defaults: 10 s.
	ProbeInterval, ProbeTimeout time.Duration
	// CrashLimit is how many crashes in ten minutes put a plugin into quarantine.
	// Default 5; negative: none do.
	CrashLimit int
	// AllowUnsafeFiles runs programs that other users of the system could change.
	// Logged.
	AllowUnsafeFiles bool
	// Now is the clock, Random the source of jitter in [0, 1). Defaults:
	// time.Now, math/rand.
	Now    func() time.Time
	Random func() float64
}

// check completes the options. What is wrong with one plugin of the folder is
// that plugin's trouble; what is wrong with the program that uses this package is
// an error.
func (o *Options) check() error {
	if o.Folder != "" {
		more, err := readFolder(o.Folder, o.AllowUnsafeFiles)
		if err != nil {
			return err
		}
		o.Plugins = append(slices.Clone(o.Plugins), more...)
	}
	if len(o.Plugins) == 0 {
		return fmt.Errorf("host: no plugin is named in the options")
	}
	seen := map[string]bool{}
	for _, p := range o.Plugins {
		if err := p.check(); err != nil {
			return err
		}
		if seen[p.Name] {
			return fmt.Errorf("host: two plugins are named %q", p.Name)
		}
		seen[p.Name] = true
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	for d, def := range map[*time.Duration]time.Duration{
		&o.StartTimeout: 10 * time.Second, &o.InitializeTimeout: 120 * time.Second, &o.UpgradeTimeout: 30 * time.Second,
		&o.ProbeInterval: 10 * time.Second, &o.ProbeTimeout: 10 * time.Second,
	} {
		if *d <= 0 {
			*d = def
		}
	}
	if o.CrashLimit == 0 {
		o.CrashLimit = lifecycle.DefaultCrashLimit
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	return nil
}
