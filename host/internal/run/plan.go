package run

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/workspace"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// Plan is what an instance is made from.
type Plan struct {
	Program
	// Image of the program; nil to reattach.
	Image *launch.Image
	Dirs  workspace.Dirs
	// Number of this process among the plugin's.
	Number int
	// After is closed when nothing is left of the process before; nil: at once.
	After <-chan struct{}
	// Processes counts this one while it lives.
	Processes *Processes
	// StartTimeout bounds the time until the handshake.
	StartTimeout time.Duration
	// Logger gets the plugin's lines, after Redactor took the secrets out.
	Logger   *slog.Logger
	Redactor *redact.Redactor
	Now      func() time.Time
}

// Program is what is run and how.
type Program struct {
	// Plugin is its name and Path where the program lies, for messages.
	Plugin, Path string
	Args         []string
	// Env is added to the environment, KEY=value.
	Env []string
	// Memory in bytes that it may take; 0: no limit.
	Memory uint64
	// Reattach is the line that a plugin under a debugger has printed; "" starts a
	// process.
	Reattach string
}

// Limits of a plugin's process.
const (
	maxFiles     = 8192
	maxProcesses = 512
	maxFileSize  = 256 << 20
)

// limits of the process. Processes are counted by the system for all of a user's
// together, so only a user of the plugin's own has that limit.
func (p *Plan) limits() launch.Limits {
	l := launch.Limits{Memory: p.Memory, Files: maxFiles, FileSize: maxFileSize}
	if p.Dirs.OwnUser {
		l.Processes = maxProcesses
	}
	return l
}

// logLevelEnv tells a plugin which lines the hub wants; the same name stands in
// package sdk, which this one does not import.
const logLevelEnv = "VEHICLE_PLUGIN_LOG_LEVEL"

// environment is everything that a plugin's environment holds, but for what
// go-plugin adds. Of the hub's own it inherits how to reach the network, and which
// certificates to believe.
func (p *Plan) environment(tmp string) []string {
	env := []string{"HOME=" + p.Dirs.State, "TMPDIR=" + tmp, logLevelEnv + "=" + lowestLevel(p.Logger)}
	if p.Memory > 0 {
		// Go programs then collect their garbage in time.
		env = append(env, fmt.Sprintf("GOMEMLIMIT=%d", p.Memory/4*3))
	}

	for _, name := range []string{
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "TZ", "SYSTEMROOT",
	} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return append(env, p.Env...)
}

// lowestLevel that a logger takes.
func lowestLevel(log *slog.Logger) string {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn} {
		if log.Enabled(context.Background(), level) {
			return level.String()
		}
	}
	return slog.LevelError.String()
}
