package host

import (
	"fmt"
	"time"
)

// CrashCause says how a plugin's process came to its end.
type CrashCause string

// The causes.
const (
	// CauseStart: it ended, or was ended, before it said where it listens.
	CauseStart CrashCause = "start"
	// CauseExit: it ended by itself.
	CauseExit CrashCause = "exit"
	// CauseSignal: somebody killed it, for example the system when memory ran out.
	CauseSignal CrashCause = "signal"
	// CausePanic: it ended itself with a panic.
	CausePanic CrashCause = "panic"
	// CauseFrozen: it did not answer and was killed.
	CauseFrozen CrashCause = "frozen"
	// CauseDisconnected: it lived, but its connection broke; it was killed.
	CauseDisconnected CrashCause = "disconnected"
	// CauseMemory: it took more memory than it may and was killed.
	CauseMemory CrashCause = "memory"
)

// CrashCauses lists them all.
func CrashCauses() []CrashCause {
	return []CrashCause{CauseStart, CauseExit, CauseSignal, CausePanic, CauseFrozen, CauseDisconnected, CauseMemory}
}

// CrashReport is what is known of the end of a plugin's process. It holds no
// secrets: lines are redacted.
type CrashReport struct {
	Time  time.Time  `json:"time"`
	Cause CrashCause `json:"cause"`
	PID   int        `json:"pid,omitempty"`
	// Exit is the exit status or the signal in words.
	Exit string `json:"exit,omitempty"`
	// Uptime of the process.
	Uptime time.Duration `json:"uptime_ns"`
	// Digest is the SHA-256 of the program.
	Digest string `json:"digest,omitempty"`
	// InFlight are the request ids of the calls that were under way.
	InFlight []string `json:"in_flight,omitempty"`
	// LastLines of its log, and the last panic in it.
	LastLines []string `json:"last_lines,omitempty"`
	LastPanic []string `json:"last_panic,omitempty"`
	// Message is a sentence for people.
	Message string `json:"message"`
}

// sentence tells what happened, and what comes next.
func (c CrashReport) sentence(next string) string {
	what := ""
	switch c.Cause {
	case CauseStart:
		what = "The plugin did not start: " + c.Exit
		if len(c.LastPanic) > 0 {
			what += ", " + c.LastPanic[0]
		}
	case CausePanic:
		what = "The plugin ended with a panic"
		if len(c.LastPanic) > 0 {
			what += ": " + c.LastPanic[0]
		}
	case CauseFrozen:
		what = "The plugin did not answer any more and was killed"
	case CauseDisconnected:
		what = "The plugin closed its connection but did not end, and was killed"
	case CauseMemory:
		what = "The plugin took more memory than it may and was killed"
	case CauseSignal:
		what = "The plugin process was killed: " + c.Exit
	default:
		what = "The plugin process ended: " + c.Exit
	}
	return fmt.Sprintf("%s. %s", what, next)
}
