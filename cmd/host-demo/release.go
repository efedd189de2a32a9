package main

import "github.com/hyundai-mqtt/hyundai-plugin/host"

// releaser lifts the quarantine of an earlier run, once; one that this run comes
// to stands. Its methods are called from the host's events, one after the other.
type releaser struct {
	wanted bool
	// hub is set before it starts.
	hub *host.Host
}

// event says whether it has lifted a quarantine.
func (r *releaser) event(e host.Event) bool {
	if !r.wanted || e.Kind != host.EventState {
		return false
	}
	switch e.State {
	case host.Quarantined:
		r.wanted = false
		return r.hub.Release(e.Plugin) == nil
	case host.Starting: // it was in none
		r.wanted = false
	}
	return false
}
