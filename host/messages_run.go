package host

import (
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/lifecycle"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/run"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/trust"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// The messages about a process while it serves. Those about one that no longer
// does are dropped.
type (
	initialized struct {
		about
		vehicles []*vehiclev1.Vehicle
	}
	// initPostponed: Initialize failed and may succeed later; initRefused: it
	// failed for good.
	initPostponed struct {
		about
		err error
	}
	initRefused struct {
		about
		err error
	}
	healthReported struct {
		about
		report report
	}
	// selfDescribed: the process has said what it is.
	selfDescribed struct {
		about
		description description
	}
	// needLifted: the plugin needed a human, and does no longer.
	needLifted struct{ about }
	exited     struct{ about }
)

// about is the process that a message is about.
type about struct{ run *run.Instance }

func (a about) instance() *run.Instance { return a.run }

func (m initialized) handle(s *supervisor) {
	t := s.stepLocked(lifecycle.Initialized{})
	s.listLocked(m.vehicles)
	s.settleLocked(t, nil)
}

func (m initPostponed) handle(s *supervisor) {
	t := s.stepLocked(lifecycle.InitPostponed{RetryAfter: shared.AsAPIError(m.err).RetryAfter})
	s.notInitializedLocked(m.err)
	s.announceLocked(m.err)
	s.settleLocked(t, m.err)
}

func (m initRefused) handle(s *supervisor) {
	t := s.stepLocked(lifecycle.InitRefused{})
	s.notInitializedLocked(m.err)
	s.settleLocked(t, m.err)
}

func (s *supervisor) notInitializedLocked(err error) {
	s.trouble = err
	s.log.Error("plugin could not be initialized", "error", err)
}

func (m healthReported) handle(s *supervisor) {
	t := s.stepLocked(m.report.input())
	if !m.report.sameWords(s.reported) {
		s.emitLocked(Event{Kind: EventHealth, Reason: m.report.health.GetReason(), Message: m.report.sentence()})
	}
	s.reported = m.report
	s.settleLocked(t, nil)
}

func (m selfDescribed) handle(s *supervisor) { s.described = m.description }

func (needLifted) handle(s *supervisor) { s.settleLocked(s.stepLocked(lifecycle.Lifted{}), nil) }

func (m exited) handle(s *supervisor) {
	t := s.stepLocked(lifecycle.Exited{})
	s.runs.current, s.runs.former, s.reported, s.described = nil, m.run, report{}, description{}
	s.crashedLocked(m.run)
	s.background(m.run.Discard)
	s.settleLocked(t, nil)
}

// takeLocked makes a process the one that serves, and follows it.
func (s *supervisor) takeLocked(i *run.Instance) {
	s.runs.current, s.runs.broken, s.reported, s.described, s.trouble = i, nil, report{}, description{}, nil
	s.history.starts++

	s.background(func() {
		i.Wait()
		s.send(exited{about{i}})
	})
	s.background(func() { i.KeepAlive(s.opts.ProbeInterval, s.opts.ProbeTimeout, func() { s.lost(i) }) })
	s.background(func() { s.describe(i) })
	s.background(func() { s.followHealth(i) })
	s.background(func() { i.WatchUpdates(s.update) })
}

// crashedLocked reports the end of a process that nobody asked for, after the
// machine has decided what comes next.
func (s *supervisor) crashedLocked(i *run.Instance) {
	r, reason := i.Report(s.opts.Now()), shared.ReasonPluginDown
	quarantined, next := s.machine.State == Quarantined, "It starts again by itself."
	if quarantined {
		next = "It has done so too often and is not started again; look at its log, then release it or install another version."
		reason = shared.ReasonPluginQuarantined
	}
	r.Message = run.Describe(r, next)

	s.history.crashes[r.Cause]++
	s.history.lastCrash = &r
	s.log.Error("plugin crashed", "cause", string(r.Cause), "pid", r.PID, "exit", r.Exit, "uptime", r.Uptime.String(),
		"in_flight", r.InFlight, "digest", trust.Short(r.Digest), "message", r.Message)
	if quarantined {
		s.trouble = shared.Errorf(reason, "%s", r.Message)
		s.quarantine = &trust.Quarantine{Since: r.Time, Why: r.Message}
		s.background(s.saveQuarantine)
	}
	s.events.emit(Event{
		Time: r.Time, Kind: EventCrash, Plugin: s.spec.Name, State: Crashed, PID: r.PID,
		Reason: string(reason), Message: r.Message, Crash: &r,
	})
}
