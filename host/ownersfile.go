package host

import (
	"encoding/json"
	"fmt"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/atomicfile"
)

// loadOwners reads from a file which plugin each car belonged to when the host ran last.
// One that is damaged is no reason not to start: each plugin then gets what
// it lists, until those before it in the options have listed theirs.
func (h *Host) loadOwners(file *atomicfile.Kept) error {
	body, err := file.Read()
	if err != nil {
		return fmt.Errorf("host: which plugin has which car: %w", err)
	}
	if body == nil {
		return nil
	}
	var names map[string]string
	if err := json.Unmarshal(body, &names); err != nil {
		h.opts.Logger.Warn("which plugin had which car is not known any more: the file is damaged", "error", err)
		return nil
	}

	places, before := map[string]int{}, map[string]int{}
	for place, spec := range h.opts.Plugins {
		places[spec.Name] = place
	}
	for vehicle, name := range names {
		if place, known := places[name]; known {
			before[vehicle] = place
		}
	}
	h.owners.keep(before)
	return nil
}

// saveOwners writes who the owners are whenever they have changed, until done is closed.
func (h *Host) saveOwners(file *atomicfile.Kept, done <-chan struct{}) {
	failed := false
	for last := false; !last; {
		select {
		case <-h.owners.changed:
		case <-done:
			last = true
		}
		names := map[string]string{}
		for vehicle, place := range h.owners.all() {
			names[vehicle] = h.opts.Plugins[place].Name
		}
		body, _ := json.Marshal(names) // text
		if err := file.Write(append(body, '\n')); err != nil && !failed {
			failed = true
			h.opts.Logger.Warn("which plugin has which car cannot be kept for the next start", "error", err)
		}
	}
}
