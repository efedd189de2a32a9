package host

import (
	"errors"
	"io/fs"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/trust"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// verifyProgram reads the program that lies at the plugin's path, and tells the
// supervisor whether it may run.
func (s *supervisor) verifyProgram(spec PluginSpec) {
	image, err := s.verify(spec, false)
	switch {
	case err == nil:
		s.send(verified{image})
	case errors.Is(err, trust.ErrQuarantined):
		r, _ := s.record.Get() // it was read a moment ago
		s.send(stillQuarantined{err, r.Quarantine})
	default:
		s.send(verifyFailed{err})
	}
}

// verify loads a plugin's program and decides whether it may run. approved says
// that the hub has just asked for this very program; then the caller remembers it,
// once it has proven good. The image is nil for a plugin that is reattached.
func (s *supervisor) verify(spec PluginSpec, approved bool) (*launch.Image, error) {
	if spec.invalid != nil {
		return nil, shared.Errorf(shared.ReasonConfigInvalid, "Plugin %s cannot be started: %v.", spec.Name, spec.invalid).Wrap(spec.invalid)
	}
	if spec.Reattach != "" {
		return nil, nil
	}
	if err := s.dirs.CheckAccess(); err != nil {
		return nil, shared.Errorf(shared.ReasonConfigInvalid,
			"Plugin %s cannot be started: it runs as a user of its own, and %v. Choose a StateDir that others may pass through, or set SameUser.",
			spec.Name, err).Wrap(err)
	}

	image, err := s.images.Load(spec.Path)
	if err != nil {
		return nil, explainFile(spec, err)
	}
	if err = s.decide(spec, image.Digest, approved); err == nil && !approved {
		err = s.remember(image.Digest)
	}
	if err != nil {
		s.images.Release(image)
		return nil, err
	}
	return image, nil
}

// decide returns an error if a program may not run.
func (s *supervisor) decide(spec PluginSpec, digest string, approved bool) error {
	r, err := s.record.Get()
	if err != nil && !approved {
		return shared.Errorf(shared.ReasonPluginUntrusted, "Plugin %s is not started: %v.", spec.Name, err).Wrap(err)
	}

	verdict, err := r.Decide(spec.trustedAs(digest, approved))
	if err != nil {
		return err
	}
	switch verdict {
	case trust.FirstUse, trust.Pinned:
		s.log.Info("plugin program is trusted from now on", "digest", digest, "pinned", verdict == trust.Pinned)
	case trust.Changed:
		s.log.Warn("plugin program has changed and is accepted, for so it is set", "digest", digest, "before", r.Digest)
	case trust.Known:
	}
	return nil
}

// remember stores that a program is trusted.
func (s *supervisor) remember(digest string) error {
	if err := s.record.Trust(digest, s.opts.Now()); err != nil {
		return shared.Errorf(shared.ReasonConfigInvalid, "Plugin %s is not started: the host cannot write its StateDir: %v.", s.name(), err).Wrap(err)
	}
	return nil
}

// saveQuarantine stores what holds now.
func (s *supervisor) saveQuarantine() {
	s.saving.Lock()
	defer s.saving.Unlock()

	s.mu.Lock()
	now := s.quarantine
	s.mu.Unlock()
	if err := s.record.SetQuarantine(now); err != nil {
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
