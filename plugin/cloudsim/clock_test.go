package cloudsim

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What waits in a cloud whose clock stands waits for a step, and for no more.
func TestSteppedClock(t *testing.T) {
	ccs2, ccs1 := demoCars()
	for name, tc := range map[string]struct {
		options Options
		step    *Step
		path    string
		wait    time.Duration
	}{
		"wake":    {Options{ForceDelay: 40 * time.Second}, nil, "vehicles/" + ccs1 + "/status", 40 * time.Second},
		"delay":   {Options{}, &Step{Fault: Delay, Delay: time.Hour}, "vehicles/" + ccs2 + "/ccs2/carstatus/latest", time.Hour},
		"latency": {Options{Latency: 5 * time.Second}, nil, "vehicles", 5 * time.Second},
		"drip":    {Options{}, &Step{Fault: Drip, Delay: time.Hour}, "vehicles/" + ccs1 + "/location/park", 1000 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				latency := tc.options.Latency
				tc.options.Latency, tc.options.TokenLife, tc.options.Stepped = 0, 2000*time.Hour, true
				c, err := New(tc.options)
				require.NoError(t, err)
				p := owner(t, c)
				c.opts.Latency = latency
				if tc.step != nil {
					play(t, c, *tc.step)
				}

				began, answered := time.Now(), make(chan string, 1)
				go func() { answered <- said(p.get(tc.path)) }()
				time.Sleep(24 * time.Hour) // of the bubble's time
				synctest.Wait()
				require.Empty(t, answered, "time that passes elsewhere ends nothing")

				c.Advance(tc.wait - time.Millisecond)
				synctest.Wait()
				if name != "drip" { // each of its bytes waits anew
					require.Empty(t, answered, "the time has not come")
				}
				for len(answered) == 0 {
					c.Advance(time.Hour)
					synctest.Wait()
				}
				assert.Equal(t, fine, <-answered)
				assert.Equal(t, 24*time.Hour, time.Since(began), "nothing waited for real")
			})
		})
	}
}

// A clock that runs faster makes everything wait less, and its rate can change
// while something waits.
func TestRateOfTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Options{Rate: 60, TokenLife: 100 * time.Hour})
		require.NoError(t, err)
		p := owner(t, c)
		play(t, c, Step{Fault: Delay, Delay: time.Hour}, Step{Fault: Delay, Delay: time.Hour})

		began, shown := time.Now(), c.now()
		assert.Equal(t, fine, said(p.get("vehicles")))
		assert.Equal(t, time.Minute, time.Since(began))
		assert.Equal(t, time.Hour, c.now().Sub(shown))

		time.AfterFunc(30*time.Second, func() { c.SetRate(3600) })
		assert.Equal(t, fine, said(p.get("vehicles")))
		assert.Equal(t, 90*time.Second+500*time.Millisecond, time.Since(began), "half of it at the old rate, half at the new one")
		assert.Equal(t, 2*time.Hour, c.now().Sub(shown), "a change of the rate moves nothing")
	})
}
