package run

import (
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
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
	// CauseStuck: all its workers were stuck, by its own word, and it was killed.
	CauseStuck CrashCause = "stuck"
	// CauseDisconnected: it lived, but its connection broke; it was killed.
	CauseDisconnected CrashCause = "disconnected"
	// CauseMemory: it took more memory than it may and was killed.
	CauseMemory CrashCause = "memory"
)

// CrashCauses lists them all.
func CrashCauses() []CrashCause {
	return []CrashCause{CauseStart, CauseExit, CauseSignal, CausePanic, CauseFrozen, CauseStuck, CauseDisconnected, CauseMemory}
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

// Describe is a crash report's Message: what happened, and next, a sentence on what
// comes now.
func Describe(c CrashReport, next string) string {
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
	case CauseStuck:
		what = "All workers of the plugin were stuck, and it was killed"
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

// goPanicStatus is how the Go runtime ends after a panic or a fatal error.
const goPanicStatus = 2

// maxReported bounds the request ids in a crash report.
const maxReported = 100

// Report says how the run ended, but for the Message. Only once it has.
func (i *Instance) Report(now time.Time) CrashReport {
	i.mu.Lock()
	ids := slices.Collect(maps.Keys(i.calls))
	for id := range i.cutOff {
		if i.calls[id] == 0 {
			ids = append(ids, id)
		}
	}
	cause := i.cause
	i.mu.Unlock()
	slices.Sort(ids)

	r := CrashReport{
		Time: now, Cause: cause, PID: i.PID(), Exit: i.exit(), Uptime: now.Sub(i.started), Digest: i.digest,
		InFlight: ids[:min(len(ids), maxReported)], LastLines: i.pipe.Last(), LastPanic: i.pipe.Panic(),
	}
	if r.Cause == "" {
		r.Cause = i.ownCause(len(r.LastPanic) > 0)
	}
	return r
}

// ownCause of an end that was not the host's doing.
func (i *Instance) ownCause(panicked bool) CrashCause {
	var exit *exec.ExitError
	if i.body == nil || !errors.As(i.body.ExitError(), &exit) {
		return CauseExit
	}
	switch {
	case exit.ExitCode() < 0:
		return CauseSignal
	case panicked && exit.ExitCode() == goPanicStatus:
		return CausePanic
	}
	return CauseExit
}
