package journal

import (
	"maps"
	"slices"
)

// Keys are those that have a value.
func (j *Journal) Keys() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.memory != nil {
		return slices.Collect(maps.Keys(j.memory))
	}
	return slices.Collect(maps.Keys(j.places))
}
