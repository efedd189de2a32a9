//go:build unix

// Command hostile is a plugin that misbehaves, in the way that its argument
// names. The host's tests start it: whatever it does, the hub has to live.
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
)

func main() {
	roles := map[string]func(){}
	for _, set := range []map[string]func(){startRoles(), outputRoles(), callRoles(), healthRoles(), watchRoles(), resourceRoles(), endRoles()} {
		maps.Copy(roles, set)
	}
	if len(os.Args) == 2 {
		if role := roles[os.Args[1]]; role != nil {
			role()
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: hostile", slices.Sorted(maps.Keys(roles)))
	os.Exit(64)
}
