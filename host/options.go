package host

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// Options of New. Zero values take the defaults.
type Options struct {
	// Plugins to run. One account each; several may share a binary.
	Plugins []PluginSpec
	// StateDir keeps what plugins want to keep, in one private directory each.
	// Empty: nothing outlives Stop.
	StateDir string
	// Logger gets the host's lines and, named by plugin, the plugins'. Default:
	// none.
	Logger *slog.Logger
	// OnEvent is told what happens, in order, from one goroutine. It may block
	// without harm, but loses events if it falls far behind. Default: nobody.
	OnEvent func(Event)
	// StartTimeout bounds the time between the start of a process and its
	// handshake. Default 10 s.
	StartTimeout time.Duration
	// InitializeTimeout bounds Initialize. Default 120 s: it may log in.
	InitializeTimeout time.Duration
	// Now is the clock, Random the source of jitter in [0, 1). Defaults:
	// time.Now, math/rand.
	Now    func() time.Time
	Random func() float64
}

// PluginSpec is one plugin with one account.
type PluginSpec struct {
	// Name tells plugins apart: letters, digits, _ and -. It names the state
	// directory, so keep it.
	Name string
	// Path of the binary.
	Path string
	Args []string
	// Settings is the JSON object that the plugin's schema describes. It is
	// handed over inside the encrypted connection, never by argument or
	// environment.
	Settings json.RawMessage
	// Env is added to the plugin's environment, KEY=value. The hub's own is not
	// inherited, but for proxy and certificate variables.
	Env []string
}

var pluginName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_\-]{0,63}$`)

func (o *Options) check() error {
	if len(o.Plugins) == 0 {
		return fmt.Errorf("host: no plugin is named in the options")
	}
	seen := map[string]bool{}
	for _, p := range o.Plugins {
		switch {
		case !pluginName.MatchString(p.Name):
			return fmt.Errorf("host: %q is no valid plugin name: use letters, digits, _ and -", p.Name)
		case seen[p.Name]:
			return fmt.Errorf("host: two plugins are named %q", p.Name)
		case p.Path == "":
			return fmt.Errorf("host: plugin %q has no path", p.Name)
		}
		seen[p.Name] = true
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	if o.StartTimeout <= 0 {
		o.StartTimeout = 10 * time.Second
	}
	if o.InitializeTimeout <= 0 {
		o.InitializeTimeout = 120 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	return nil
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

// privateDir makes a directory that only this user can enter.
func privateDir(elem ...string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(elem...))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return dir, nil
}
