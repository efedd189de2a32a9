package mqtt

import (
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
)

// health is the answer to a request for it.
type health struct {
	// Seconds since the bridge was started
	Uptime int `json:"uptime"`
	// Commands that are served now
	Serving int `json:"serving"`
	// Commands that wait for that
	Waiting int `json:"waiting"`
	// Seconds that the hub's MQTT client takes to bring a message
	LoopDelay float64        `json:"loop_delay"`
	Vehicles  int            `json:"vehicles"`
	Counters  infoCounters   `json:"counters"`
	Plugins   []healthPlugin `json:"plugins"`
}

type healthPlugin struct {
	infoPlugin
	Account account `json:"account"`
	// It takes calls
	Serving bool `json:"serving"`
	// Calls that wait for their answer
	InFlight int `json:"in_flight"`
	// Calls that were made again after a crash
	Replayed int    `json:"replayed"`
	Memory   uint64 `json:"memory_bytes,omitempty"`
	// When it is started again, if that is waited for
	RetryAt   string           `json:"retry_at,omitempty"`
	LastCrash *healthCrash     `json:"last_crash,omitempty"`
	Gauges    map[string]int64 `json:"gauges,omitempty"`
}

type healthCrash struct {
	Time    string          `json:"time"`
	Cause   host.CrashCause `json:"cause"`
	Message string          `json:"message"`
}

func (o *overview) health() health {
	b, stats := o.bridge, o.bridge.Stats()
	h := health{
		Uptime: int(b.opts.Now().Sub(o.started).Seconds()), Serving: stats.Serving, Waiting: stats.Waiting,
		LoopDelay: stats.LoopDelay.Round(time.Microsecond).Seconds(), Vehicles: len(*b.cars.Load()), Counters: o.counters(),
		Plugins: []healthPlugin{},
	}
	if o.plugins == nil {
		return h
	}
	for _, st := range o.plugins.Status() {
		h.Plugins = append(h.Plugins, healthOf(st))
	}
	return h
}

func healthOf(st host.PluginStatus) healthPlugin {
	p := healthPlugin{
		infoPlugin: infoOf(st), Account: accountOf(st), Serving: st.Serving, InFlight: st.InFlight, Replayed: st.Replayed,
		Memory: st.Memory, Gauges: st.Figures.Gauges,
	}
	if !st.RetryAt.IsZero() {
		p.RetryAt = timeText(st.RetryAt)
	}
	if c := st.LastCrash; c != nil {
		p.LastCrash = &healthCrash{Time: timeText(c.Time), Cause: c.Cause, Message: c.Message}
	}
	return p
}
