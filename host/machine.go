package host

import "time"

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
	// Degraded: the process runs, but the plugin says that something is wrong,
	// or it refused its settings. The status has the sentence.
	Degraded State = "degraded"
	// Draining: no new calls, the running ones end.
	Draining State = "draining"
	// Crashed: the process has ended by itself. It stands in the event of the
	// crash; the plugin itself is in Backoff or Quarantined at once.
	Crashed State = "crashed"
	// Backoff: waiting before the next start.
	Backoff State = "backoff"
	// Quarantined: it crashed too often and is not started again before somebody
	// acts. It outlives the host.
	Quarantined State = "quarantined"
)

// States lists them all, in the order of a life.
func States() []State {
	return []State{Stopped, Verifying, Starting, Initializing, Ready, Degraded, Draining, Crashed, Backoff, Quarantined}
}

// input is what happens to a plugin.
type input int

const (
	inStart           input = iota // the hub wants it to run
	inVerified                     // the program is the trusted one
	inVerifyFailed                 // it is not, or it is not there
	inStillQuarantine              // it is the one that was quarantined before
	inLaunched                     // process and connection are there
	inLaunchFailed                 // no process, or no handshake
	inInitialized                  // Initialize succeeded
	inInitPostponed                // Initialize failed and may succeed later
	inInitRefused                  // Initialize failed for good
	inWell                         // health: all is well
	inUnwell                       // health: something is wrong
	inHealth                       // health: neither, for example still starting
	inLifted                       // health: what only a human could lift has been lifted
	inExited                       // the process has ended
	inTimer                        // the timer that the machine asked for
	inUpgraded                     // another process has taken over, ready
	inRelease                      // somebody lifts the quarantine
	inStop                         // the hub wants it to stop
	inStopped                      // it has stopped
	inputs                         // how many there are
)

// newcomer: the input is about a run that is not yet the present one.
func (in input) newcomer() bool { return in == inLaunched || in == inLaunchFailed || in == inUpgraded }

// output is what has to be done next.
type output int

const (
	outNothing output = iota
	outVerify
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
	// crashWindow is the time in which too many crashes are too many.
	crashWindow = 10 * time.Minute
	// defaultCrashLimit is how many are too many.
	defaultCrashLimit = 5
)

// machine is the life of one plugin as a pure function: no clock, no I/O.
type machine struct {
	state State
	// limit of crashes within crashWindow; none if not positive.
	limit int
	// failures since the last stable stretch, initialize attempts since the last
	// launch.
	failures, attempts int
	// crashes within the window. Never changed in place.
	crashes []time.Time
	// usable: Initialize has succeeded with this process.
	usable     bool
	readySince time.Time
	// delay of the timer that was asked for.
	delay time.Duration
}

// step returns the machine after in, and what is to be done. Inputs that make
// no sense in a state change nothing. random is in [0, 1).
func (m machine) step(in input, now time.Time, random float64) (machine, output) {
	switch in {
	case inStop:
		return m.stop()
	case inUpgraded:
		return m.upgraded(now)
	}
	switch m.state {
	case Stopped:
		if in == inStart {
			return m.to(Verifying), outVerify
		}
	case Verifying:
		return m.verifying(in, random)
	case Starting:
		return m.starting(in, now, random)
	case Initializing:
		return m.initializing(in, now, random)
	case Ready, Degraded:
		return m.running(in, now, random)
	case Backoff:
		if in == inTimer {
			return m.to(Verifying), outVerify
		}
	case Quarantined:
		if in == inRelease {
			m.failures, m.crashes = 0, nil
			return m.to(Verifying), outVerify
		}
	case Draining:
		if in == inStopped {
			return m.to(Stopped), outNothing
		}
	}
	return m, outNothing
}

// verifying: a program that is missing or not trusted may be in the middle of
// being replaced, so it is looked at again; that is no crash.
func (m machine) verifying(in input, random float64) (machine, output) {
	switch in {
	case inVerified:
		return m.to(Starting), outLaunch
	case inStillQuarantine:
		return m.to(Quarantined), outNothing
	case inVerifyFailed:
		m.delay = jittered(m.failures+1, random)
		m.failures++
		return m.to(Backoff), outTimer
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
	case inLifted:
		if !m.usable {
			m.attempts = 0
			return m.to(Initializing), outInitialize
		}
	}
	return m, outNothing
}

// upgraded: whatever the old program was up to, the new one is ready.
func (m machine) upgraded(now time.Time) (machine, output) {
	switch m.state {
	case Stopped, Draining:
		return m, outNothing
	}
	m.usable, m.readySince, m.failures, m.crashes = true, now, 0, nil
	return m.to(Ready), outNothing
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
// step; and not at all if it has happened too often.
func (m machine) crash(now time.Time, random float64) (machine, output) {
	stable := m.usable && now.Sub(m.readySince) >= stableAfter
	if stable {
		m.failures = 0
	}
	crashes := []time.Time{now}
	for _, at := range m.crashes {
		if now.Sub(at) < crashWindow {
			crashes = append(crashes, at)
		}
	}
	m.crashes = crashes
	m.usable, m.readySince, m.delay = false, time.Time{}, 0
	if m.limit > 0 && len(m.crashes) >= m.limit {
		return m.to(Quarantined), outNothing
	}
	if !stable {
		m.delay = jittered(m.failures, random)
	}
	m.failures++
	return m.to(Backoff), outTimer
}

func jittered(n int, random float64) time.Duration {
	limit := backoffMax
	if n < 16 {
		limit = min(backoffMax, backoffBase<<n)
	}
	return time.Duration(random * float64(limit))
}
