// Package prompttest is a terminal with a person before it, for tests on Linux.
package prompttest
