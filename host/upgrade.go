package host

import (
	"context"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/run"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// retireTimeout is how long a process that has been replaced may finish what it
// is doing: as long as the longest call.
const retireTimeout = 180 * time.Second

// Upgrade starts the program that now lies at the plugin's path beside the
// running process, and switches to it when it is ready; then the old process
// finishes what it is doing and ends. The new program is trusted from then on. If
// it is not ready within Options.UpgradeTimeout the old one stays, and the error
// says why. Calls notice nothing.
//
// With the program unchanged it is a restart without a gap. A quarantined plugin
// is tried again, too.
func (h *Host) Upgrade(ctx context.Context, plugin string) error {
	s, err := h.supervisor(plugin)
	if err != nil {
		return err
	}
	return s.replace(ctx, true)
}

// Restart starts the plugin's program beside the running process and switches to the new
// process as [Host.Upgrade] does, but only if the program at the plugin's path is
// trusted. It fails with reason plugin_quarantined if the plugin is, see [Host.Release].
func (h *Host) Restart(ctx context.Context, plugin string) error {
	s, err := h.supervisor(plugin)
	if err != nil {
		return err
	}
	return s.replace(ctx, false)
}

// Release lifts a plugin's quarantine and starts it anew. It does nothing to a
// plugin that is not quarantined.
func (h *Host) Release(plugin string) error {
	s, err := h.supervisor(plugin)
	if err != nil {
		return err
	}
	s.send(releaseWanted{})
	return nil
}

// replace lets another process take the place of the one that runs. approved says that
// the hub has just asked for the program at the plugin's path, whatever it is.
func (s *supervisor) replace(ctx context.Context, approved bool) error {
	select {
	case <-s.upgrading:
		defer func() { s.upgrading <- struct{}{} }()
	case <-ctx.Done():
		return shared.AsAPIError(ctx.Err())
	case <-s.life.Done():
		return shared.NewError(shared.ReasonDraining)
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.UpgradeTimeout)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	i, vehicles, err := s.startBeside(ctx, approved)
	if err != nil && s.life.Err() != nil {
		return shared.NewError(shared.ReasonDraining).Wrap(err)
	}
	if err != nil {
		what := "restarted"
		if approved {
			what = "upgraded"
		}
		s.log.Error("plugin was not "+what+"; what ran before goes on", "error", shared.ErrorChain(err))
		return shared.Errorf(shared.AsAPIError(err).Reason, "Plugin %s was not %s, and what ran before goes on: %v", s.name(), what, err).Wrap(err)
	}
	if err := s.programs.remember(s.name(), i.Digest()); err != nil {
		i.Discard()
		return err
	}
	s.send(upgraded{i, vehicles})
	s.mu.Lock()
	taken := s.runs.current == i
	s.mu.Unlock()
	if !taken {
		i.Discard() // stopped meanwhile
		return shared.NewError(shared.ReasonDraining)
	}
	s.saveQuarantine()
	return nil
}

// startBeside starts a second process and initializes it.
func (s *supervisor) startBeside(ctx context.Context, approved bool) (*run.Instance, []*vehiclev1.Vehicle, error) {
	s.mu.Lock()
	spec := s.spec
	s.mu.Unlock()
	image, err := s.programs.verify(spec, approved)
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	plan := s.planLocked(image)
	s.mu.Unlock()
	i, err := run.Start(ctx, plan)
	s.programs.release(image)
	if err != nil {
		s.programs.distrust(image)
		return nil, nil, err
	}
	vehicles, err := s.handOver(ctx, i, spec.Settings)
	if err != nil {
		i.Discard()
		return nil, nil, err
	}
	return i, vehicles, nil
}

// retire lets a process that has been replaced finish what it is doing, and ends it.
func (s *supervisor) retire(i *run.Instance) {
	ctx, cancel := context.WithTimeout(s.life, retireTimeout)
	defer cancel()
	i.Drain(ctx)
	i.ShutDown(ctx)
}
