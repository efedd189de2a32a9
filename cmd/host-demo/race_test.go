//go:build race

package main

// raceFlags builds the plugin as the tests are built, see the Makefile.
func raceFlags() []string {
	return []string{"-race", "-gcflags=crypto/internal/fips140/...=-race=false"}
}
