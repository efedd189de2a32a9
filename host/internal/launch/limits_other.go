//go:build !linux

package launch

// check can look at its own limits only, so nothing is known.
func (Limits) check(int) error { return nil }

// KillStrays finds a user's processes on Linux only.
func (User) KillStrays() {}

// Memory is known on Linux only.
func Memory(int) uint64 { return 0 }

// Exiting is known on Linux only.
func Exiting(int) bool { return false }
