package host

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestFigures: what is known and makes sense stays, whatever else a plugin tells.
func TestFigures(t *testing.T) {
	t.Parallel()
	h := &vehiclev1.Health{
		Counters: map[string]int64{"vendor_calls.read": 7, "vendor_calls.telepathy": 1, "secret-1": 1, "coalesced": -1, "queue_callers": 1},
		Gauges:   map[string]int64{"queue_callers": 3, "budget_left.people": -1, "coalesced": 2},
		Timings: map[string]*vehiclev1.Timing{
			"run.cached":        {Bounds: []float64{.1, 1}, Counts: []int64{1, 2, 3}, Sum: 9},
			"run.force":         {Bounds: []float64{.1, 1}, Counts: []int64{1, 2}, Sum: 9},
			"run.smart":         {Bounds: []float64{1, .1}, Counts: []int64{1, 2, 3}, Sum: 9},
			"run.other":         {Bounds: []float64{math.NaN()}, Counts: []int64{1, 2}, Sum: 9},
			"queue_wait.cached": {Bounds: []float64{1}, Counts: []int64{1, -2}, Sum: 9},
			"queue_wait.force":  {Bounds: []float64{1}, Counts: []int64{1, 2}, Sum: math.NaN()},
			"queue_wait.smart":  {},
			"queue_wait.other":  {Bounds: make([]float64, 1000), Counts: make([]int64, 1001)},
			"made up":           {Bounds: []float64{1}, Counts: []int64{1, 2}},
		},
	}
	assert.Equal(t, Figures{
		Counters: map[string]int64{"vendor_calls.read": 7},
		Gauges:   map[string]int64{"queue_callers": 3, "budget_left.people": -1},
		Timings:  map[string]Timing{"run.cached": {Bounds: []float64{.1, 1}, Counts: []int64{1, 2, 3}, Sum: 9}},
	}, figuresOf(h))
	assert.Empty(t, figuresOf(nil).Counters)
}
