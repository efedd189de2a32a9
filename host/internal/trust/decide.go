package trust

import (
	"errors"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// ErrQuarantined says that the program is the one that crashed too often before.
var ErrQuarantined = errors.New("quarantined")

// Program is one that wants to run.
type Program struct {
	// Plugin is its name and Path where it lies, for the messages.
	Plugin, Path string
	// Digest is its SHA-256 in hexadecimal.
	Digest string

	// Pin is the digest that the operator demands; empty for none. A prefix
	// "sha256:" is allowed. PinFile is the file that says so, for the messages; empty: none.
	Pin, PinFile string
	// AcceptChanges trusts whatever lies at Path.
	AcceptChanges bool
	// Approved: the hub has just asked for this very program.
	Approved bool
}

// Verdict on a program that may run.
type Verdict int

// The verdicts.
const (
	// Known: it is the one that was trusted before, or was just approved.
	Known Verdict = iota
	// Pinned: it is not the one that was trusted before, but the one that is
	// pinned.
	Pinned
	// FirstUse: no program was trusted before.
	FirstUse
	// Changed: another one was trusted before, and changes are accepted.
	Changed
)

// Decide returns why a program may run. It fails with reason plugin_untrusted if it
// may not, or with [ErrQuarantined].
func (r Record) Decide(p Program) (Verdict, error) {
	if err := p.checkPin(); err != nil || p.Approved {
		return Known, err
	}

	switch {
	case r.Digest == p.Digest && r.Quarantine != nil:
		return Known, shared.Errorf(shared.ReasonPluginQuarantined, "%s", r.Quarantine.Why).Wrap(ErrQuarantined)
	case r.Digest == p.Digest:
		return Known, nil
	case p.Pin != "":
		return Pinned, nil
	case r.Digest == "":
		return FirstUse, nil
	case p.AcceptChanges:
		return Changed, nil
	}
	return Known, shared.Errorf(shared.ReasonPluginUntrusted,
		"Plugin %s is not started: %s is not the program that was trusted on %s (SHA-256 %s…, now %s…). If you replaced it, accept the new one.",
		p.Plugin, p.Path, r.Trusted.Format(time.DateOnly), Short(r.Digest), Short(p.Digest))
}

// checkPin fails if another program than this one is pinned.
func (p Program) checkPin() error {
	pin := strings.ToLower(strings.TrimPrefix(p.Pin, "sha256:"))
	if pin == "" || pin == p.Digest {
		return nil
	}
	where := ""
	if p.PinFile != "" {
		where = " in " + p.PinFile
	}
	return shared.Errorf(shared.ReasonPluginUntrusted,
		"Plugin %s is not started: the SHA-256 of %s is %s, but %s is pinned%s. Install the right program or correct the pin.",
		p.Plugin, p.Path, p.Digest, pin, where)
}

// Short is the beginning of a digest, for people.
func Short(digest string) string { return digest[:min(len(digest), 12)] }
