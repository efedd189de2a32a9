package mqtt

import (
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
)

// overview keeps up to date what the bridge says of itself and of the plugins, and what
// changes of the cars by itself. Only touch may be called from other goroutines.
type overview struct {
	bridge  *Bridge
	plugins Plugins // nil: the fleet tells nothing of them
	started time.Time
	version string
	touched chan struct{}
	// accounts of the plugins, as they were at the last look.
	accounts map[string]account
	// downSince is since when a plugin has no process.
	downSince map[string]time.Time
}

const (
	// overviewPause is the least time between two looks.
	overviewPause = time.Second
	// downPatience is how long a plugin may have no process before its cars count as
	// lost: it is started again by itself.
	downPatience = 30 * time.Second
)

func newOverview(b *Bridge) *overview {
	plugins, _ := b.opts.Fleet.(Plugins)
	return &overview{
		bridge: b, plugins: plugins, started: b.opts.Now(), version: host.Version(), touched: make(chan struct{}, 1), downSince: map[string]time.Time{},
	}
}

// touch says that there may be something new.
func (o *overview) touch() {
	select {
	case o.touched <- struct{}{}:
	default:
	}
}

// run looks when it is touched and in intervals, until the bridge stops.
func (o *overview) run() {
	ctx := o.bridge.ctx
	ticker := time.NewTicker(o.bridge.opts.AgeInterval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		o.look()
		wait(ctx, min(overviewPause, o.bridge.opts.AgeInterval))
		select {
		case <-ticker.C:
		case <-o.touched:
		case <-ctx.Done():
		}
	}
	o.keepLeftovers(o.accounts)
}

// status of the plugins, if the fleet tells of them.
func (o *overview) status() []host.PluginStatus {
	if o.plugins == nil {
		return nil
	}
	return o.plugins.Status()
}

// look publishes how things are now.
func (o *overview) look() {
	b := o.bridge
	plugins := o.status()
	b.announced.sawPlugins(plugins)
	accounts := make(map[string]account, len(plugins))
	for _, st := range plugins {
		a := accountOf(st)
		accounts[st.Name] = a
		b.publisher.say(topicAccount+st.Name, a.encode())
	}
	b.publisher.say(topicInfo, o.info(plugins).encode())
	o.clearLeftovers(plugins, accounts)
	b.publisher.renew(o.conditions(plugins, accounts))
	o.keepLeftovers(accounts)
	o.accounts = accounts
}

// conditions returns what is the matter with a car's plugin.
func (o *overview) conditions(plugins []host.PluginStatus, accounts map[string]account) func(vehicle string) condition {
	now, of := o.bridge.opts.Now(), map[string]condition{}
	for _, st := range plugins {
		switch {
		case o.down(st, now):
			of[st.Name] = abandoned
		case accounts[st.Name].NeedsHuman:
			of[st.Name] = needsHuman
		}
	}
	listed := *o.bridge.cars.Load()
	return func(vehicle string) condition {
		switch {
		case !listed[vehicle]:
			return abandoned
		case o.plugins == nil:
			return wellCared
		}
		return of[o.plugins.Owner(vehicle)]
	}
}

// down reports whether a plugin does not run, and not only for a moment.
func (o *overview) down(st host.PluginStatus, now time.Time) bool {
	if st.PID != 0 {
		delete(o.downSince, st.Name)
		return false
	}
	if o.downSince[st.Name].IsZero() {
		o.downSince[st.Name] = now
	}
	return st.State == host.Quarantined || st.State == host.Stopped || now.Sub(o.downSince[st.Name]) > downPatience
}
