//go:build unix

package launch

import (
	"os"

	"golang.org/x/sys/unix"
)

// lessThanOurs is by how much a plugin's nice value is above the host's: where both want
// the same processor the host gets about three times as much of it, and gets it at once.
const lessThanOurs = 5

// lowerPriority puts a process that has just been started, and what it starts, behind
// the host. It is tried: nothing depends on it.
func lowerPriority(p *os.Process) {
	ours, err := niceness()
	if err == nil {
		_ = unix.Setpriority(unix.PRIO_PGRP, p.Pid, ours+lessThanOurs)
	}
}
