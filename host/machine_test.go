package host

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// run feeds inputs to a machine that starts out stopped.
func run(inputs ...input) (machine, output) {
	m, out := machine{state: Stopped}, outNothing
	now := time.Unix(0, 0)
	for _, in := range inputs {
		m, out = m.step(in, now, 1)
	}
	return m, out
}

func TestTransitions(t *testing.T) {
	for name, tc := range map[string]struct {
		inputs []input
		state  State
		out    output
		delay  time.Duration
	}{
		"start":                        {[]input{inStart}, Verifying, outVerify, 0},
		"start twice":                  {[]input{inStart, inStart}, Verifying, outNothing, 0},
		"verified":                     {[]input{inStart, inVerified}, Starting, outLaunch, 0},
		"not to be trusted":            {[]input{inStart, inVerifyFailed}, Backoff, outTimer, 2 * backoffBase},
		"looked at again":              {[]input{inStart, inVerifyFailed, inTimer}, Verifying, outVerify, 2 * backoffBase},
		"quarantined before":           {[]input{inStart, inStillQuarantine}, Quarantined, outNothing, 0},
		"quarantine is no pause":       {[]input{inStart, inStillQuarantine, inTimer}, Quarantined, outNothing, 0},
		"released":                     {[]input{inStart, inStillQuarantine, inRelease}, Verifying, outVerify, 0},
		"released without need":        {[]input{inStart, inVerified, inLaunched, inInitialized, inRelease}, Ready, outNothing, 0},
		"stop in quarantine":           {[]input{inStart, inStillQuarantine, inStop}, Draining, outShutDown, 0},
		"upgraded":                     {[]input{inStart, inVerified, inLaunched, inInitialized, inUpgraded}, Ready, outNothing, 0},
		"upgraded out of quarantine":   {[]input{inStart, inStillQuarantine, inUpgraded}, Ready, outNothing, 0},
		"upgraded while starting":      {[]input{inStart, inVerified, inUpgraded}, Ready, outNothing, 0},
		"upgraded too late":            {[]input{inStart, inStop, inUpgraded}, Draining, outNothing, 0},
		"launched":                     {[]input{inStart, inVerified, inLaunched}, Initializing, outInitialize, 0},
		"ready":                        {[]input{inStart, inVerified, inLaunched, inInitialized}, Ready, outNothing, 0},
		"launch failed":                {[]input{inStart, inVerified, inLaunchFailed}, Backoff, outTimer, backoffBase},
		"launch failed again":          {[]input{inStart, inVerified, inLaunchFailed, inTimer, inVerified, inLaunchFailed}, Backoff, outTimer, 2 * backoffBase},
		"tries again":                  {[]input{inStart, inVerified, inLaunchFailed, inTimer}, Verifying, outVerify, backoffBase},
		"initialize refused":           {[]input{inStart, inVerified, inLaunched, inInitRefused}, Degraded, outNothing, 0},
		"refused, then other settings": {[]input{inStart, inVerified, inLaunched, inInitRefused, inInitialized}, Ready, outNothing, 0},
		"refused, health cannot mend":  {[]input{inStart, inVerified, inLaunched, inInitRefused, inWell}, Degraded, outNothing, 0},
		"refused, then lifted":         {[]input{inStart, inVerified, inLaunched, inInitRefused, inLifted}, Initializing, outInitialize, 0},
		"nothing to lift":              {[]input{inStart, inVerified, inLaunched, inInitialized, inUnwell, inLifted}, Degraded, outNothing, 0},
		"initialize postponed":         {[]input{inStart, inVerified, inLaunched, inInitPostponed}, Initializing, outTimer, 4 * backoffBase},
		"initialize again":             {[]input{inStart, inVerified, inLaunched, inInitPostponed, inTimer}, Initializing, outInitialize, 4 * backoffBase},
		"crash while initializing":     {[]input{inStart, inVerified, inLaunched, inExited}, Backoff, outTimer, backoffBase},
		"unwell":                       {[]input{inStart, inVerified, inLaunched, inInitialized, inUnwell}, Degraded, outNothing, 0},
		"well again":                   {[]input{inStart, inVerified, inLaunched, inInitialized, inUnwell, inWell}, Ready, outNothing, 0},
		"crash":                        {[]input{inStart, inVerified, inLaunched, inInitialized, inExited}, Backoff, outTimer, backoffBase},
		"crash while degraded":         {[]input{inStart, inVerified, inLaunched, inInitialized, inUnwell, inExited}, Backoff, outTimer, backoffBase},
		"stop":                         {[]input{inStart, inVerified, inLaunched, inInitialized, inStop}, Draining, outShutDown, 0},
		"stop in backoff":              {[]input{inStart, inVerified, inLaunchFailed, inStop}, Draining, outShutDown, backoffBase},
		"exit while draining":          {[]input{inStart, inVerified, inLaunched, inInitialized, inStop, inExited}, Draining, outNothing, 0},
		"stopped":                      {[]input{inStart, inVerified, inLaunched, inInitialized, inStop, inStopped}, Stopped, outNothing, 0},
		"stop of a stopped one":        {[]input{inStop}, Stopped, outNothing, 0},
		"late news mean nothing":       {[]input{inStart, inVerified, inLaunched, inInitialized, inStop, inStopped, inExited, inTimer, inWell}, Stopped, outNothing, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m, out := run(tc.inputs...)
			assert.Equal(t, tc.state, m.state)
			assert.Equal(t, tc.out, out)
			assert.Equal(t, tc.delay, m.delay)
		})
	}
}

func TestBackoffGrowsToAMinuteAndIsForgotten(t *testing.T) {
	now := time.Unix(0, 0)
	m, _ := run(inStart)
	m.limit = 0
	want := []time.Duration{
		backoffBase, 2 * backoffBase, 4 * backoffBase, 8 * backoffBase, 16 * backoffBase, 32 * backoffBase,
		64 * backoffBase, 128 * backoffBase, time.Minute, time.Minute,
	}
	crash := func() time.Duration {
		m, _ = m.step(inVerified, now, 1)
		m, _ = m.step(inLaunched, now, 1)
		m, _ = m.step(inInitialized, now, 1)
		now = now.Add(time.Minute) // well for a while, but not for long
		m, _ = m.step(inExited, now, 1)
		delay := m.delay
		m, _ = m.step(inTimer, now, 1)
		return delay
	}
	for n, d := range want {
		assert.Equal(t, d, crash(), "crash %d", n+1)
	}
	m, _ = m.step(inVerified, now, 1)
	m, _ = m.step(inLaunched, now, 1)
	m, _ = m.step(inInitialized, now, 1)
	now = now.Add(stableAfter)
	m, out := m.step(inExited, now, 1)
	assert.Equal(t, outTimer, out)
	assert.Zero(t, m.delay, "the first crash after a stable stretch starts at once")
	m, _ = m.step(inTimer, now, 1)
	assert.Equal(t, backoffBase, crashOf(m, now), "and the next one is the second")
}

func crashOf(m machine, now time.Time) time.Duration {
	m, _ = m.step(inVerified, now, 0.5)
	m, _ = m.step(inLaunchFailed, now, 0.5)
	return m.delay
}

// TestQuarantine: five crashes in ten minutes are too many, four are not, nor are
// five in more time.
func TestQuarantine(t *testing.T) {
	crash := func(m machine, now time.Time) machine {
		for _, in := range []input{inTimer, inVerified, inLaunched, inInitialized, inExited} {
			m, _ = m.step(in, now, 1)
		}
		return m
	}
	now := time.Unix(0, 0)
	m := machine{state: Backoff, limit: defaultCrashLimit}
	for n := range defaultCrashLimit - 1 {
		m = crash(m, now.Add(time.Duration(n)*time.Minute))
		require.Equal(t, Backoff, m.state)
	}
	assert.Equal(t, Backoff, crash(m, now.Add(crashWindow+time.Minute)).state, "the first one is forgotten by now")
	m = crash(m, now.Add(9*time.Minute))
	assert.Equal(t, Quarantined, m.state)

	m, out := m.step(inRelease, now.Add(9*time.Minute), 1)
	assert.Equal(t, outVerify, out)
	m, _ = m.step(inVerified, now, 1)
	m, _ = m.step(inLaunchFailed, now.Add(9*time.Minute), 1)
	assert.Equal(t, Backoff, m.state, "a released one starts with a clean sheet")
	assert.Equal(t, backoffBase, m.delay)

	m = machine{state: Backoff}
	for range 100 {
		m = crash(m, now)
	}
	assert.Equal(t, Backoff, m.state, "without a limit it is tried for ever")
}

// TestMachineProperties: whatever happens in whatever order, there is never a
// second process beside a first, a stopped plugin stays stopped, a quarantined one
// rests until somebody acts, and pauses keep within their bounds.
func TestMachineProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m, now := machine{state: Stopped, limit: rapid.IntRange(0, 6).Draw(r, "limit")}, time.Unix(0, 0)
		verifying, launching, process := false, false, false
		var crashes []time.Time
		for range rapid.IntRange(1, 200).Draw(r, "steps") {
			in := input(rapid.IntRange(0, int(inputs)-1).Draw(r, "input"))
			// What cannot happen: news of work that nobody has begun, or of a
			// process that is not there.
			switch in {
			case inVerified, inVerifyFailed, inStillQuarantine:
				if !verifying {
					continue
				}
				verifying = false
			case inLaunched, inLaunchFailed:
				if !launching {
					continue
				}
				launching, process = false, in == inLaunched && m.state == Starting
			case inExited:
				if !process {
					continue
				}
				process = false
			case inInitialized, inInitPostponed, inInitRefused:
				if !process {
					continue
				}
			case inStopped:
				if m.state != Draining {
					continue
				}
				verifying, launching, process = false, false, false
			}
			before := m
			now = now.Add(time.Duration(rapid.IntRange(0, 600).Draw(r, "seconds")) * time.Second)
			var out output
			m, out = m.step(in, now, rapid.Float64Range(0, 0.999).Draw(r, "random"))
			switch out {
			case outVerify:
				assert.False(r, process, "verifying beside a process after %v in %v", in, before.state)
				verifying = true
			case outLaunch:
				assert.False(r, process || launching, "a second process after %v in %v", in, before.state)
				launching = true
			case outInitialize:
				assert.True(r, process, "nothing to initialize")
			case outTimer:
				assert.True(r, m.delay >= 0 && m.delay <= backoffMax)
			}
			switch {
			case before.state == Draining:
				assert.Contains(r, []State{Draining, Stopped}, m.state)
			case in == inUpgraded && before.state != Stopped:
				assert.Equal(r, Ready, m.state)
				// The other process takes the place of what was there or coming.
				verifying, launching, process = false, false, true
			case before.state == Quarantined && in != inRelease && in != inStop:
				assert.Equal(r, Quarantined, m.state)
			}
			if m.state == Backoff && (in == inExited || in == inLaunchFailed) || m.state == Quarantined && before.state != Quarantined && in != inStillQuarantine {
				crashes = append(crashes, now)
			}
			if in == inRelease && before.state == Quarantined || in == inUpgraded {
				crashes = nil
			}
			if m.state == Quarantined && before.state != Quarantined && in != inStillQuarantine {
				require.GreaterOrEqual(r, len(crashes), m.limit)
				assert.Less(r, now.Sub(crashes[len(crashes)-m.limit]), crashWindow)
			}
			if m.state == Ready {
				assert.True(r, m.usable && process)
			}
			if m.state != Ready && m.state != Degraded {
				assert.False(r, m.usable, "usable in %v", m.state)
			}
		}
	})
}
