package host

import (
	"context"
	"time"

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
	return s.upgrade(ctx)
}

// Release lifts a plugin's quarantine and starts it anew. It does nothing to a
// plugin that is not quarantined.
func (h *Host) Release(plugin string) error {
	s, err := h.supervisor(plugin)
	if err != nil {
		return err
	}
	s.send(message{in: inRelease})
	return nil
}

func (s *supervisor) upgrade(ctx context.Context) error {
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
	i, vehicles, err := s.startBeside(ctx)
	if err != nil {
		s.log.Error("upgrade failed; what ran before goes on", "error", shared.ErrorChain(err))
		return shared.Errorf(shared.AsAPIError(err).Reason, "Plugin %s was not upgraded, and what ran before goes on: %v", s.name(), err).Wrap(err)
	}
	if err := s.remember(i.digest); err != nil {
		i.discard()
		return err
	}
	s.send(message{in: inUpgraded, instance: i, vehicles: vehicles})
	s.mu.Lock()
	taken := s.current == i
	s.mu.Unlock()
	if !taken {
		i.discard() // stopped meanwhile
		return shared.NewError(shared.ReasonDraining)
	}
	s.saveQuarantine()
	return nil
}

// startBeside starts a second process and initializes it.
func (s *supervisor) startBeside(ctx context.Context) (*instance, []*vehiclev1.Vehicle, error) {
	s.mu.Lock()
	spec := s.spec
	s.mu.Unlock()
	image, err := s.verify(spec, true)
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	plan := s.blueprint(image)
	s.mu.Unlock()
	i, err := startInstance(ctx, plan)
	s.release(image)
	if err != nil {
		s.distrust(image)
		return nil, nil, err
	}
	vehicles, err := s.handOver(ctx, i, spec.Settings)
	if err != nil {
		i.discard()
		return nil, nil, err
	}
	return i, vehicles, nil
}

// upgradeTo switches to a run that is ready. Called with mu held.
func (s *supervisor) upgradeTo(m message) {
	old := s.current
	s.quarantine = nil
	s.take(m.instance)
	s.list(m.vehicles)
	s.log.Info("plugin was upgraded", "pid", m.instance.pid(), "digest", short(m.instance.digest))
	s.announce(nil)
	if old != nil {
		s.background(func() { s.retire(old) })
	}
}

// retire lets a run that has been replaced finish what it is doing, and ends it.
func (s *supervisor) retire(i *instance) {
	ctx, cancel := context.WithTimeout(s.life, retireTimeout)
	defer cancel()
	i.drain(ctx)
	i.shutDown(ctx)
}
