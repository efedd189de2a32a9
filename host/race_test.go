//go:build race

package host_test

// killCycles: the race detector makes each start slow; make test runs the thousand
// without it.
const killCycles = 250
