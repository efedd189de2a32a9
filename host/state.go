package host

import (
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/lifecycle"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/run"
)

// State of a plugin.
type State = lifecycle.State

// The states.
const (
	// Stopped: Start has not been called, or Stop has ended it.
	Stopped = lifecycle.Stopped
	// Verifying: the program is read, digested and compared with what is trusted.
	Verifying = lifecycle.Verifying
	// Starting: the process is being started.
	Starting = lifecycle.Starting
	// Initializing: the process runs and gets its settings.
	Initializing = lifecycle.Initializing
	// Ready: calls are served.
	Ready = lifecycle.Ready
	// Degraded: the process runs, but the plugin reports trouble or refused its
	// settings. The status has the sentence.
	Degraded = lifecycle.Degraded
	// Draining: no new calls, the running ones end.
	Draining = lifecycle.Draining
	// Crashed: the process has ended by itself. It stands in the event of the
	// crash; the plugin itself is in Backoff or Quarantined at once.
	Crashed = lifecycle.Crashed
	// Backoff: waiting before the next start.
	Backoff = lifecycle.Backoff
	// Quarantined: it crashed too often and is not started again before it is
	// released or upgraded. It outlives the host.
	Quarantined = lifecycle.Quarantined
)

// States lists them all, in the order of a life.
func States() []State { return lifecycle.States() }

// CrashReport is what is known of the end of a plugin's process. It holds no
// secrets: lines are redacted.
type CrashReport = run.CrashReport

// CrashCause says how a plugin's process came to its end.
type CrashCause = run.CrashCause

// The causes.
const (
	// CauseStart: it ended, or was ended, before it said where it listens.
	CauseStart = run.CauseStart
	// CauseExit: it ended by itself.
	CauseExit = run.CauseExit
	// CauseSignal: it was killed, for example by the system when memory ran out.
	CauseSignal = run.CauseSignal
	// CausePanic: it ended itself with a panic.
	CausePanic = run.CausePanic
	// CauseFrozen: it did not answer and was killed.
	CauseFrozen = run.CauseFrozen
	// CauseStuck: all its workers were stuck, by its own word, and it was killed.
	CauseStuck = run.CauseStuck
	// CauseDisconnected: it lived, but its connection broke; it was killed.
	CauseDisconnected = run.CauseDisconnected
	// CauseMemory: it took more memory than it may and was killed.
	CauseMemory = run.CauseMemory
)

// CrashCauses lists them all.
func CrashCauses() []CrashCause { return run.CrashCauses() }
