package lifecycle

// State of a plugin.
type State string

// The states.
const (
	Stopped State = "stopped"
	// Verifying: the program is read, digested and compared with what is trusted.
	Verifying State = "verifying"
	// Starting: the process is being started.
	Starting State = "starting"
	// Initializing: the process runs and gets its settings.
	Initializing State = "initializing"
	// Ready: calls are served.
	Ready State = "ready"
	// Degraded: the process runs, but the plugin reports trouble or refused its
	// settings.
	Degraded State = "degraded"
	// Draining: no new calls, the running ones end.
	Draining State = "draining"
	// Crashed: the process has ended by itself. It stands in the event of the
	// crash; the plugin itself is in Backoff or Quarantined at once.
	Crashed State = "crashed"
	// Backoff: waiting before the next start.
	Backoff State = "backoff"
	// Quarantined: it crashed too often and is not started again before it is
	// released or upgraded. It outlives the host.
	Quarantined State = "quarantined"
)

// States lists them all, in the order of a life.
func States() []State {
	return []State{Stopped, Verifying, Starting, Initializing, Ready, Degraded, Draining, Crashed, Backoff, Quarantined}
}
