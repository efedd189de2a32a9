package host

import (
	"maps"
	"strings"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// PluginStatus is what is known of a plugin now. It holds no secrets.
type PluginStatus struct {
	Name  string    `json:"name"`
	State State     `json:"state"`
	Since time.Time `json:"since"`
	// RetryAt is when the next attempt is made, if one is waited for.
	RetryAt time.Time `json:"retry_at,omitzero"`
	// Of the present process, if there is one: its number, its start, the
	// SHA-256 of its program, and the bytes that it holds in RAM (Linux only).
	PID     int       `json:"pid,omitempty"`
	Started time.Time `json:"started,omitzero"`
	Digest  string    `json:"digest,omitempty"`
	Memory  uint64    `json:"memory_bytes,omitempty"`
	// Available is the program that lies at the plugin's path, if it is another one than
	// the one that runs: see [Host.Upgrade].
	Available Program `json:"available,omitzero"`
	// Starts of processes that came to life, since the host started, and Crashes
	// in all and by cause.
	Starts         int                `json:"starts"`
	Crashes        int                `json:"crashes"`
	CrashesByCause map[CrashCause]int `json:"crashes_by_cause,omitempty"`
	LastCrash      *CrashReport       `json:"last_crash,omitempty"`
	// InFlight calls wait for their answer; Replayed ones were made again after a
	// crash, since the host started.
	InFlight int `json:"in_flight"`
	Replayed int `json:"replayed"`
	// Serving: calls reach a process that has its settings.
	Serving bool `json:"serving"`
	// Vehicles that the plugin has, and OthersVehicles that it lists although they
	// belong to another plugin, see [Host.Owner].
	Vehicles       int `json:"vehicles"`
	OthersVehicles int `json:"others_vehicles,omitempty"`
	// Vendor and Version as the present process describes itself.
	Vendor  string `json:"vendor,omitempty"`
	Version string `json:"version,omitempty"`
	// Reason and Message say what is wrong, if anything is.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Health, Breaker and Figures as the plugin last reported them: how it is in a
	// word, such as ready or needs_human, the state of the account's breaker, and
	// its numbers. The maps are shared: do not change them.
	Health  string  `json:"health,omitempty"`
	Breaker string  `json:"breaker,omitempty"`
	Figures Figures `json:"figures,omitzero"`
}

// NeedsHuman reports whether the plugin can do nothing for its cars until somebody acts,
// as Message says.
func (s PluginStatus) NeedsHuman() bool {
	if s.Health == healthWord(vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN) {
		return true
	}
	return !s.Serving && s.Reason != "" && !shared.Reason(s.Reason).Temporary()
}

// healthWord is a state of health in a word, such as needs_human.
func healthWord(s vehiclev1.HealthState) string { return strings.ReplaceAll(shared.Word(s), " ", "_") }

// Status returns what is known of each plugin now.
func (h *Host) Status() []PluginStatus {
	var all []PluginStatus
	for _, s := range h.running() {
		all = append(all, s.status())
	}
	return all
}

func (s *supervisor) status() PluginStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := PluginStatus{
		Name: s.spec.Name, State: s.machine.State, Since: s.since, RetryAt: s.retryAt,
		Starts: s.history.starts, CrashesByCause: maps.Clone(s.history.crashes), LastCrash: s.history.lastCrash,
		InFlight: int(s.calls.inFlight.Load()), Replayed: int(s.calls.replayed.Load()),
		Serving: s.machine.Usable && s.runs.current != s.runs.broken,
		Reason:  s.reported.health.GetReason(), Message: s.reported.health.GetSentence(),
		Breaker: s.reported.health.GetBreaker(), Figures: s.reported.figures,
	}
	st.Vehicles, st.OthersVehicles = s.owners.count(s.place)
	st.Vendor, st.Version = s.described.vendor, s.described.version
	if s.reported.health != nil {
		st.Health = healthWord(s.reported.health.GetState())
	}
	for _, n := range s.history.crashes {
		st.Crashes += n
	}
	if i := s.runs.current; i != nil {
		st.PID, st.Started, st.Digest, st.Memory = i.PID(), i.Started(), i.Digest(), launch.Memory(i.PID())
		st.Available = s.available()
	}
	if s.trouble != nil {
		st.Reason, st.Message = string(shared.AsAPIError(s.trouble).Reason), s.trouble.Error()
	} else if st.State == Backoff && s.history.lastCrash != nil {
		st.Reason, st.Message = string(shared.ReasonPluginDown), s.history.lastCrash.Message
	}
	return st
}
