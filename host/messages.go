package host

import (
	"context"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/lifecycle"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/run"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/trust"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// The messages about a plugin's life from the start to its process, and about its
// end. Each has what belongs to one input of the machine.
type (
	startWanted struct{}
	verified    struct{ image *launch.Image }
	// verifyFailed: the program cannot be read or is not trusted.
	verifyFailed struct{ err error }
	// stillQuarantined: the program is the one that was quarantined before.
	stillQuarantined struct {
		err        error
		quarantine *trust.Quarantine
	}
	launched     struct{ run *run.Instance }
	launchFailed struct {
		run *run.Instance
		err error
	}
	timerFired struct{ number int }
	// upgraded: another process, initialized, takes over.
	upgraded struct {
		run      *run.Instance
		vehicles []*vehiclev1.Vehicle
	}
	releaseWanted struct{}
	stopWanted    struct{ ctx context.Context }
	hasStopped    struct{}
)

func (startWanted) handle(s *supervisor) { s.settleLocked(s.stepLocked(lifecycle.Start{}), nil) }

func (m verified) handle(s *supervisor) {
	t := s.stepLocked(lifecycle.Verified{})
	s.settleLocked(t, nil)
	if t.output != lifecycle.Launch {
		s.background(func() { s.programs.release(m.image) }) // stopped or upgraded meanwhile
		return
	}

	plan := s.planLocked(m.image)
	s.runs.launching = plan.Number
	if s.runs.former != nil {
		plan.After = s.runs.former.Discarded()
	}
	s.background(func() { s.launch(plan) })
}

func (m verifyFailed) handle(s *supervisor) {
	t := s.stepLocked(lifecycle.VerifyFailed{})
	if s.machine.State != t.before {
		s.refuseLocked(m.err)
	}
	s.settleLocked(t, m.err)
}

func (m stillQuarantined) handle(s *supervisor) {
	t := s.stepLocked(lifecycle.StillQuarantined{})
	if s.machine.State != t.before {
		s.quarantine = m.quarantine
		s.refuseLocked(m.err)
	}
	s.settleLocked(t, m.err)
}

func (m launched) handle(s *supervisor) {
	// An upgrade may have overtaken this start, or the plugin may have been
	// stopped: then nothing needs this process any more.
	if m.run.Number() != s.runs.launching {
		s.background(m.run.Discard)
		return
	}
	t := s.stepLocked(lifecycle.Launched{})
	if t.output != lifecycle.Initialize {
		s.background(m.run.Discard)
		return
	}
	s.takeLocked(m.run)
	s.settleLocked(t, nil)
}

func (m launchFailed) handle(s *supervisor) {
	if m.run.Number() != s.runs.launching {
		return // an upgrade has overtaken this start; a failed one is discarded
	}
	t := s.stepLocked(lifecycle.LaunchFailed{})
	if s.machine.State != t.before {
		s.refuseLocked(m.err)
		s.crashedLocked(m.run)
	}
	s.settleLocked(t, m.err)
}

func (m timerFired) handle(s *supervisor) {
	if m.number == s.timer {
		s.settleLocked(s.stepLocked(lifecycle.TimerFired{}), nil)
	}
}

func (m upgraded) handle(s *supervisor) {
	t := s.stepLocked(lifecycle.Upgraded{})
	if s.machine.State == Ready {
		old := s.runs.current
		s.quarantine = nil
		s.takeLocked(m.run)
		s.listLocked(m.vehicles)
		s.log.Info("plugin was replaced", "pid", m.run.PID(), "digest", trust.Short(m.run.Digest()))
		if s.machine.State == t.before {
			s.announceLocked(nil) // of another process
		}
		if old != nil {
			s.background(func() { s.retire(old) })
		}
	}
	s.settleLocked(t, nil)
}

func (releaseWanted) handle(s *supervisor) {
	t := s.stepLocked(lifecycle.Release{})
	if t.output == lifecycle.Verify {
		s.quarantine, s.trouble = nil, nil
	}
	s.settleLocked(t, nil)
}

func (m stopWanted) handle(s *supervisor) {
	t := s.stepLocked(lifecycle.Stop{})
	s.settleLocked(t, nil)
	if t.output != lifecycle.ShutDown {
		return
	}

	i := s.runs.current
	s.runs.current, s.trouble = nil, shared.NewError(shared.ReasonDraining)
	go func() { // ends with run
		if i != nil {
			i.ShutDown(m.ctx)
		}
		s.work.Wait()
		s.send(hasStopped{})
	}()
}

func (hasStopped) handle(s *supervisor) { s.settleLocked(s.stepLocked(lifecycle.HasStopped{}), nil) }

// refuseLocked notes why there is no process to serve calls.
func (s *supervisor) refuseLocked(err error) {
	if s.trouble == nil || s.trouble.Error() != err.Error() {
		s.log.Error("plugin does not start", "error", shared.ErrorChain(err))
	}
	s.trouble = err
}
