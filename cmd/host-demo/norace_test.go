//go:build !race

package main

// raceFlags builds the plugin as the tests are built.
func raceFlags() []string { return []string{"-race=false"} }
