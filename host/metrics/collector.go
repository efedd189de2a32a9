package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Values of labels that stand for something else than themselves.
const (
	labelOK    = "ok"    // no failure
	labelOther = "other" // a word that this build does not know
)

// Options of New. Zero values take the defaults.
type Options struct {
	// Buckets of the histogram of calls, in seconds. Default: 1 ms to 180 s, the
	// longest that a call may take.
	Buckets []float64
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Reporter says how plugins are; a *host.Host is one.
type Reporter interface {
	Status() []host.PluginStatus
}

// Collector counts what a host tells it, as its [host.Metrics], and asks it for
// the rest when it is collected. Safe for concurrent use.
//
// A host wants its metrics when it is made, so the collector comes first and
// learns the host afterwards, with [Collector.Watch]. Until then it shows calls
// only.
type Collector struct {
	now      func() time.Time
	reasons  map[shared.Reason]bool
	calls    *prometheus.HistogramVec
	state    *prometheus.Desc
	health   *prometheus.Desc
	breaker  *prometheus.Desc
	crashes  *prometheus.Desc
	figures  []figure
	told     []told
	reporter atomic.Pointer[Reporter]
}

var (
	_ host.Metrics         = (*Collector)(nil)
	_ prometheus.Collector = (*Collector)(nil)
)

// New returns a collector that knows no host yet.
func New(o Options) *Collector {
	if o.Buckets == nil {
		o.Buckets = callBuckets()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Collector{
		now: o.Now, reasons: knownReasons(),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    prefix + "call_duration_seconds",
			Help:    "Time until refreshes were answered, with all waits and attempts. Reason is ok, or why it failed.",
			Buckets: o.Buckets,
		}, []string{"plugin", "mode", "reason"}),
		state:   describe("state", "1 for the state that the plugin is in, 0 for the others.", "state"),
		health:  describe("health", "1 for what the plugin says of itself, 0 for the rest; none while it says nothing.", "state"),
		breaker: describe("breaker_state", "1 for the state of the account's circuit breaker, 0 for the others; none while it is not known.", "state"),
		crashes: describe("crashes_total", "Processes that came to an end that nobody asked for, by cause.", "cause"),
		figures: figures(), told: allTold(),
	}
}

// callBuckets hold every call: 180 s is the longest that one may take.
func callBuckets() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 180}
}

func knownReasons() map[shared.Reason]bool {
	known := map[shared.Reason]bool{}
	for _, r := range shared.Reasons() {
		known[r] = true
	}
	return known
}

// Watch makes r the one that is asked about its plugins. The last one counts.
func (c *Collector) Watch(r Reporter) { c.reporter.Store(&r) }

// CallDone implements [host.Metrics].
func (c *Collector) CallDone(call host.Call) {
	c.calls.WithLabelValues(call.Plugin, mode(call.Mode), c.reason(call.Reason)).Observe(call.Duration.Seconds())
}

func (c *Collector) reason(r shared.Reason) string {
	switch {
	case r == "":
		return labelOK
	case c.reasons[r]:
		return string(r)
	}
	return labelOther
}

func mode(m shared.Mode) string {
	switch m {
	case shared.ModeCached, shared.ModeForce, shared.ModeSmart:
		return string(m)
	}
	return labelOther
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	c.calls.Describe(out)
	out <- c.state
	out <- c.health
	out <- c.breaker
	out <- c.crashes
	for _, t := range c.told {
		out <- t.desc
	}
	for _, f := range c.figures {
		out <- f.desc
	}
}

// Collect implements [prometheus.Collector]. It asks the host once, so that what
// it shows of a plugin fits together.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	c.calls.Collect(out)
	r := c.reporter.Load()
	if r == nil {
		return
	}
	now := c.now()
	for _, st := range (*r).Status() {
		c.oneOf(out, c.state, st, string(st.State), hostStates())
		if st.Health != "" {
			c.oneOf(out, c.health, st, st.Health, healthStates())
		}
		if st.Breaker != "" {
			c.oneOf(out, c.breaker, st, st.Breaker, breakerStates())
		}
		for _, t := range c.told {
			t.collect(out, st)
		}
		for _, cause := range host.CrashCauses() {
			out <- prometheus.MustNewConstMetric(c.crashes, prometheus.CounterValue, float64(st.CrashesByCause[cause]), st.Name, string(cause))
		}
		for _, f := range c.figures {
			out <- prometheus.MustNewConstMetric(f.desc, f.kind, f.of(st, now), st.Name)
		}
	}
}

// oneOf shows which of some words is the case.
func (c *Collector) oneOf(out chan<- prometheus.Metric, desc *prometheus.Desc, st host.PluginStatus, word string, words []string) {
	for _, w := range words {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, flag(w == word), st.Name, w)
	}
}
