package host

import (
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/lifecycle"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/run"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// report is what a plugin last said of its health, as far as a hub can bear it. Its
// zero value is that of a plugin that has said nothing.
type report struct {
	health  *vehiclev1.Health
	figures Figures
}

// maxSentence bounds the texts of a report, in bytes.
const maxSentence = 500

// reportOf keeps of a plugin's words short texts without secrets, and the figures
// that are known.
func reportOf(h *vehiclev1.Health, secrets *redact.Redactor) report {
	text := func(t string) string { return shortText(t, secrets) }
	return report{
		health: &vehiclev1.Health{
			State: h.GetState(), Reason: text(h.GetReason()), Sentence: text(h.GetSentence()), Breaker: text(h.GetBreaker()),
		},
		figures: figuresOf(h),
	}
}

// shortText is what a plugin says, short and without secrets.
func shortText(text string, secrets *redact.Redactor) string {
	text = secrets.String(strings.ToValidUTF8(text[:min(len(text), 4*maxSentence)], ""))
	for n := range text {
		if n >= maxSentence {
			return text[:n]
		}
	}
	return text
}

func (r report) input() lifecycle.Input {
	switch r.health.GetState() {
	case vehiclev1.HealthState_HEALTH_STATE_READY:
		return lifecycle.Well{}
	case vehiclev1.HealthState_HEALTH_STATE_DEGRADED, vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN:
		return lifecycle.Unwell{}
	}
	return lifecycle.Undecided{}
}

// sameWords reports whether what differs, if anything, is figures only.
func (r report) sameWords(before report) bool {
	a, b := r.health, before.health
	return b != nil && a.GetState() == b.GetState() && a.GetReason() == b.GetReason() &&
		a.GetSentence() == b.GetSentence() && a.GetBreaker() == b.GetBreaker()
}

// stuck: no worker of the plugin's will ever take a command again. It still answers
// probes, which need none.
func (r report) stuck() bool {
	workers := r.figures.Gauges[shared.GaugeWorkers]
	return workers > 0 && r.figures.Gauges[shared.GaugeStuck] >= workers
}

func (r report) sentence() string {
	if r.health.GetSentence() != "" {
		return r.health.GetSentence()
	}
	return "The plugin is well."
}

// followHealth tells the supervisor what a process says of its health, until the
// process ends. A plugin that says nothing counts as healthy.
func (s *supervisor) followHealth(i *run.Instance) {
	before := vehiclev1.HealthState_HEALTH_STATE_UNSPECIFIED
	i.WatchHealth(s.opts.ProbeTimeout, func(h *vehiclev1.Health) {
		said := reportOf(h, s.redactor)
		s.send(healthReported{about{i}, said})
		if said.stuck() {
			i.Kill(run.CauseStuck)
		}
		if before == vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN && h.GetState() != before {
			s.send(needLifted{about{i}})
		}
		before = h.GetState()
	})
}
