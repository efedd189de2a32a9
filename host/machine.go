package host

import "time"

// State of a plugin.
type State string

// The states.
const (
	Stopped State = "stopped"
	// Starting: the process is being started.
	Starting State = "starting"
	// Initializing: the process runs and gets its settings.
	Initializing State = "initializing"
	// Ready: calls are served.
	Ready State = "ready"
	// Degraded: the process runs, but the plugin says that something is wrong,
	// or it refused its settings. The status has the sentence.
	Degraded State = "degraded"
	// Draining: no new calls, the running ones end.
	Draining State = "draining"
	// Crashed: the process has ended by itself. It stands in the event of the
	// crash; the plugin itself is in Backoff at once.
	Crashed State = "crashed"
	// Backoff: waiting before the next start.
	Backoff State = "backoff"
)

// input is what happens to a plugin.
type input int

const (
	inStart         input = iota // the hub wants it to run
	inLaunched                   // process and connection are there
	inLaunchFailed               // no process, or no handshake
	inInitialized                // Initialize succeeded
	inInitPostponed              // Initialize failed and may succeed later
	inInitRefused                // Initialize failed for good
	inWell                       // health: all is well
	inUnwell                     // health: something is wrong
	inHealth                     // health: neither, for example still starting
	inExited                     // the process has ended
	inTimer                      // the timer that the machine asked for
	inStop                       // the hub wants it to stop
	inStopped                    // it has stopped
)

// output is what has to be done next.
type output int

const (
	outNothing output = iota
	outLaunch
	outInitialize
	outTimer // send inTimer after the machine's delay
	outShutDown
)

// Timing of restarts.
const (
	backoffBase = 250 * time.Millisecond
	backoffMax  = 60 * time.Second
	// A plugin that was well for this long starts anew as if it had never
	// crashed, the first time at once.
	stableAfter = 10 * time.Minute
)

// machine is the life of one plugin as a pure function: no clock, no I/O.
type machine struct {
	state State
	// crashes since the last stable stretch, initialize attempts since the last
	// launch.
	crashes, attempts int
	// usable: Initialize has succeeded with this process.
	usable     bool
	readySince time.Time
	// delay of the timer that was asked for.
	delay time.Duration
}

// step returns the machine after in, and what is to be done. Inputs that make
// no sense in a state change nothing. random is in [0, 1).
func (m machine) step(in input, now time.Time, random float64) (machine, output) {
	if in == inStop {
		return m.stop()
	}
	switch m.state {
	case Stopped:
		if in == inStart {
			return m.to(Starting), outLaunch
		}
	case Starting:
		return m.starting(in, now, random)
	case Initializing:
		return m.initializing(in, now, random)
	case Ready, Degraded:
		return m.running(in, now, random)
	case Backoff:
		if in == inTimer {
			return m.to(Starting), outLaunch
		}
	case Draining:
		if in == inStopped {
			return m.to(Stopped), outNothing
		}
	}
	return m, outNothing
}

func (m machine) starting(in input, now time.Time, random float64) (machine, output) {
	switch in {
	case inLaunched:
		m.attempts, m.usable = 0, false
		return m.to(Initializing), outInitialize
	case inLaunchFailed, inExited:
		return m.crash(now, random)
	}
	return m, outNothing
}

func (m machine) initializing(in input, now time.Time, random float64) (machine, output) {
	switch in {
	case inInitialized:
		m.usable, m.readySince = true, now
		return m.to(Ready), outNothing
	case inInitRefused:
		return m.to(Degraded), outNothing
	case inInitPostponed:
		m.delay = jittered(m.attempts+2, random)
		m.attempts++
		return m, outTimer
	case inTimer:
		return m, outInitialize
	case inExited:
		return m.crash(now, random)
	}
	return m, outNothing
}

func (m machine) running(in input, now time.Time, random float64) (machine, output) {
	switch in {
	case inExited:
		return m.crash(now, random)
	case inInitialized: // other settings
		if !m.usable {
			m.usable, m.readySince = true, now
		}
		return m.to(Ready), outNothing
	case inUnwell:
		return m.to(Degraded), outNothing
	case inWell:
		if m.usable {
			return m.to(Ready), outNothing
		}
	}
	return m, outNothing
}

func (m machine) to(s State) machine {
	m.state = s
	return m
}

func (m machine) stop() (machine, output) {
	switch m.state {
	case Stopped, Draining:
		return m, outNothing
	}
	m.usable = false
	return m.to(Draining), outShutDown
}

// crash decides when to start again: at once after a stable stretch, else after
// a pause that grows, with full jitter so that many hubs do not come back in
// step.
func (m machine) crash(now time.Time, random float64) (machine, output) {
	if m.usable && now.Sub(m.readySince) >= stableAfter {
		m.crashes = 0
	}
	m.usable = false
	m.delay = 0
	if m.crashes > 0 || m.readySince.IsZero() || now.Sub(m.readySince) < stableAfter {
		m.delay = jittered(m.crashes, random)
	}
	m.crashes++
	m.readySince = time.Time{}
	return m.to(Backoff), outTimer
}

func jittered(n int, random float64) time.Duration {
	limit := backoffMax
	if n < 16 {
		limit = min(backoffMax, backoffBase<<n)
	}
	return time.Duration(random * float64(limit))
}
