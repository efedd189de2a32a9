package host

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
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
		"start":                        {[]input{inStart}, Starting, outLaunch, 0},
		"start twice":                  {[]input{inStart, inStart}, Starting, outNothing, 0},
		"launched":                     {[]input{inStart, inLaunched}, Initializing, outInitialize, 0},
		"ready":                        {[]input{inStart, inLaunched, inInitialized}, Ready, outNothing, 0},
		"launch failed":                {[]input{inStart, inLaunchFailed}, Backoff, outTimer, backoffBase},
		"launch failed again":          {[]input{inStart, inLaunchFailed, inTimer, inLaunchFailed}, Backoff, outTimer, 2 * backoffBase},
		"tries again":                  {[]input{inStart, inLaunchFailed, inTimer}, Starting, outLaunch, backoffBase},
		"initialize refused":           {[]input{inStart, inLaunched, inInitRefused}, Degraded, outNothing, 0},
		"refused, then other settings": {[]input{inStart, inLaunched, inInitRefused, inInitialized}, Ready, outNothing, 0},
		"refused, health cannot mend":  {[]input{inStart, inLaunched, inInitRefused, inWell}, Degraded, outNothing, 0},
		"initialize postponed":         {[]input{inStart, inLaunched, inInitPostponed}, Initializing, outTimer, 4 * backoffBase},
		"initialize again":             {[]input{inStart, inLaunched, inInitPostponed, inTimer}, Initializing, outInitialize, 4 * backoffBase},
		"crash while initializing":     {[]input{inStart, inLaunched, inExited}, Backoff, outTimer, backoffBase},
		"unwell":                       {[]input{inStart, inLaunched, inInitialized, inUnwell}, Degraded, outNothing, 0},
		"well again":                   {[]input{inStart, inLaunched, inInitialized, inUnwell, inWell}, Ready, outNothing, 0},
		"crash":                        {[]input{inStart, inLaunched, inInitialized, inExited}, Backoff, outTimer, backoffBase},
		"crash while degraded":         {[]input{inStart, inLaunched, inInitialized, inUnwell, inExited}, Backoff, outTimer, backoffBase},
		"stop":                         {[]input{inStart, inLaunched, inInitialized, inStop}, Draining, outShutDown, 0},
		"stop in backoff":              {[]input{inStart, inLaunchFailed, inStop}, Draining, outShutDown, backoffBase},
		"exit while draining":          {[]input{inStart, inLaunched, inInitialized, inStop, inExited}, Draining, outNothing, 0},
		"stopped":                      {[]input{inStart, inLaunched, inInitialized, inStop, inStopped}, Stopped, outNothing, 0},
		"stop of a stopped one":        {[]input{inStop}, Stopped, outNothing, 0},
		"late news mean nothing":       {[]input{inStart, inLaunched, inInitialized, inStop, inStopped, inExited, inTimer, inWell}, Stopped, outNothing, 0},
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
	want := []time.Duration{
		backoffBase, 2 * backoffBase, 4 * backoffBase, 8 * backoffBase, 16 * backoffBase, 32 * backoffBase,
		64 * backoffBase, 128 * backoffBase, time.Minute, time.Minute,
	}
	crash := func() time.Duration {
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
	m, _ = m.step(inLaunchFailed, now, 0.5)
	return m.delay
}

// TestMachineProperties: whatever happens in whatever order, there is never a
// second process beside a first, a stopped plugin stays stopped, and pauses keep
// within their bounds.
func TestMachineProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m, now := machine{state: Stopped}, time.Unix(0, 0)
		launching, process := false, false
		for range rapid.IntRange(1, 200).Draw(r, "steps") {
			in := input(rapid.IntRange(int(inStart), int(inStopped)).Draw(r, "input"))
			// What cannot happen: news of a process that is not there.
			switch in {
			case inLaunched, inLaunchFailed:
				if !launching {
					continue
				}
				launching, process = false, in == inLaunched
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
				launching, process = false, false
			}
			before := m
			now = now.Add(time.Duration(rapid.IntRange(0, 1200).Draw(r, "seconds")) * time.Second)
			var out output
			m, out = m.step(in, now, rapid.Float64Range(0, 0.999).Draw(r, "random"))
			switch out {
			case outLaunch:
				assert.False(r, process || launching, "a second process after %v in %v", in, before.state)
				launching = true
			case outInitialize:
				assert.True(r, process, "nothing to initialize")
			case outTimer:
				assert.True(r, m.delay >= 0 && m.delay <= backoffMax)
			}
			if before.state == Draining {
				assert.Contains(r, []State{Draining, Stopped}, m.state)
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
