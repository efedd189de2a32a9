package host

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/run"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/trust"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// The slow steps of a start. They run beside the supervisor and send it what came
// of them.

// planLocked is the plan of the plugin's next process.
func (s *supervisor) planLocked(image *launch.Image) run.Plan {
	s.runs.begun++
	return run.Plan{
		Program: s.spec.program(), Image: image, Dirs: s.dirs, Number: s.runs.begun, Processes: s.processes,
		StartTimeout: s.opts.StartTimeout, Logger: s.opts.Logger.With("plugin", s.spec.Name), Redactor: s.redactor, Now: s.opts.Now,
	}
}

func (s *supervisor) launch(plan run.Plan) {
	if plan.After != nil {
		<-plan.After
	}

	i, err := run.Start(s.life, plan)
	s.programs.release(plan.Image)
	if err != nil {
		s.programs.distrust(plan.Image)
		s.send(launchFailed{i, err})
		return
	}
	s.send(launched{i})
}

// verifyProgram reads the program that lies at the plugin's path, and tells the
// supervisor whether it may run.
func (s *supervisor) verifyProgram(spec PluginSpec) {
	image, err := s.programs.verify(spec, false)
	switch {
	case err == nil:
		s.send(verified{image})
	case errors.Is(err, trust.ErrQuarantined):
		r, _ := s.programs.record.Get() // it was read a moment ago
		s.send(stillQuarantined{err, r.Quarantine})
	default:
		s.send(verifyFailed{err})
	}
}

// saveQuarantine stores what holds now.
func (s *supervisor) saveQuarantine() {
	s.saving.Lock()
	defer s.saving.Unlock()

	s.mu.Lock()
	now := s.quarantine
	s.mu.Unlock()
	if err := s.programs.record.SetQuarantine(now); err != nil {
		s.log.Error("the quarantine cannot be stored and ends with this host", "error", err)
	}
}

func (s *supervisor) initialize(i *run.Instance, settings json.RawMessage) {
	vehicles, err := s.handOver(context.Background(), i, settings)
	switch {
	case err == nil:
		s.send(initialized{about{i}, vehicles})
	case errors.Is(err, shared.ReasonPluginDown):
		// The end of the process tells the rest.
		s.lost(i)
	case shared.AsAPIError(err).Temporary:
		s.send(initPostponed{about{i}, err})
	default:
		s.send(initRefused{about{i}, err})
	}
}

// handOver gives a process its settings and gets the cars.
func (s *supervisor) handOver(ctx context.Context, i *run.Instance, settings json.RawMessage) ([]*vehiclev1.Vehicle, error) {
	ctx, cancel := withLimits(ctx, s.opts.InitializeTimeout)
	defer cancel()

	id := shared.CallInfoFrom(ctx).RequestID
	i.BeginCall(id)
	vehicles, err := i.Remote().Initialize(withAttempt(ctx, 1), shared.Config{Settings: settings, StateDir: s.dirs.State})
	i.EndCall(id, errors.Is(err, shared.ReasonPluginDown))
	if errors.Is(err, shared.ReasonDeadlineExceeded) {
		i.Suspect()
	}
	return vehicles, redactError(s.redactor, err)
}

// lost takes a process out of use whose connection seems to be broken, until it
// answers again.
func (s *supervisor) lost(i *run.Instance) {
	s.mu.Lock()
	news := s.runs.current == i && s.runs.broken != i
	if news {
		s.runs.broken = i
	}
	s.mu.Unlock()
	if !news {
		return
	}

	go func() { // ends with the probe at the latest
		if !i.Reconnected() {
			return // its end shows as that of any other
		}
		// It was the plugin's own word, not the connection's.
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.runs.broken == i {
			s.runs.broken = nil
			s.wakeLocked()
		}
	}()
}
