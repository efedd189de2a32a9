package host

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
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

// PluginSpec is one plugin with one account.
type PluginSpec struct {
	// Name tells plugins apart: letters, digits, _ and -. It names the state
	// directory, so keep it.
	Name string `json:"-"`
	// Path of the program.
	Path string   `json:"path"`
	Args []string `json:"args,omitempty"`
	// Settings is the JSON object that the plugin's schema describes. It is
	// handed over inside the encrypted connection, never by argument or
	// environment.
	Settings json.RawMessage `json:"settings,omitempty"`
	// Env is added to the plugin's environment, KEY=value. The hub's own is not
	// inherited, but for proxy and certificate variables.
	Env []string `json:"env,omitempty"`
	// SHA256 pins the program, in hexadecimal. Empty: the first one that is
	// started is trusted, and no other after it, until somebody accepts it
	// ([Host.Upgrade], AcceptChanges).
	SHA256 string `json:"sha256,omitempty"`
	// AcceptChanges trusts whatever lies at Path. Logged.
	AcceptChanges bool `json:"accept_changes,omitempty"`
	// User to run as if the hub is root. Default: one of the plugin's own that
	// nobody else has, derived from Name.
	User *User `json:"user,omitempty"`
	// SameUser runs the plugin as the hub's user even if that is root. Logged.
	SameUser bool `json:"same_user,omitempty"`
	// MemoryLimit in bytes. Default 1 GiB; negative: none. Linux only.
	MemoryLimit int64 `json:"memory_limit,omitempty"`
	// Reattach is the line that a plugin under a debugger prints. The host uses
	// that process instead of starting one. For developers: the connection is
	// not encrypted and the process has no limits; it is never quarantined. Logged.
	Reattach string `json:"-"`

	// invalid is why the spec could not be read.
	invalid error
}

// User that a plugin runs as, by number.
type User struct {
	UID int `json:"uid"`
	GID int `json:"gid"`
}

// Limits of a plugin's process.
const (
	defaultMemory = 1 << 30
	maxFiles      = 8192
	maxProcesses  = 512
	maxFileSize   = 256 << 20
)

var pluginName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_\-]{0,63}$`)

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
		o.CrashLimit = defaultCrashLimit
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	return nil
}

func (p PluginSpec) check() error {
	switch {
	case !pluginName.MatchString(p.Name):
		return fmt.Errorf("host: %q is no valid plugin name: use letters, digits, _ and -", p.Name)
	case p.User != nil && (p.User.UID <= 0 || p.User.GID <= 0):
		return fmt.Errorf("host: plugin %q: user %d of group %d is not one to run plugins as; name both, and not root", p.Name, p.User.UID, p.User.GID)
	case p.Path == "" && p.Reattach == "" && p.invalid == nil:
		return fmt.Errorf("host: plugin %q has no path", p.Name)
	}
	return nil
}

// limits of the plugin's process. Processes are counted by the system for all of
// a user's together, so only a user of the plugin's own has that limit.
func (p PluginSpec) limits(ownUser bool) launch.Limits {
	l := launch.Limits{Memory: p.memory(), Files: maxFiles, FileSize: maxFileSize}
	if ownUser {
		l.Processes = maxProcesses
	}
	return l
}

// memory is the limit in bytes; 0 for none.
func (p PluginSpec) memory() uint64 {
	switch {
	case p.MemoryLimit < 0:
		return 0
	case p.MemoryLimit == 0:
		return defaultMemory
	}
	return uint64(p.MemoryLimit)
}

// loosened logs which protections are switched off for a plugin.
func (p PluginSpec) loosened(log *slog.Logger, o *Options) {
	for what, off := range map[string]bool{
		"any program at its path is accepted":                      p.AcceptChanges && p.SHA256 == "",
		"it runs as root":                                          p.SameUser && launch.CanSwitch(),
		"its memory is not limited":                                p.MemoryLimit < 0,
		"its program may be changed by others":                     o.AllowUnsafeFiles,
		"it runs under a debugger, unencrypted and without limits": p.Reattach != "",
	} {
		if off {
			log.Warn("a protection against the plugin is off", "what", what)
		}
	}
}

// inherited are the variables that a plugin gets from the hub: how to reach the
// network, and which certificates to believe.
var inherited = []string{
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "TZ", "SYSTEMROOT",
}

// environment is everything that a plugin's environment holds, but for what
// go-plugin adds.
func environment(spec PluginSpec, home, tmp, level string) []string {
	env := []string{"HOME=" + home, "TMPDIR=" + tmp, logLevelEnv + "=" + level}
	if limit := spec.memory(); limit > 0 {
		// Go programs then collect their garbage in time.
		env = append(env, fmt.Sprintf("GOMEMLIMIT=%d", limit/4*3))
	}
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return append(env, spec.Env...)
}

// logLevelEnv tells a plugin which lines the hub wants; the same name stands in
// package sdk, which this one does not import.
const logLevelEnv = "VEHICLE_PLUGIN_LOG_LEVEL"

// logLevel is the lowest level that log takes.
func logLevel(log *slog.Logger) string {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn} {
		if log.Enabled(context.Background(), level) {
			return level.String()
		}
	}
	return slog.LevelError.String()
}
