package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
)

// prefix of all names.
const prefix = "vehicle_plugin_"

// figure is one number of each plugin.
type figure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(st host.PluginStatus, now time.Time) float64
}

func figures() []figure {
	counter := func(name, help string, of func(host.PluginStatus) int) figure {
		return figure{describe(name, help), prometheus.CounterValue, func(st host.PluginStatus, _ time.Time) float64 { return float64(of(st)) }}
	}
	gauge := func(name, help string, of func(host.PluginStatus, time.Time) float64) figure {
		return figure{describe(name, help), prometheus.GaugeValue, of}
	}
	return []figure{
		counter("starts_total", "Processes that came to life.", func(st host.PluginStatus) int { return st.Starts }),
		counter("restarts_total", "Processes that came to life after the first.", func(st host.PluginStatus) int { return max(st.Starts-1, 0) }),
		counter("calls_replayed_total", "Refreshes that were made again because the process had ended under them.",
			func(st host.PluginStatus) int { return st.Replayed }),
		gauge("calls_in_flight", "Refreshes that wait for their answer.",
			func(st host.PluginStatus, _ time.Time) float64 { return float64(st.InFlight) }),
		gauge("memory_bytes", "What the process holds in RAM; 0 if that is not known.",
			func(st host.PluginStatus, _ time.Time) float64 { return float64(st.Memory) }),
		gauge("serving", "1 while calls reach a process that has its settings.",
			func(st host.PluginStatus, _ time.Time) float64 { return flag(st.Serving) }),
		gauge("vehicles", "Cars that the plugin has.",
			func(st host.PluginStatus, _ time.Time) float64 { return float64(st.Vehicles) }),
		gauge("uptime_seconds", "Age of the process; 0 without one.", uptime),
	}
}

func uptime(st host.PluginStatus, now time.Time) float64 {
	if st.Started.IsZero() {
		return 0
	}
	return max(now.Sub(st.Started).Seconds(), 0)
}

func flag(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prefix+name, help, append([]string{"plugin"}, labels...), nil)
}
