//go:build !unix

package main

// firstProcess is for systems whose first process inherits others' children.
func firstProcess(int) (status int, first bool) { return 0, false }
