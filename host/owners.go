package host

import "sync"

// owners decides whose a car is that several plugins list: it belongs to the first of
// them in the order of the options. So a plugin cannot get another's commands by
// listing its cars, nor by being the first to start: a plugin that had a car before the
// host was started has it until it has listed its cars. Safe for concurrent use.
type owners struct {
	mu sync.Mutex
	// lists are the ids of the cars that each plugin has listed last, by the plugin's
	// place in the options; nil: it has listed none yet.
	lists []map[string]bool
	// kept are the owners of before, by their places.
	kept map[string]int
	// changed has a token when the owners may have changed.
	changed chan struct{}
	// told are the claims that were reported already.
	told map[claim]bool
}

// claim is a plugin's listing of a car that belongs to another one.
type claim struct {
	plugin  int
	vehicle string
}

// refusal is the refusal of a plugin's claims by one owner.
type refusal struct {
	plugin, owner int
	// vehicles is how many cars were claimed; first is one of them.
	vehicles int
	first    string
}

func newOwners(plugins int) *owners {
	return &owners{lists: make([]map[string]bool, plugins), kept: map[string]int{}, changed: make(chan struct{}, 1), told: map[claim]bool{}}
}

// list replaces the cars that a plugin lists, and returns the refusals that follow from
// it and were not reported before, at most one for each pair of plugins.
func (o *owners) list(plugin int, ids map[string]bool) []refusal {
	o.mu.Lock()
	defer o.mu.Unlock()
	if ids == nil {
		ids = map[string]bool{}
	}
	o.lists[plugin] = ids
	select {
	case o.changed <- struct{}{}:
	default:
	}

	refusals := map[[2]int]*refusal{}
	refuse := func(plugin, owner int, vehicle string) {
		c := claim{plugin, vehicle}
		if o.told[c] {
			return
		}
		o.told[c] = true

		r := refusals[[2]int{plugin, owner}]
		if r == nil {
			r = &refusal{plugin: plugin, owner: owner, first: vehicle}
			refusals[[2]int{plugin, owner}] = r
		}
		r.vehicles++
	}
	for id := range ids {
		owner := o.ofLocked(id)
		for later := owner + 1; later < len(o.lists); later++ {
			if o.lists[later][id] {
				refuse(later, owner, id)
			}
		}
	}

	all := make([]refusal, 0, len(refusals))
	for _, r := range refusals {
		all = append(all, *r)
	}
	return all
}

// of returns the place of the plugin that a car belongs to; negative: none.
func (o *owners) of(vehicle string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ofLocked(vehicle)
}

func (o *owners) ofLocked(vehicle string) int {
	kept, had := o.kept[vehicle]
	for plugin, ids := range o.lists {
		if ids[vehicle] || ids == nil && had && kept == plugin {
			return plugin
		}
	}
	return -1
}

// all returns the owner of each car that has one.
func (o *owners) all() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := map[string]int{}
	take := func(vehicle string) {
		if owner := o.ofLocked(vehicle); owner >= 0 {
			all[vehicle] = owner
		}
	}
	for vehicle := range o.kept {
		take(vehicle)
	}
	for _, ids := range o.lists {
		for vehicle := range ids {
			take(vehicle)
		}
	}
	return all
}

// keep says who the owners of before are.
func (o *owners) keep(before map[string]int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = before
}

// count returns how many cars a plugin has, and how many of those that it lists belong
// to other plugins.
func (o *owners) count(plugin int) (own, others int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id := range o.lists[plugin] {
		if o.ofLocked(id) == plugin {
			own++
		} else {
			others++
		}
	}
	return own, others
}
