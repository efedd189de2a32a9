package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Changes are the keys whose values are not the same before and after.
func Changes(before, after *Config) []string {
	keys := map[string]bool{}
	for _, c := range []*Config{before, after} {
		for _, l := range c.layers {
			for key := range l.values {
				keys[key] = true
			}
		}
	}
	var changed []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		was, wasSet := before.value(key)
		is, isSet := after.value(key)
		if wasSet != isSet || !reflect.DeepEqual(was, is) {
			changed = append(changed, key)
		}
	}
	return changed
}

// ForPlugin reports whether a key is one of what an account's plugin is given, and not of
// how it is run.
func ForPlugin(key string) bool {
	parts := strings.Split(key, ".")
	return len(parts) > 2 && parts[0] == accountsKey && !forHub(parts[2])
}
