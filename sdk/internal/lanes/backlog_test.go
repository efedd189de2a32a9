package lanes_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/lanes"
)

// lasting is a job that takes so long.
func lasting(d time.Duration) func(context.Context, lanes.Info) (any, error) {
	return func(context.Context, lanes.Info) (any, error) {
		time.Sleep(d)
		return nil, nil
	}
}

// TestWhoWaitsInVainIsToldAtOnce: of more than the workers can serve in time, those who can
// be served are, and the others hear so long before their time is over.
func TestWhoWaitsInVainIsToldAtOnce(t *testing.T) {
	for _, c := range []struct {
		workers, callers int
		job, within      time.Duration
		served           int
	}{
		{workers: 4, callers: 400, job: time.Second, within: 30*time.Second + time.Millisecond, served: 120},
		{workers: 32, callers: 1000, job: time.Second, within: 60 * time.Second, served: 1000},
		{workers: 32, callers: 4000, job: time.Second, within: 60*time.Second + time.Millisecond, served: 1920},
		{workers: 8, callers: 200, job: 25 * time.Second, within: 60 * time.Second, served: 16},
		{workers: 16, callers: 4000, job: 50 * time.Millisecond, within: 5*time.Second + time.Millisecond, served: 1600},
	} {
		t.Run(fmt.Sprint(c.callers, " calls of ", c.job, " on ", c.workers), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := lanes.New(lanes.Options{Workers: c.workers})
				ctx, cancel := context.WithTimeout(t.Context(), c.within)
				defer cancel()
				type end struct {
					at  time.Duration
					err error
				}
				begun, ends := time.Now(), make(chan end, c.callers)
				for i := range c.callers {
					go func() {
						_, _, err := l.Do(ctx, read(fmt.Sprint(i)), lasting(c.job))
						ends <- end{time.Since(begun), err}
					}()
				}

				served, late, refused := 0, 0, []time.Duration(nil)
				for range c.callers {
					switch e := <-ends; {
					case e.err == nil:
						served++
					case errors.Is(e.err, context.DeadlineExceeded):
						late++
					default:
						require.ErrorIs(t, e.err, lanes.ErrFull)
						refused = append(refused, e.at)
					}
				}
				assert.Equal(t, c.served, served)
				assert.LessOrEqual(t, late, c.workers, "those who nearly had a worker")
				if slices.Sort(refused); len(refused) > 0 {
					t.Log(late, "late; refusals: half after", refused[len(refused)/2], "nine of ten after", refused[len(refused)*9/10])
					round := max(c.job, 250*time.Millisecond)
					assert.LessOrEqual(t, refused[len(refused)/2], round)
					assert.LessOrEqual(t, refused[len(refused)*9/10], 2*round)
				}
				require.NoError(t, l.Close(t.Context()))
			})
		})
	}
}

// TestANewCallerIsToldWhenToComeAgain and one who has time waits.
func TestANewCallerIsToldWhenToComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lanes.New(lanes.Options{Workers: 2})
		var all []<-chan error
		for i := range 20 {
			all = append(all, start(t.Context(), l, read(fmt.Sprint(i)), lasting(time.Second)))
		}
		time.Sleep(4500 * time.Millisecond) // 8 have ended, 2 run, 10 wait

		soon, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, _, err := l.Do(soon, read("soon"), lasting(time.Second))
		var full *lanes.FullError
		require.ErrorAs(t, err, &full)
		require.NoError(t, soon.Err(), "and that at once")
		assert.InDelta(t, 4.0, full.RetryAfter.Seconds(), 1.5, "six more ones have to begin, and it takes a second itself")

		later, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, _, err = l.Do(later, read("later"), lasting(time.Second))
		require.NoError(t, err)
		for _, done := range all {
			require.NoError(t, <-done)
		}
		// Nobody waits any more, so that what was slow before does not matter.
		at, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, _, err = l.Do(at, read("at once"), lasting(time.Millisecond))
		require.NoError(t, err)
	})
}

// TestAVendorThatWasSlowIsForgotten: what ends quickly counts for more than what did not.
func TestAVendorThatWasSlowIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lanes.New(lanes.Options{Workers: 4})
		var all []<-chan error
		for i := range 16 {
			all = append(all, start(t.Context(), l, read(fmt.Sprint("slow", i)), lasting(25*time.Second)))
		}
		synctest.Wait() // they are all in the queue, before the others
		for i := range 400 {
			all = append(all, start(t.Context(), l, read(fmt.Sprint("fast", i)), lasting(100*time.Millisecond)))
		}
		time.Sleep(104 * time.Second) // 160 of the fast ones have ended
		hurried, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		_, _, err := l.Do(hurried, read("hurried"), instant)
		require.NoError(t, err)
		for _, done := range all {
			require.NoError(t, <-done)
		}
	})
}
