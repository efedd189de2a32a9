package main

import "github.com/hyundai-mqtt/hyundai-plugin/host"

// releaser lifts the quarantines of an earlier run, once each; one that this run comes
// to stands. Its methods are called from the host's events, one after the other.
type releaser struct {
	wanted bool
	// seen are the plugins that were looked at.
	seen map[string]bool
	// hub is set before it starts.
	hub *host.Host
}

func newReleaser(wanted bool) *releaser { return &releaser{wanted: wanted, seen: map[string]bool{}} }

// event says whether it has lifted a quarantine.
func (r *releaser) event(e host.Event) bool {
	if !r.wanted || e.Kind != host.EventState || r.seen[e.Plugin] {
		return false
	}
	switch e.State {
	case host.Quarantined:
		r.seen[e.Plugin] = true
		return r.hub.Release(e.Plugin) == nil
	case host.Starting: // it was in none
		r.seen[e.Plugin] = true
	}
	return false
}
