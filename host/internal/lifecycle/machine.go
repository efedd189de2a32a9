package lifecycle

import "time"

// Timing of restarts.
const (
	backoffBase = 250 * time.Millisecond
	backoffMax  = 60 * time.Second
	// A plugin that was well for this long starts anew as if it had never
	// crashed, the first time at once. No pause is longer.
	stableAfter = 10 * time.Minute
	// crashWindow is the time in which too many crashes are too many.
	crashWindow = 10 * time.Minute
)

// DefaultCrashLimit is how many crashes in ten minutes are too many.
const DefaultCrashLimit = 5

// Machine is the life of one plugin. Its zero value is not useful: begin with New.
type Machine struct {
	State State
	// Usable: Initialize has succeeded with this process.
	Usable bool
	// Delay of the timer that was asked for.
	Delay time.Duration

	// limit of crashes within crashWindow; none if not positive.
	limit int
	// failures since the last stable stretch, initialize attempts since the last
	// launch.
	failures, attempts int
	// crashes within the window. Never changed in place.
	crashes    []time.Time
	readySince time.Time
}

// New is a stopped plugin that is quarantined after crashLimit crashes in ten
// minutes; never if that is not positive.
func New(crashLimit int) Machine { return Machine{State: Stopped, limit: crashLimit} }

// Step returns the machine after in, and what is to be done. Inputs that make no
// sense in a state change nothing. random is in [0, 1).
func (m Machine) Step(in Input, now time.Time, random float64) (Machine, Output) {
	switch in.(type) {
	case Stop:
		return m.stop()
	case Upgraded:
		return m.upgraded(now)
	}

	switch m.State {
	case Stopped:
		if in == (Start{}) {
			return m.to(Verifying), Verify
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
		if in == (TimerFired{}) {
			return m.to(Verifying), Verify
		}
	case Quarantined:
		if in == (Release{}) {
			m.failures, m.crashes = 0, nil
			return m.to(Verifying), Verify
		}
	case Draining:
		if in == (HasStopped{}) {
			return m.to(Stopped), Nothing
		}
	}
	return m, Nothing
}

// verifying: a program that is missing or not trusted may be in the middle of
// being replaced, so it is looked at again; that is no crash.
func (m Machine) verifying(in Input, random float64) (Machine, Output) {
	switch in.(type) {
	case Verified:
		return m.to(Starting), Launch
	case StillQuarantined:
		return m.to(Quarantined), Nothing
	case VerifyFailed:
		m.Delay = jittered(m.failures+1, random)
		m.failures++
		return m.to(Backoff), StartTimer
	}
	return m, Nothing
}

func (m Machine) starting(in Input, now time.Time, random float64) (Machine, Output) {
	switch in.(type) {
	case Launched:
		m.attempts, m.Usable = 0, false
		return m.to(Initializing), Initialize
	case LaunchFailed, Exited:
		return m.crash(now, random)
	}
	return m, Nothing
}

func (m Machine) initializing(in Input, now time.Time, random float64) (Machine, Output) {
	switch in := in.(type) {
	case Initialized:
		m.Usable, m.readySince = true, now
		return m.to(Ready), Nothing
	case InitRefused:
		return m.to(Degraded), Nothing
	case InitPostponed:
		m.Delay = min(max(jittered(m.attempts+2, random), in.RetryAfter), stableAfter)
		m.attempts++
		return m, StartTimer
	case TimerFired:
		return m, Initialize
	case Exited:
		return m.crash(now, random)
	}
	return m, Nothing
}

func (m Machine) running(in Input, now time.Time, random float64) (Machine, Output) {
	switch in.(type) {
	case Exited:
		return m.crash(now, random)
	case Initialized: // other settings
		if !m.Usable {
			m.Usable, m.readySince = true, now
		}
		return m.to(Ready), Nothing
	case Unwell:
		return m.to(Degraded), Nothing
	case Well:
		if m.Usable {
			return m.to(Ready), Nothing
		}
	case Lifted:
		if !m.Usable {
			m.attempts = 0
			return m.to(Initializing), Initialize
		}
	}
	return m, Nothing
}

// upgraded: whatever the old process was doing, the new one is ready.
func (m Machine) upgraded(now time.Time) (Machine, Output) {
	switch m.State {
	case Stopped, Draining:
		return m, Nothing
	}
	m.Usable, m.readySince, m.failures, m.crashes = true, now, 0, nil
	return m.to(Ready), Nothing
}

func (m Machine) to(s State) Machine {
	m.State = s
	return m
}

func (m Machine) stop() (Machine, Output) {
	switch m.State {
	case Stopped, Draining:
		return m, Nothing
	}
	m.Usable = false
	return m.to(Draining), ShutDown
}

// crash decides when to start again: at once after a stable stretch, else after
// a pause that grows, with full jitter so that many hubs do not come back in
// step; and not at all if it has happened too often.
func (m Machine) crash(now time.Time, random float64) (Machine, Output) {
	stable := m.Usable && now.Sub(m.readySince) >= stableAfter
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
	m.Usable, m.readySince, m.Delay = false, time.Time{}, 0
	if m.limit > 0 && len(m.crashes) >= m.limit {
		return m.to(Quarantined), Nothing
	}

	if !stable {
		m.Delay = jittered(m.failures, random)
	}
	m.failures++
	return m.to(Backoff), StartTimer
}

func jittered(n int, random float64) time.Duration {
	limit := backoffMax
	if n < 16 {
		limit = min(backoffMax, backoffBase<<n)
	}
	return time.Duration(random * float64(limit))
}
