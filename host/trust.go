package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/atomicfile"
)

// record is what the host keeps about a plugin, out of the plugin's reach.
type record struct {
	// Digest of the program that is trusted, and since when.
	Digest  string    `json:"digest,omitempty"`
	Trusted time.Time `json:"trusted,omitzero"`
	// Quarantine is set while the plugin is kept from running.
	Quarantine *quarantine `json:"quarantine,omitempty"`
}

// quarantine of the trusted program.
type quarantine struct {
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

// records keeps one plugin's record, on disk if there is a path. Safe for
// concurrent use.
type records struct {
	path string

	mu     sync.Mutex
	loaded bool
	record record
}

// get returns the record. A damaged file is an error: trust that is forgotten in
// silence is none.
func (r *records) get() (record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.load()
	return r.record, err
}

func (r *records) load() error {
	if r.loaded || r.path == "" {
		return nil
	}
	var stored record
	body, err := os.ReadFile(r.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	case err == nil:
		err = json.Unmarshal(body, &stored)
	}
	if err != nil {
		return fmt.Errorf("the host's record of it cannot be read; remove %s to start anew: %w", r.path, err)
	}
	r.record, r.loaded = stored, true
	return nil
}

// change stores what f makes of the record.
func (r *records) change(f func(*record)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(); err != nil {
		return err
	}
	before := r.record
	f(&r.record)
	if r.path == "" || r.record == before {
		return nil
	}
	body, err := json.MarshalIndent(r.record, "", "  ")
	if err != nil {
		return err
	}
	err = atomicfile.Write(r.path, append(body, '\n'))
	if err != nil {
		r.record = before // what is not on disk is not known
	}
	return err
}

// errQuarantined: the program is the one that crashed too often before.
var errQuarantined = errors.New("quarantined")

// verify loads a plugin's program and decides whether it may run. approved says
// that somebody has just asked for this very program; then the caller remembers
// it, once it has proven good.
func (s *supervisor) verify(spec PluginSpec, approved bool) (*launch.Image, error) {
	if spec.invalid != nil {
		return nil, shared.Errorf(shared.ReasonConfigInvalid, "Plugin %s cannot be started: %v.", spec.Name, spec.invalid).Wrap(spec.invalid)
	}
	if spec.Reattach != "" {
		return nil, nil
	}
	if s.dirs.user != nil {
		if err := reachable(s.dirs.state, *s.dirs.user); err != nil {
			return nil, shared.Errorf(shared.ReasonConfigInvalid,
				"Plugin %s cannot be started: it runs as a user of its own, and %v. Choose a StateDir that others may pass through, or set SameUser.",
				spec.Name, err).Wrap(err)
		}
	}
	image, err := s.images.Load(spec.Path)
	if err != nil {
		return nil, explainFile(spec, err)
	}
	if err = s.trusts(spec, image.Digest, approved); err == nil && !approved {
		err = s.remember(image.Digest)
	}
	if err != nil {
		s.images.Release(image)
		return nil, err
	}
	return image, nil
}

// trusts says why a program may not run; nil if it may.
func (s *supervisor) trusts(spec PluginSpec, digest string, approved bool) error {
	pin := strings.ToLower(strings.TrimPrefix(spec.SHA256, "sha256:"))
	if pin != "" && pin != digest {
		return shared.Errorf(shared.ReasonPluginUntrusted,
			"Plugin %s is not started: the SHA-256 of %s is %s, but %s is pinned. Install the right program or correct the pin.",
			spec.Name, spec.Path, digest, pin)
	}
	if approved {
		return nil
	}
	r, err := s.records.get()
	switch {
	case err != nil:
		return shared.Errorf(shared.ReasonPluginUntrusted, "Plugin %s is not started: %v.", spec.Name, err).Wrap(err)
	case r.Digest == digest && r.Quarantine != nil:
		s.mu.Lock()
		s.quarantine = r.Quarantine
		s.mu.Unlock()
		return shared.Errorf(shared.ReasonPluginQuarantined, "%s", r.Quarantine.Why).Wrap(errQuarantined)
	case r.Digest == digest:
		return nil
	case r.Digest == "" || pin != "":
		s.log.Info("plugin program is trusted from now on", "digest", digest, "pinned", pin != "")
		return nil
	case spec.AcceptChanges:
		s.log.Warn("plugin program has changed and is accepted, for so it is set", "digest", digest, "before", r.Digest)
		return nil
	}
	return shared.Errorf(shared.ReasonPluginUntrusted,
		"Plugin %s is not started: %s is not the program that was trusted on %s (SHA-256 %s…, now %s…). If you replaced it, accept the new one.",
		spec.Name, spec.Path, r.Trusted.Format(time.DateOnly), short(r.Digest), short(digest))
}

// remember stores that a program is trusted; what was held against another one
// is forgotten.
func (s *supervisor) remember(digest string) error {
	err := s.records.change(func(r *record) {
		if r.Digest != digest {
			*r = record{Digest: digest, Trusted: s.opts.Now()}
		}
	})
	if err != nil {
		return shared.Errorf(shared.ReasonConfigInvalid, "Plugin %s is not started: the host cannot write its StateDir: %v.", s.name(), err).Wrap(err)
	}
	return nil
}

func short(digest string) string { return digest[:min(len(digest), 12)] }

// saveQuarantine stores what holds now.
func (s *supervisor) saveQuarantine() {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	now := s.quarantine
	s.mu.Unlock()
	if err := s.records.change(func(r *record) { r.Quarantine = now }); err != nil {
		s.log.Error("the quarantine cannot be stored and ends with this host", "error", err)
	}
}

// explainFile tells what to do about a program that cannot be read.
func explainFile(spec PluginSpec, err error) error {
	switch {
	case errors.Is(err, launch.ErrUnsafe):
		return shared.Errorf(shared.ReasonPluginUntrusted,
			"Plugin %s is not started, for other users could change its program: %v. Take the right to write away from others (chmod o-w).", spec.Name, err).Wrap(err)
	case errors.Is(err, fs.ErrNotExist):
		return shared.Errorf(shared.ReasonPluginDown, "Plugin %s cannot be started: there is no file %s.", spec.Name, spec.Path).Wrap(err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrInvalid):
		return shared.Errorf(shared.ReasonPluginDown, "Plugin %s cannot be started: %s may not be executed.", spec.Name, spec.Path).Wrap(err)
	}
	return shared.Errorf(shared.ReasonPluginDown, "Plugin %s cannot be started: %v.", spec.Name, err).Wrap(err)
}
