package launch

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const rlimitProcesses = unix.RLIMIT_NPROC

// check says which limits of a running process are not in force.
func (l Limits) check(pid int) error {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return nil //nolint:nilerr // it has ended
	}
	want := map[string]uint64{
		"Max core file size": 0, "Max data size": l.Memory, "Max open files": l.Files,
		"Max file size": l.FileSize, "Max processes": l.Processes,
	}
	var missing []string
	for line := range strings.Lines(string(b)) {
		name := strings.TrimSpace(line[:min(len(line), 26)])
		limit, known := want[name]
		if !known || limit == 0 && name != "Max core file size" {
			continue
		}
		fields := strings.Fields(line[26:])
		if hard, err := strconv.ParseUint(fields[1], 10, 64); err != nil || hard > limit {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("not limited: %s", strings.Join(missing, ", "))
	}
	return nil
}

// KillStrays kills every process of a user, also those that have left their
// group. Only for a user that nobody else is.
func (u User) KillStrays() {
	// A process that forks faster than it is looked for is found in the next
	// round; its user's limit ends that race.
	for range 100 {
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return
		}
		found := false
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil {
				continue
			}
			if uid, alive := owner(pid); alive && uid == u.UID {
				found = true
				_ = unix.Kill(pid, unix.SIGKILL) // gone is as good
			}
		}
		if !found {
			return
		}
	}
}

// owner of a process, and whether it is more than a zombie.
func owner(pid int) (uid int, alive bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, ":")
		switch fields := strings.Fields(value); {
		case len(fields) == 0:
		case key == "State":
			alive = fields[0] != "Z" && fields[0] != "X"
		case key == "Uid":
			uid, err = strconv.Atoi(fields[0])
			return uid, alive && err == nil
		}
	}
	return 0, false
}

// Memory is what a process holds in RAM, in bytes; 0 if that is not known.
func Memory(pid int) uint64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, resident uint64
	if _, err := fmt.Sscan(string(b), &size, &resident); err != nil {
		return 0
	}
	return resident * uint64(os.Getpagesize())
}

// exitingFlag is the kernel's PF_EXITING in the flags of /proc/PID/stat (proc_pid_stat(5)).
const exitingFlag = 0x4

// Exiting says whether a process is on its way out, or gone: from its first step to its
// end, of which its closed connections are one, until it is reaped.
func Exiting(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
	}

	// The second field is the program's name in parentheses, which may hold anything.
	// After it come the state, five numbers, and the flags.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 7 {
		return false
	}
	flags, err := strconv.ParseUint(fields[6], 10, 64)
	return err == nil && flags&exitingFlag != 0
}
