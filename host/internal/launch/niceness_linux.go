package launch

import "golang.org/x/sys/unix"

// niceness is this process's nice value. The system call's result is 20 less that value,
// so that it is never negative.
func niceness() (int, error) {
	priority, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	return 20 - priority, err
}
