package host

import (
	"slices"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Figures are the numbers that a plugin tells of itself, by the keys of
// [shared.Figures]. Whatever else a plugin tells is left out.
type Figures struct {
	// Counters since the plugin's process started, and what is so now.
	Counters map[string]int64 `json:"counters,omitempty"`
	Gauges   map[string]int64 `json:"gauges,omitempty"`
	// Timings are how long things took since the process started.
	Timings map[string]Timing `json:"timings,omitempty"`
}

// Timing is how long things of a kind took.
type Timing struct {
	// Bounds of the buckets in seconds, rising; Counts has one number more, of
	// those beyond the last bound.
	Bounds []float64 `json:"bounds"`
	Counts []int64   `json:"counts"`
	// Sum of them all in seconds.
	Sum float64 `json:"sum"`
}

// maxBuckets of a timing.
const maxBuckets = 40

// figuresOf takes from a report of health what is known and makes sense.
func figuresOf(h *vehiclev1.Health) Figures {
	f := Figures{Counters: map[string]int64{}, Gauges: map[string]int64{}, Timings: map[string]Timing{}}
	for _, known := range shared.Figures() {
		for _, key := range known.Keys() {
			switch known.Kind {
			case shared.FigureCounter:
				if v, ok := h.GetCounters()[key]; ok && v >= 0 {
					f.Counters[key] = v
				}
			case shared.FigureGauge:
				if v, ok := h.GetGauges()[key]; ok {
					f.Gauges[key] = v
				}
			case shared.FigureTiming:
				if t, ok := timingOf(h.GetTimings()[key]); ok {
					f.Timings[key] = t
				}
			}
		}
	}
	return f
}

func timingOf(t *vehiclev1.Timing) (Timing, bool) {
	bounds, counts := t.GetBounds(), t.GetCounts()
	if len(bounds) == 0 || len(bounds) > maxBuckets || len(counts) != len(bounds)+1 {
		return Timing{}, false
	}
	for i, bound := range bounds {
		if !(bound > 0) || i > 0 && !(bound > bounds[i-1]) { // not a number is neither
			return Timing{}, false
		}
	}
	if slices.Min(counts) < 0 || !(t.GetSum() >= 0) {
		return Timing{}, false
	}
	return Timing{Bounds: slices.Clone(bounds), Counts: slices.Clone(counts), Sum: t.GetSum()}, true
}
