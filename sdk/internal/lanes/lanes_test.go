package lanes_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/lanes"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func read(vehicle string) lanes.Key { return lanes.Key{Vehicle: vehicle, Class: lanes.Read} }
func wake(vehicle string) lanes.Key { return lanes.Key{Vehicle: vehicle, Class: lanes.Wake} }

// gate is a job that says when it runs and ends when it is told to.
type gate struct {
	running chan struct{}
	release chan struct{}
}

func newGate() *gate { return &gate{running: make(chan struct{}), release: make(chan struct{})} }

func (g *gate) run(ctx context.Context, _ lanes.Info) (any, error) {
	close(g.running)
	select {
	case <-g.release:
		return "done", nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// start runs Do in a goroutine and returns its outcome.
func start(ctx context.Context, l *lanes.Lanes, k lanes.Key, run func(context.Context, lanes.Info) (any, error)) <-chan error {
	out := make(chan error, 1)
	go func() {
		_, _, err := l.Do(ctx, k, run)
		out <- err
	}()
	return out
}

func instant(context.Context, lanes.Info) (any, error) { return "done", nil }

func queued(l *lanes.Lanes) int {
	s := l.Stats()
	return s.Waiting[lanes.Read] + s.Waiting[lanes.Wake]
}

func TestEqualJobsAreOne(t *testing.T) {
	l := lanes.New(lanes.Options{})
	g := newGate()
	first := start(t.Context(), l, wake("a"), g.run)
	<-g.running
	var rest []<-chan error
	for range 100 {
		rest = append(rest, start(t.Context(), l, wake("a"), func(context.Context, lanes.Info) (any, error) {
			return nil, errors.New("a second job ran")
		}))
	}
	await.True(t, "all have joined", func() bool { return l.Stats().Coalesced == 100 })
	close(g.release)
	require.NoError(t, <-first)
	for _, r := range rest {
		require.NoError(t, <-r)
	}
}

func TestJoinFindsOnlyWhatIsThere(t *testing.T) {
	l := lanes.New(lanes.Options{})
	_, joined, err := l.Join(t.Context(), wake("a"))
	require.NoError(t, err)
	assert.False(t, joined)

	g := newGate()
	first := start(t.Context(), l, wake("a"), g.run)
	<-g.running
	result := make(chan any, 1)
	go func() {
		v, ok, _ := l.Join(context.Background(), wake("a"))
		result <- fmt.Sprint(v, ok)
	}()
	await.True(t, "joined", func() bool { return l.Stats().Coalesced == 1 })
	close(g.release)
	require.NoError(t, <-first)
	assert.Equal(t, "donetrue", <-result)
}

// TestReadsHaveRoomBesideWakes: cars that sleep may take every worker, and others are read
// all the same, a few at a time.
func TestReadsHaveRoomBesideWakes(t *testing.T) {
	l := lanes.New(lanes.Options{Workers: 4, Reserved: 2})
	release := make(chan struct{})
	var running atomic.Int32
	var outcomes []<-chan error
	for i := range 40 {
		outcomes = append(outcomes, start(t.Context(), l, wake(fmt.Sprint(i)), func(context.Context, lanes.Info) (any, error) {
			running.Add(1)
			<-release
			return nil, nil
		}))
	}
	await.True(t, "four wakes run", func() bool { return running.Load() == 4 })
	// None of the forty has ended, and the read is answered all the same.
	_, _, err := l.Do(t.Context(), read("41"), instant)
	require.NoError(t, err)
	assert.EqualValues(t, 4, running.Load())
	reading := make(chan struct{})
	for i := range 3 {
		outcomes = append(outcomes, start(t.Context(), l, read(fmt.Sprint(50+i)), func(context.Context, lanes.Info) (any, error) {
			<-reading
			return nil, nil
		}))
	}
	await.True(t, "three reads wait or run", func() bool { s := l.Stats(); return s.Running[lanes.Read]+s.Waiting[lanes.Read] == 3 })
	assert.Equal(t, [2]int{2, 4}, l.Stats().Running, "two more than workers, and no more")
	close(reading)
	close(release)
	for _, o := range outcomes {
		require.NoError(t, <-o)
	}
}

func TestReadOfACarDoesNotWaitForItsWake(t *testing.T) {
	l := lanes.New(lanes.Options{})
	g := newGate()
	first := start(t.Context(), l, wake("a"), g.run)
	<-g.running
	_, _, err := l.Do(t.Context(), read("a"), instant)
	require.NoError(t, err)
	close(g.release)
	require.NoError(t, <-first)
}

func TestVehiclesTakeTurns(t *testing.T) {
	l := lanes.New(lanes.Options{Workers: 1})
	g := newGate()
	blocker := start(t.Context(), l, read("blocker"), g.run)
	<-g.running
	var mu sync.Mutex
	var order []string
	var outcomes []<-chan error
	add := func(vehicle, name string) {
		before := queued(l)
		outcomes = append(outcomes, start(t.Context(), l, lanes.Key{Vehicle: vehicle, Name: name}, func(context.Context, lanes.Info) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, vehicle+name)
			return nil, nil
		}))
		await.True(t, "queued", func() bool { return queued(l) == before+1 })
	}
	for _, name := range []string{"1", "2", "3"} {
		add("a", name)
	}
	add("b", "1")
	add("c", "1")
	close(g.release)
	require.NoError(t, <-blocker)
	for _, o := range outcomes {
		require.NoError(t, <-o)
	}
	assert.Equal(t, []string{"a1", "b1", "c1", "a2", "a3"}, order)
}

func TestBounds(t *testing.T) {
	l := lanes.New(lanes.Options{Workers: 1, PerLane: 2, Total: 4})
	g := newGate()
	running := start(t.Context(), l, read("a"), g.run)
	<-g.running
	ctx, cancel := context.WithCancel(t.Context())
	var waiting []<-chan error
	for i := range 2 {
		waiting = append(waiting, start(ctx, l, lanes.Key{Vehicle: "a", Name: fmt.Sprint(i)}, instant))
	}
	await.True(t, "two wait", func() bool { return queued(l) == 2 })
	_, _, err := l.Do(t.Context(), lanes.Key{Vehicle: "a", Name: "third"}, instant)
	require.ErrorIs(t, err, lanes.ErrFull, "the lane is full")
	waiting = append(waiting, start(ctx, l, read("b"), instant))
	await.True(t, "three wait", func() bool { return queued(l) == 3 })
	_, _, err = l.Do(t.Context(), read("c"), instant)
	require.ErrorIs(t, err, lanes.ErrFull, "all is full")
	cancel()
	for _, w := range waiting {
		require.ErrorIs(t, <-w, context.Canceled)
	}
	assert.Equal(t, lanes.Stats{Callers: 1, Running: [2]int{1, 0}, Workers: 1}, l.Stats(), "who is cancelled in the queue is gone")
	close(g.release)
	require.NoError(t, <-running)
}

// What the vendor was asked is not taken back when the callers leave: the job goes on, knows
// that nobody waits, and answers who asks the same meanwhile.
func TestARunningJobOutlivesItsCallers(t *testing.T) {
	l := lanes.New(lanes.Options{})
	g := newGate()
	ctx, cancel := context.WithCancel(t.Context())
	var jobs context.Context
	first := start(ctx, l, wake("a"), func(ctx context.Context, info lanes.Info) (any, error) {
		jobs = ctx
		return g.run(ctx, info)
	})
	<-g.running
	assert.True(t, lanes.Wanted(jobs))
	cancel()
	require.ErrorIs(t, <-first, context.Canceled)
	await.True(t, "nobody waits", func() bool { return !lanes.Wanted(jobs) })
	require.NoError(t, jobs.Err())

	second := start(t.Context(), l, wake("a"), func(context.Context, lanes.Info) (any, error) { panic("another job") })
	await.True(t, "joined", func() bool { return lanes.Wanted(jobs) })
	close(g.release)
	require.NoError(t, <-second)
}

func TestWhatWaitsDoesNotBeginAfterTheEnd(t *testing.T) {
	l := lanes.New(lanes.Options{Workers: 1})
	g := newGate()
	running := start(t.Context(), l, read("a"), g.run)
	<-g.running
	var waiting []<-chan error
	for _, key := range []lanes.Key{read("b"), wake("a"), wake("c")} {
		waiting = append(waiting, start(t.Context(), l, key, func(context.Context, lanes.Info) (any, error) { panic("it begins") }))
	}
	await.True(t, "they wait", func() bool { return queued(l) == len(waiting) })
	l.Refuse()
	l.CancelAll()
	for _, err := range waiting {
		require.ErrorIs(t, <-err, lanes.ErrClosed)
	}
	require.ErrorIs(t, <-running, context.Canceled)
	require.NoError(t, l.Close(t.Context()))
	assert.Equal(t, lanes.Stats{Workers: 1}, l.Stats())
}

func TestPanicAndGoexitAreContained(t *testing.T) {
	l := lanes.New(lanes.Options{Workers: 1})
	for name, job := range map[string]func(context.Context, lanes.Info) (any, error){
		"panic":  func(context.Context, lanes.Info) (any, error) { panic("boom") },
		"goexit": func(context.Context, lanes.Info) (any, error) { runtime.Goexit(); return nil, nil },
	} {
		_, _, err := l.Do(t.Context(), read(name), job)
		var p *lanes.PanicError
		require.ErrorAs(t, err, &p, name)
	}
	_, _, err := l.Do(t.Context(), read("after"), instant)
	require.NoError(t, err, "the worker is free again")
}

func TestCloseWaitsForWhatWasTaken(t *testing.T) {
	l := lanes.New(lanes.Options{})
	g := newGate()
	running := start(t.Context(), l, read("a"), g.run)
	<-g.running
	short, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, l.Close(short), context.Canceled)
	_, _, err := l.Do(t.Context(), read("b"), instant)
	require.ErrorIs(t, err, lanes.ErrClosed)
	close(g.release)
	require.NoError(t, <-running)
	require.NoError(t, l.Close(t.Context()))
}

func TestNobodyJoinsACancelledJob(t *testing.T) {
	l := lanes.New(lanes.Options{})
	entered, release := make(chan struct{}), make(chan struct{})
	first := start(t.Context(), l, wake("a"), func(ctx context.Context, _ lanes.Info) (any, error) {
		close(entered)
		<-release // it takes its time to notice
		return nil, ctx.Err()
	})
	<-entered
	l.CancelAll()
	_, joined, err := l.Join(t.Context(), wake("a"))
	require.NoError(t, err)
	assert.False(t, joined)
	second := start(t.Context(), l, wake("a"), instant)
	await.True(t, "the new one waits its turn", func() bool { return queued(l) == 1 })
	close(release)
	require.ErrorIs(t, <-first, context.Canceled)
	require.NoError(t, <-second)
	require.NoError(t, l.Close(t.Context()))
}

// TestRandomLife: whatever callers do, no limit is exceeded, no lane runs two
// jobs, and every call gets exactly one answer.
func TestRandomLife(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		workers := rapid.IntRange(1, 8).Draw(r, "workers")
		l := lanes.New(lanes.Options{Workers: workers, Reserved: 2, PerLane: 3, Total: 64})
		var mu sync.Mutex
		busy, wakes := map[lanes.Key]int{}, 0
		violation := ""
		enter := func(k lanes.Key, by int) {
			mu.Lock()
			defer mu.Unlock()
			lane := lanes.Key{Vehicle: k.Vehicle, Class: k.Class}
			busy[lane] += by
			if k.Class == lanes.Wake {
				wakes += by
			}
			total := 0
			for _, n := range busy {
				total += n
				if n > 1 {
					violation = "two jobs in one lane"
				}
			}
			if reads := total - wakes; wakes > workers || total > workers && reads > min(2, workers) {
				violation = fmt.Sprintf("%d jobs, %d wakes on %d workers", total, wakes, workers)
			}
		}
		var all sync.WaitGroup
		answers := atomic.Int64{}
		calls := rapid.IntRange(1, 60).Draw(r, "calls")
		for range calls {
			k := lanes.Key{
				Vehicle: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "vehicle"),
				Class:   rapid.SampledFrom([]lanes.Class{lanes.Read, lanes.Wake}).Draw(r, "class"),
				Name:    rapid.SampledFrom([]string{"x", "y"}).Draw(r, "name"),
			}
			cancelled := rapid.Bool().Draw(r, "cancelled")
			all.Go(func() {
				ctx, cancel := context.WithCancel(context.Background())
				if cancelled {
					go cancel()
				} else {
					defer cancel()
				}
				_, _, err := l.Do(ctx, k, func(context.Context, lanes.Info) (any, error) {
					enter(k, 1)
					runtime.Gosched()
					enter(k, -1)
					return nil, nil
				})
				if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, lanes.ErrFull) {
					mu.Lock()
					violation = err.Error()
					mu.Unlock()
				}
				answers.Add(1)
			})
		}
		all.Wait()
		require.NoError(r, l.Close(context.Background()))
		assert.Equal(r, lanes.Stats{Workers: l.Stats().Workers, Coalesced: l.Stats().Coalesced}, l.Stats())
		assert.EqualValues(r, calls, answers.Load())
		mu.Lock()
		defer mu.Unlock()
		assert.Empty(r, violation)
	})
}
