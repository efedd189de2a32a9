package sdk

import (
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/lanes"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// figures are the numbers that the engine tells of itself, by the names of
// [shared.Figures]. Safe for concurrent use.
type figures struct {
	mu       sync.Mutex
	counters map[string]int64
	timings  map[string]*vehiclev1.Timing
	// gauges are asked when somebody looks; see [Engine.gauges].
	gauges func(set func(name, label string, value int64))
	// touched is closed and replaced when a number may have changed.
	touched chan struct{}
}

// newFigures begins with counters at 0, so that the first that is counted shows as
// an increase.
func newFigures() *figures {
	f := &figures{
		counters: map[string]int64{}, timings: map[string]*vehiclev1.Timing{}, touched: make(chan struct{}),
		gauges: func(func(string, string, int64)) {},
	}
	for _, figure := range shared.Figures() {
		for _, key := range figure.Keys() {
			if figure.Kind == shared.FigureCounter {
				f.counters[key] = 0
			}
		}
	}
	return f
}

// count adds one to a counter, to that of the label if there is one.
func (f *figures) count(name string, label ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := name
	for _, l := range label {
		key = shared.FigureKey(name, l)
	}
	f.counters[key]++
	f.signal()
}

// timingBounds are in seconds: from a cloud that answers at once to a car that
// sleeps deeply.
func timingBounds() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 180}
}

// took notes how long something took.
func (f *figures) took(name, label string, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := shared.FigureKey(name, label)
	t := f.timings[key]
	if t == nil {
		t = &vehiclev1.Timing{Bounds: timingBounds()}
		t.Counts = make([]int64, len(t.Bounds)+1)
		f.timings[key] = t
	}
	bucket, _ := slices.BinarySearch(t.Bounds, d.Seconds())
	t.Counts[bucket]++
	t.Sum += d.Seconds()
	f.signal()
}

// touch says that a gauge may have changed.
func (f *figures) touch() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signal()
}

// signal is called with mu held.
func (f *figures) signal() {
	close(f.touched)
	f.touched = make(chan struct{})
}

// watch returns a channel that is closed at the next change.
func (f *figures) watch() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.touched
}

// into puts the numbers of now into h.
func (f *figures) into(h *vehiclev1.Health) {
	h.Gauges, h.Timings = map[string]int64{}, map[string]*vehiclev1.Timing{}
	f.gauges(func(name, label string, value int64) { h.Gauges[shared.FigureKey(name, label)] = value })
	f.mu.Lock()
	defer f.mu.Unlock()
	h.Counters = maps.Clone(f.counters)
	for key, t := range f.timings {
		h.Timings[key] = proto.CloneOf(t)
	}
}

// gauges are the numbers of the engine that are as things are now.
func (e *Engine) gauges(set func(name, label string, value int64)) {
	s := e.lanes.Stats()
	set(shared.GaugeWaiting, "", int64(s.Callers))
	set(shared.GaugeWorkers, "", int64(s.Workers))
	for class, name := range map[lanes.Class]string{lanes.Read: "read", lanes.Wake: "wake"} {
		set(shared.GaugeJobs, name, int64(s.Waiting[class]))
		set(shared.GaugeBusy, name, int64(s.Running[class]))
	}
	set(shared.GaugeLeftBehind, "", int64(e.strays.now()))
	set(shared.GaugeGoroutines, "", int64(runtime.NumGoroutine()))
	a, deadlines := e.account.Load(), Deadlines{}
	if a != nil {
		deadlines = a.limits.Deadlines
	}
	set(shared.GaugeStuck, "", int64(e.lanes.Longer(deadlines.longestJob(e.opts.Grace))))
	if a == nil {
		return
	}
	people, reset := a.gate.Left(false)
	background, _ := a.gate.Left(true)
	set(shared.GaugeBudgetLeft, shared.FigurePeople, int64(people))
	set(shared.GaugeBudgetLeft, shared.FigureBackground, int64(background))
	if people >= 0 {
		set(shared.GaugeBudgetResetAt, "", reset.Unix())
	}
}
