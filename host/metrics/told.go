package metrics

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// told is a figure that plugins tell of themselves.
type told struct {
	shared.Figure
	desc *prometheus.Desc
}

func allTold() []told {
	var all []told
	for _, f := range shared.Figures() {
		name := f.Name
		switch f.Kind {
		case shared.FigureCounter:
			name += "_total"
		case shared.FigureTiming:
			name += "_duration_seconds"
		case shared.FigureGauge:
		}
		var labels []string
		if f.Label != "" {
			labels = []string{f.Label}
		}
		all = append(all, told{Figure: f, desc: describe(name, f.Help, labels...)})
	}
	return all
}

// collect shows what the plugin has told. What it has not is left out: zero might
// be untrue.
func (t told) collect(out chan<- prometheus.Metric, st host.PluginStatus) {
	for i, key := range t.Keys() {
		labels := []string{st.Name}
		if t.Label != "" {
			labels = append(labels, t.Values[i])
		}
		switch t.Kind {
		case shared.FigureCounter:
			if v, ok := st.Figures.Counters[key]; ok {
				out <- prometheus.MustNewConstMetric(t.desc, prometheus.CounterValue, float64(v), labels...)
			}
		case shared.FigureGauge:
			if v, ok := st.Figures.Gauges[key]; ok {
				out <- prometheus.MustNewConstMetric(t.desc, prometheus.GaugeValue, float64(v), labels...)
			}
		case shared.FigureTiming:
			if v, ok := st.Figures.Timings[key]; ok {
				out <- histogram(t.desc, v, labels)
			}
		}
	}
}

func histogram(desc *prometheus.Desc, t host.Timing, labels []string) prometheus.Metric {
	buckets, n := make(map[float64]uint64, len(t.Bounds)), uint64(0)
	for i, bound := range t.Bounds {
		n += uint64(t.Counts[i])
		buckets[bound] = n
	}
	n += uint64(t.Counts[len(t.Bounds)])
	return prometheus.MustNewConstHistogram(desc, n, t.Sum, buckets, labels...)
}

func hostStates() []string {
	var words []string
	for _, s := range host.States() {
		words = append(words, string(s))
	}
	return words
}

// healthStates are what a plugin may say of itself.
func healthStates() []string {
	var words []string
	for n := range vehiclev1.HealthState_name {
		if s := vehiclev1.HealthState(n); s != vehiclev1.HealthState_HEALTH_STATE_UNSPECIFIED {
			words = append(words, strings.ReplaceAll(shared.Word(s), " ", "_"))
		}
	}
	slices.Sort(words)
	return words
}

func breakerStates() []string { return strings.Fields("closed half-open open") }
