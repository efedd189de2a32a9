package host

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/run"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/trust"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/workspace"
)

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
	// DigestFile has the SHA-256 of the program, in hexadecimal, as sha256sum writes it: what
	// installs the program installs this file, too. It is read at each start and pins the
	// program as SHA256 does, so that an update of both needs nobody's word. Other users
	// must not be able to write to it. Empty, or not there: nothing is pinned by it.
	DigestFile string `json:"digest_file,omitempty"`
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

// defaultMemory is the limit of a plugin that names none.
const defaultMemory = 1 << 30

var pluginName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_\-]{0,63}$`)

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

// logUnprotected logs which protections are switched off for a plugin.
func (p PluginSpec) logUnprotected(log *slog.Logger, o *Options) {
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

// What the inner rooms know of a plugin.

// owner of the plugin's directories. One under a debugger runs as its developer.
func (p PluginSpec) owner() workspace.Plugin {
	w := workspace.Plugin{Name: p.Name, SameUser: p.SameUser || p.Reattach != ""}
	if p.User != nil {
		w.User = &launch.User{UID: p.User.UID, GID: p.User.GID}
	}
	return w
}

func (p PluginSpec) program() run.Program {
	return run.Program{Plugin: p.Name, Path: p.Path, Args: p.Args, Env: p.Env, Memory: p.memory(), Reattach: p.Reattach}
}

// trustedAs is the program with this digest. approved says that the hub has just
// asked for this very one.
func (p PluginSpec) trustedAs(digest string, approved bool) trust.Program {
	return trust.Program{
		Plugin: p.Name, Path: p.Path, Digest: digest, Pin: p.SHA256, PinFile: p.DigestFile, AcceptChanges: p.AcceptChanges, Approved: approved,
	}
}
