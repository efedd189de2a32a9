package host

import (
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/trust"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/workspace"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// programs are those that have lain at a plugin's path: it reads them and decides
// which may run. Safe for concurrent use.
type programs struct {
	images *launch.Images
	record *trust.File
	dirs   workspace.Dirs
	log    *slog.Logger
	now    func() time.Time
}

// verify loads a plugin's program and decides whether it may run. approved says
// that the hub has just asked for this very program; then the caller remembers it,
// once it has proven good. The image is nil for a plugin that is reattached.
func (p *programs) verify(spec PluginSpec, approved bool) (*launch.Image, error) {
	if spec.invalid != nil {
		return nil, shared.Errorf(shared.ReasonConfigInvalid, "Plugin %s cannot be started: %v.", spec.Name, spec.invalid).Wrap(spec.invalid)
	}
	if spec.Reattach != "" {
		return nil, nil
	}
	if err := p.dirs.CheckAccess(); err != nil {
		return nil, shared.Errorf(shared.ReasonConfigInvalid,
			"Plugin %s cannot be started: it runs as a user of its own, and %v. Choose a StateDir that others may pass through, or set SameUser.",
			spec.Name, err).Wrap(err)
	}

	pinned, err := p.pinShipped(spec)
	if err != nil {
		return nil, err
	}
	image, err := p.images.Load(spec.Path)
	if err != nil {
		return nil, explainFile(spec, err)
	}
	if err = p.decide(pinned, image.Digest, approved); err == nil && !approved {
		err = p.remember(spec.Name, image.Digest)
	}
	if err != nil {
		p.images.Release(image)
		return nil, err
	}
	return image, nil
}

// decide returns an error if a program may not run.
func (p *programs) decide(spec PluginSpec, digest string, approved bool) error {
	r, err := p.record.Get()
	if err != nil && !approved {
		return shared.Errorf(shared.ReasonPluginUntrusted, "Plugin %s is not started: %v.", spec.Name, err).Wrap(err)
	}

	verdict, err := r.Decide(spec.trustedAs(digest, approved))
	if err != nil {
		return err
	}
	switch verdict {
	case trust.FirstUse, trust.Pinned:
		p.log.Info("plugin program is trusted from now on", "digest", digest, "pinned", verdict == trust.Pinned)
	case trust.Changed:
		p.log.Warn("plugin program has changed and is accepted, for so it is set", "digest", digest, "before", r.Digest)
	case trust.Known:
	}
	return nil
}

// remember stores that a program is trusted.
func (p *programs) remember(plugin, digest string) error {
	if err := p.record.Trust(digest, p.now()); err != nil {
		return shared.Errorf(shared.ReasonConfigInvalid, "Plugin %s is not started: the host cannot write its StateDir: %v.", plugin, err).Wrap(err)
	}
	return nil
}

// distrust lets the next start read the program anew: what has run from the image
// may have done something to it that keeps it from being executed.
func (p *programs) distrust(image *launch.Image) {
	if image != nil {
		p.images.Forget(image)
	}
}

func (p *programs) release(image *launch.Image) {
	if image != nil {
		p.images.Release(image)
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
