// Package metrics shows a host to Prometheus: the state of each plugin, its
// starts and crashes, and how long calls take. The host itself knows nothing of
// Prometheus.
//
//	collector := metrics.New(metrics.Options{})
//	hub, err := host.New(host.Options{Plugins: plugins, Metrics: collector})
//	if err != nil {
//		return err
//	}
//	collector.Watch(hub)
//	registry.MustRegister(collector)
//
// A bridge to MQTT has a collector of its own, [Bridge].
//
// The number of series is bounded, whatever plugins say: labels are the names of
// plugins, and words that the host and the contract know.
package metrics
