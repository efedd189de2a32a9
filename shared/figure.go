package shared

import "slices"

// Figure is a number that a plugin tells of itself on its health stream, under
// its Name and, if it has a Label, one of that label's Values; see
// [Figure.Key].
type Figure struct {
	Name string
	Kind FigureKind
	// Label and the Values that it may have; empty for a figure without.
	Label  string
	Values []string
	// Help is one sentence for people.
	Help string
}

// FigureKind says which map of the health message holds a figure.
type FigureKind int

// The kinds.
const (
	// FigureCounter only rises, from 0 at the start of the process.
	FigureCounter FigureKind = iota
	// FigureGauge is as things are now.
	FigureGauge
	// FigureTiming is how long things took, in buckets of seconds.
	FigureTiming
)

// Names of the figures that the SDK reports. A plugin may report fewer; a host
// shows none that it does not know.
const (
	CounterCalls       = "vendor_calls"
	CounterRequests    = "vendor_requests"
	CounterFailures    = "vendor_failures"
	CounterAbandoned   = "calls_abandoned"
	CounterGate        = "gate_decisions"
	CounterBreaker     = "breaker_changes"
	CounterMemory      = "answers_from_memory"
	CounterCoalesced   = "coalesced"
	CounterQueueFull   = "queue_full"
	CounterHeldBack    = "values_held_back"
	CounterOlder       = "older_snapshots"
	CounterScheduled   = "scheduled"
	GaugeWaiting       = "queue_callers"
	GaugeJobs          = "queue_jobs"
	GaugeBusy          = "workers_busy"
	GaugeWorkers       = "workers"
	GaugeStuck         = "workers_stuck"
	GaugeLeftBehind    = "calls_left_behind"
	GaugeBudgetLeft    = "budget_left"
	GaugeBudgetResetAt = "budget_reset_timestamp_seconds"
	GaugeGoroutines    = "goroutines"
	TimingWait         = "queue_wait"
	TimingRun          = "run"
)

// Values of labels that have no type of their own.
const (
	FigureAllowed    = "allowed"
	FigureOverridden = "overridden"
	FigureDone       = "done"
	FigureFailed     = "failed"
	FigurePostponed  = "postponed"
	FigurePeople     = "people"
	FigureBackground = "background"
)

// Figures lists what a host shows of what plugins tell.
func Figures() []Figure {
	classes := []string{"login", "renewal", "list", "read", "wake"}
	modes := []string{string(ModeCached), string(ModeForce), string(ModeSmart), ModeOther}
	return []Figure{
		{CounterCalls, FigureCounter, "class", classes, "Calls of the vendor's client, by what they are for."},
		{CounterRequests, FigureCounter, "class", classes, "Requests that went to the vendor and count towards its limit."},
		{CounterFailures, FigureCounter, "", nil, "Calls of the vendor's client that failed."},
		{CounterAbandoned, FigureCounter, "", nil, "Calls that did not end when their time was up, and were left behind."},
		{CounterGate, FigureCounter, "outcome", []string{
			FigureAllowed, FigureOverridden, "vendor_refused", "circuit_open", "quiet_hours", "aux_battery", "aux_trend", "wake_interval", "wakes_per_day", "no_record", "logins_per_day", "calls_per_day",
		}, "What the plugin's gate said to calls: allowed, overridden, or the rule that refused."},
		{CounterBreaker, FigureCounter, "to", []string{"closed", "half-open", "open"}, "Changes of the circuit breaker, by the new state."},
		{CounterMemory, FigureCounter, "", nil, "Reads that a snapshot of the last seconds answered."},
		{CounterCoalesced, FigureCounter, "", nil, "Commands that shared the work of an equal one."},
		{CounterQueueFull, FigureCounter, "", nil, "Commands that were refused because too many were waiting."},
		{CounterHeldBack, FigureCounter, "", nil, "Values that were held back as implausible."},
		{CounterOlder, FigureCounter, "", nil, "Snapshots that were left out because the last one was newer."},
		{CounterScheduled, FigureCounter, "outcome", []string{FigureDone, FigureFailed, FigurePostponed}, "Refreshes of the schedule's, by how they ended."},
		{GaugeWaiting, FigureGauge, "", nil, "Commands that wait for an answer in the plugin."},
		{GaugeJobs, FigureGauge, "class", []string{"read", "wake"}, "Jobs that wait for a worker."},
		{GaugeBusy, FigureGauge, "class", []string{"read", "wake"}, "Workers that are at work."},
		{GaugeWorkers, FigureGauge, "", nil, "Workers in all."},
		{GaugeStuck, FigureGauge, "", nil, "Workers whose job should have ended long ago. When all of them are stuck the plugin is started anew."},
		{GaugeLeftBehind, FigureGauge, "", nil, "Calls that were left behind and have not ended yet."},
		{GaugeBudgetLeft, FigureGauge, "for", []string{FigurePeople, FigureBackground}, "Requests that are left of the day, for commands of people and for what comes by itself; -1: there is no limit."},
		{GaugeBudgetResetAt, FigureGauge, "", nil, "When the day's requests begin anew, in Unix seconds."},
		{GaugeGoroutines, FigureGauge, "", nil, "Goroutines of the plugin's process."},
		{TimingWait, FigureTiming, "mode", modes, "Time that jobs waited for a worker."},
		{TimingRun, FigureTiming, "mode", modes, "Time that jobs took in their worker."},
	}
}

// ModeOther is the value of a mode's label for jobs that are no refresh.
const ModeOther = "other"

// FigureKey is the key of a figure in its map. label is empty for one without.
func FigureKey(name, label string) string {
	if label == "" {
		return name
	}
	return name + "." + label
}

// Keys of the figure in its map, in the order of its Values.
func (f Figure) Keys() []string {
	if f.Label == "" {
		return []string{f.Name}
	}
	keys := slices.Clone(f.Values)
	for i, value := range keys {
		keys[i] = FigureKey(f.Name, value)
	}
	return keys
}
