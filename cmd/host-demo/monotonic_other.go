//go:build !linux

package main

import "time"

// monotonic is for systemd alone.
func monotonic() (time.Duration, bool) { return 0, false }
