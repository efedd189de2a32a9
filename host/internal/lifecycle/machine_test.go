package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// run feeds inputs to a machine that starts out stopped.
func run(inputs ...Input) (Machine, Output) {
	m, out := New(0), Nothing
	now := time.Unix(0, 0)
	for _, in := range inputs {
		m, out = m.Step(in, now, 1)
	}
	return m, out
}

func TestTransitions(t *testing.T) {
	for name, tc := range map[string]struct {
		inputs []Input
		state  State
		out    Output
		delay  time.Duration
	}{
		"start":                        {[]Input{Start{}}, Verifying, Verify, 0},
		"start twice":                  {[]Input{Start{}, Start{}}, Verifying, Nothing, 0},
		"verified":                     {[]Input{Start{}, Verified{}}, Starting, Launch, 0},
		"not to be trusted":            {[]Input{Start{}, VerifyFailed{}}, Backoff, StartTimer, 2 * backoffBase},
		"looked at again":              {[]Input{Start{}, VerifyFailed{}, TimerFired{}}, Verifying, Verify, 2 * backoffBase},
		"quarantined before":           {[]Input{Start{}, StillQuarantined{}}, Quarantined, Nothing, 0},
		"quarantine is no pause":       {[]Input{Start{}, StillQuarantined{}, TimerFired{}}, Quarantined, Nothing, 0},
		"released":                     {[]Input{Start{}, StillQuarantined{}, Release{}}, Verifying, Verify, 0},
		"released without need":        {[]Input{Start{}, Verified{}, Launched{}, Initialized{}, Release{}}, Ready, Nothing, 0},
		"stop in quarantine":           {[]Input{Start{}, StillQuarantined{}, Stop{}}, Draining, ShutDown, 0},
		"upgraded":                     {[]Input{Start{}, Verified{}, Launched{}, Initialized{}, Upgraded{}}, Ready, Nothing, 0},
		"upgraded out of quarantine":   {[]Input{Start{}, StillQuarantined{}, Upgraded{}}, Ready, Nothing, 0},
		"upgraded while starting":      {[]Input{Start{}, Verified{}, Upgraded{}}, Ready, Nothing, 0},
		"upgraded too late":            {[]Input{Start{}, Stop{}, Upgraded{}}, Draining, Nothing, 0},
		"launched":                     {[]Input{Start{}, Verified{}, Launched{}}, Initializing, Initialize, 0},
		"ready":                        {[]Input{Start{}, Verified{}, Launched{}, Initialized{}}, Ready, Nothing, 0},
		"launch failed":                {[]Input{Start{}, Verified{}, LaunchFailed{}}, Backoff, StartTimer, backoffBase},
		"launch failed again":          {[]Input{Start{}, Verified{}, LaunchFailed{}, TimerFired{}, Verified{}, LaunchFailed{}}, Backoff, StartTimer, 2 * backoffBase},
		"tries again":                  {[]Input{Start{}, Verified{}, LaunchFailed{}, TimerFired{}}, Verifying, Verify, backoffBase},
		"initialize refused":           {[]Input{Start{}, Verified{}, Launched{}, InitRefused{}}, Degraded, Nothing, 0},
		"refused, then other settings": {[]Input{Start{}, Verified{}, Launched{}, InitRefused{}, Initialized{}}, Ready, Nothing, 0},
		"refused, health cannot mend":  {[]Input{Start{}, Verified{}, Launched{}, InitRefused{}, Well{}}, Degraded, Nothing, 0},
		"refused, then lifted":         {[]Input{Start{}, Verified{}, Launched{}, InitRefused{}, Lifted{}}, Initializing, Initialize, 0},
		"nothing to lift":              {[]Input{Start{}, Verified{}, Launched{}, Initialized{}, Unwell{}, Lifted{}}, Degraded, Nothing, 0},
		"initialize postponed":         {[]Input{Start{}, Verified{}, Launched{}, InitPostponed{}}, Initializing, StartTimer, 4 * backoffBase},
		"initialize again":             {[]Input{Start{}, Verified{}, Launched{}, InitPostponed{}, TimerFired{}}, Initializing, Initialize, 4 * backoffBase},
		"postponed by the vendor":      {[]Input{Start{}, Verified{}, Launched{}, InitPostponed{RetryAfter: time.Minute}}, Initializing, StartTimer, time.Minute},
		"postponed for ever":           {[]Input{Start{}, Verified{}, Launched{}, InitPostponed{RetryAfter: time.Hour}}, Initializing, StartTimer, stableAfter},
		"crash while initializing":     {[]Input{Start{}, Verified{}, Launched{}, Exited{}}, Backoff, StartTimer, backoffBase},
		"unwell":                       {[]Input{Start{}, Verified{}, Launched{}, Initialized{}, Unwell{}}, Degraded, Nothing, 0},
		"well again":                   {[]Input{Start{}, Verified{}, Launched{}, Initialized{}, Unwell{}, Well{}}, Ready, Nothing, 0},
		"crash":                        {[]Input{Start{}, Verified{}, Launched{}, Initialized{}, Exited{}}, Backoff, StartTimer, backoffBase},
		"crash while degraded":         {[]Input{Start{}, Verified{}, Launched{}, Initialized{}, Unwell{}, Exited{}}, Backoff, StartTimer, backoffBase},
		"stop":                         {[]Input{Start{}, Verified{}, Launched{}, Initialized{}, Stop{}}, Draining, ShutDown, 0},
		"stop in backoff":              {[]Input{Start{}, Verified{}, LaunchFailed{}, Stop{}}, Draining, ShutDown, backoffBase},
		"exit while draining":          {[]Input{Start{}, Verified{}, Launched{}, Initialized{}, Stop{}, Exited{}}, Draining, Nothing, 0},
		"stopped":                      {[]Input{Start{}, Verified{}, Launched{}, Initialized{}, Stop{}, HasStopped{}}, Stopped, Nothing, 0},
		"stop of a stopped one":        {[]Input{Stop{}}, Stopped, Nothing, 0},
		"late news mean nothing":       {[]Input{Start{}, Verified{}, Launched{}, Initialized{}, Stop{}, HasStopped{}, Exited{}, TimerFired{}, Well{}}, Stopped, Nothing, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m, out := run(tc.inputs...)
			assert.Equal(t, tc.state, m.State)
			assert.Equal(t, tc.out, out)
			assert.Equal(t, tc.delay, m.Delay)
		})
	}
}

func TestBackoffGrowsToAMinuteAndIsForgotten(t *testing.T) {
	now := time.Unix(0, 0)
	m, _ := run(Start{})
	m.limit = 0
	want := []time.Duration{
		backoffBase, 2 * backoffBase, 4 * backoffBase, 8 * backoffBase, 16 * backoffBase, 32 * backoffBase,
		64 * backoffBase, 128 * backoffBase, time.Minute, time.Minute,
	}
	crash := func() time.Duration {
		m, _ = m.Step(Verified{}, now, 1)
		m, _ = m.Step(Launched{}, now, 1)
		m, _ = m.Step(Initialized{}, now, 1)
		now = now.Add(time.Minute) // well for a while, but not for long
		m, _ = m.Step(Exited{}, now, 1)
		delay := m.Delay
		m, _ = m.Step(TimerFired{}, now, 1)
		return delay
	}
	for n, d := range want {
		assert.Equal(t, d, crash(), "crash %d", n+1)
	}
	m, _ = m.Step(Verified{}, now, 1)
	m, _ = m.Step(Launched{}, now, 1)
	m, _ = m.Step(Initialized{}, now, 1)
	now = now.Add(stableAfter)
	m, out := m.Step(Exited{}, now, 1)
	assert.Equal(t, StartTimer, out)
	assert.Zero(t, m.Delay, "the first crash after a stable stretch starts at once")
	m, _ = m.Step(TimerFired{}, now, 1)
	assert.Equal(t, backoffBase, crashOf(m, now), "and the next one is the second")
}

func crashOf(m Machine, now time.Time) time.Duration {
	m, _ = m.Step(Verified{}, now, 0.5)
	m, _ = m.Step(LaunchFailed{}, now, 0.5)
	return m.Delay
}

// TestQuarantine: five crashes in ten minutes are too many, four are not, nor are
// five in more time.
func TestQuarantine(t *testing.T) {
	crash := func(m Machine, now time.Time) Machine {
		for _, in := range []Input{TimerFired{}, Verified{}, Launched{}, Initialized{}, Exited{}} {
			m, _ = m.Step(in, now, 1)
		}
		return m
	}
	now := time.Unix(0, 0)
	m := Machine{State: Backoff, limit: DefaultCrashLimit}
	for n := range DefaultCrashLimit - 1 {
		m = crash(m, now.Add(time.Duration(n)*time.Minute))
		require.Equal(t, Backoff, m.State)
	}
	assert.Equal(t, Backoff, crash(m, now.Add(crashWindow+time.Minute)).State, "the first one is forgotten by now")
	m = crash(m, now.Add(9*time.Minute))
	assert.Equal(t, Quarantined, m.State)

	m, out := m.Step(Release{}, now.Add(9*time.Minute), 1)
	assert.Equal(t, Verify, out)
	m, _ = m.Step(Verified{}, now, 1)
	m, _ = m.Step(LaunchFailed{}, now.Add(9*time.Minute), 1)
	assert.Equal(t, Backoff, m.State, "a released one starts with a clean sheet")
	assert.Equal(t, backoffBase, m.Delay)

	m = Machine{State: Backoff}
	for range 100 {
		m = crash(m, now)
	}
	assert.Equal(t, Backoff, m.State, "without a limit it is tried for ever")
}

// allInputs lists one of each.
func allInputs() []Input {
	return []Input{
		Start{},
		Verified{},
		VerifyFailed{},
		StillQuarantined{},
		Launched{},
		LaunchFailed{},
		Initialized{},
		InitPostponed{},
		InitRefused{},
		Well{},
		Unwell{},
		Undecided{},
		Lifted{},
		Exited{},
		TimerFired{},
		Upgraded{},
		Release{},
		Stop{},
		HasStopped{},
	}
}

// TestMachineProperties: whatever happens in whatever order, there is never a
// second process beside a first, a stopped plugin stays stopped, a quarantined one
// rests until somebody acts, and pauses keep within their bounds.
func TestMachineProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m, now := New(rapid.IntRange(0, 6).Draw(r, "limit")), time.Unix(0, 0)
		verifying, launching, process := false, false, false
		var crashes []time.Time
		for range rapid.IntRange(1, 200).Draw(r, "steps") {
			in := rapid.SampledFrom(allInputs()).Draw(r, "input")
			// What cannot happen: news of work that nobody has begun, or of a
			// process that is not there.
			switch in.(type) {
			case Verified, VerifyFailed, StillQuarantined:
				if !verifying {
					continue
				}
				verifying = false
			case Launched, LaunchFailed:
				if !launching {
					continue
				}
				launching, process = false, in == (Launched{}) && m.State == Starting
			case Exited:
				if !process {
					continue
				}
				process = false
			case Initialized, InitPostponed, InitRefused:
				if !process {
					continue
				}
			case HasStopped:
				if m.State != Draining {
					continue
				}
				verifying, launching, process = false, false, false
			}
			before := m
			now = now.Add(time.Duration(rapid.IntRange(0, 600).Draw(r, "seconds")) * time.Second)
			var out Output
			m, out = m.Step(in, now, rapid.Float64Range(0, 0.999).Draw(r, "random"))
			switch out {
			case Verify:
				assert.False(r, process, "verifying beside a process after %v in %v", in, before.State)
				verifying = true
			case Launch:
				assert.False(r, process || launching, "a second process after %v in %v", in, before.State)
				launching = true
			case Initialize:
				assert.True(r, process, "nothing to initialize")
			case StartTimer:
				assert.True(r, m.Delay >= 0 && m.Delay <= backoffMax)
			}
			switch {
			case before.State == Draining:
				assert.Contains(r, []State{Draining, Stopped}, m.State)
			case in == (Upgraded{}) && before.State != Stopped:
				assert.Equal(r, Ready, m.State)
				// The other process takes the place of what was there or coming.
				verifying, launching, process = false, false, true
			case before.State == Quarantined && in != (Release{}) && in != (Stop{}):
				assert.Equal(r, Quarantined, m.State)
			}
			if m.State == Backoff && (in == (Exited{}) || in == (LaunchFailed{})) || m.State == Quarantined && before.State != Quarantined && in != (StillQuarantined{}) {
				crashes = append(crashes, now)
			}
			if in == (Release{}) && before.State == Quarantined || in == (Upgraded{}) {
				crashes = nil
			}
			if m.State == Quarantined && before.State != Quarantined && in != (StillQuarantined{}) {
				require.GreaterOrEqual(r, len(crashes), m.limit)
				assert.Less(r, now.Sub(crashes[len(crashes)-m.limit]), crashWindow)
			}
			if m.State == Ready {
				assert.True(r, m.Usable && process)
			}
			if m.State != Ready && m.State != Degraded {
				assert.False(r, m.Usable, "usable in %v", m.State)
			}
		}
	})
}
