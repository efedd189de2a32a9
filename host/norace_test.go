//go:build !race

package host_test

const killCycles = 1000
