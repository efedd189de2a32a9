package metrics

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// bridgePrefix of the names of a bridge's metrics.
const bridgePrefix = "vehicle_bridge_"

// BridgeReporter says how busy a bridge is; a *mqtt.Bridge is one.
type BridgeReporter interface {
	Stats() mqtt.Stats
}

// Bridge counts what a bridge tells it: [Bridge.Served] is its OnCommand,
// [Bridge.Probed] its OnProbe. It asks the bridge for the rest once it knows it,
// see [Bridge.Watch]. Safe for concurrent use.
type Bridge struct {
	reasons  map[shared.Reason]bool
	commands *prometheus.HistogramVec
	lost     prometheus.Counter
	loop     prometheus.Histogram
	linked   *prometheus.Desc
	delay    *prometheus.Desc
	serving  *prometheus.Desc
	waiting  *prometheus.Desc
	dropped  *prometheus.Desc
	reporter atomic.Pointer[BridgeReporter]
}

var _ prometheus.Collector = (*Bridge)(nil)

// NewBridge returns a collector that knows no bridge yet.
func NewBridge() *Bridge {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(bridgePrefix+name, help, nil, nil) }
	return &Bridge{
		reasons: knownReasons(),
		commands: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    bridgePrefix + "command_duration_seconds",
			Help:    "Time from a command's arrival to its answer at the broker. Reason is ok, or why it failed.",
			Buckets: callBuckets(),
		}, []string{"mode", "reason"}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: bridgePrefix + "unpublished_total",
			Help: "Answers and states that the broker has not acknowledged, or that the client could not send.",
		}),
		loop: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    bridgePrefix + "loop_delay_seconds",
			Help:    "Time that a message of the bridge's own took to the broker and back through the hub's MQTT client.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 10, 60},
		}),
		linked:  desc("connected", "1 while the hub's MQTT client is connected to the broker."),
		delay:   desc("loop_delay_current_seconds", "The last such time, or how long the message that is under way has been taking."),
		serving: desc("commands_serving", "Commands that are being served."),
		waiting: desc("commands_waiting", "Commands that wait to be served."),
		dropped: desc("commands_dropped_total", "Commands that could not even be answered, because far too many came at once."),
	}
}

// Watch makes r the bridge that is asked. The last one counts.
func (b *Bridge) Watch(r BridgeReporter) { b.reporter.Store(&r) }

// Served counts a command. What a schedule brings is none: the plugin counts it.
func (b *Bridge) Served(s mqtt.Served) {
	if s.Unpublished != nil {
		b.lost.Inc()
	}
	if s.Command == mqtt.CommandScheduled {
		return
	}
	reason := labelOK
	if s.Err != nil {
		reason = labelOther
		if r := shared.AsAPIError(s.Err).Reason; b.reasons[r] {
			reason = string(r)
		}
	}
	word, _, _ := strings.Cut(s.Command, ":")
	b.commands.WithLabelValues(mode(shared.Mode(word)), reason).Observe(s.Duration.Seconds())
}

// Probed counts a measured delay of the client's loop.
func (b *Bridge) Probed(d time.Duration) { b.loop.Observe(d.Seconds()) }

// Describe implements [prometheus.Collector].
func (b *Bridge) Describe(out chan<- *prometheus.Desc) {
	b.commands.Describe(out)
	b.lost.Describe(out)
	b.loop.Describe(out)
	for _, d := range []*prometheus.Desc{b.linked, b.delay, b.serving, b.waiting, b.dropped} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (b *Bridge) Collect(out chan<- prometheus.Metric) {
	b.commands.Collect(out)
	b.lost.Collect(out)
	b.loop.Collect(out)
	r := b.reporter.Load()
	if r == nil {
		return
	}
	s := (*r).Stats()
	linked := 0.
	if s.Connected {
		linked = 1
	}
	out <- prometheus.MustNewConstMetric(b.linked, prometheus.GaugeValue, linked)
	out <- prometheus.MustNewConstMetric(b.delay, prometheus.GaugeValue, s.LoopDelay.Seconds())
	out <- prometheus.MustNewConstMetric(b.serving, prometheus.GaugeValue, float64(s.Serving))
	out <- prometheus.MustNewConstMetric(b.waiting, prometheus.GaugeValue, float64(s.Waiting))
	out <- prometheus.MustNewConstMetric(b.dropped, prometheus.CounterValue, float64(s.Dropped))
}
