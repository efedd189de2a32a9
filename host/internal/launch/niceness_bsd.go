//go:build unix && !linux

package launch

import "golang.org/x/sys/unix"

// niceness is this process's nice value.
func niceness() (int, error) { return unix.Getpriority(unix.PRIO_PROCESS, 0) }
