//go:build !race

package main

// raceFlag builds the plugin with the race detector when the tests have it.
const raceFlag = "-race=false"
