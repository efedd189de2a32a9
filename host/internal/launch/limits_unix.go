//go:build unix

package launch

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// shell sets the limits in the new process itself, before the program begins. The
// host cannot do it from outside: of a process with another user it may not,
// unless it has a capability that containers seldom have.
const shell = "/bin/sh"

// command runs a program within the limits. Where there is no shell there are no
// limits; check tells.
func (l Limits) command(path string, args []string) *exec.Cmd {
	if _, err := os.Stat(shell); err != nil {
		return exec.Command(path, args...) //nolint:gosec,noctx // the operator names the plugin; its life is not a call's
	}
	return exec.Command(shell, append([]string{"-c", l.script(), path}, args...)...) //nolint:gosec,noctx // as above
}

// script sets soft and hard limits alike, so that the program cannot raise them.
// What one limit fails at does not keep the others from being set.
func (l Limits) script() string {
	var s strings.Builder
	s.WriteString("ulimit -c 0;")
	if n := within(unix.RLIMIT_DATA, l.Memory); n > 0 {
		fmt.Fprintf(&s, "ulimit -d %d;", n>>10) // KiB
	}
	if n := within(unix.RLIMIT_NOFILE, l.Files); n > 0 {
		fmt.Fprintf(&s, "ulimit -n %d;", n)
	}
	if n := within(unix.RLIMIT_FSIZE, l.FileSize); n > 0 {
		fmt.Fprintf(&s, "ulimit -f %d;", n>>9) // blocks of 512 bytes
	}
	if n := within(rlimitProcesses, l.Processes); n > 0 {
		// Shells differ in the letter.
		fmt.Fprintf(&s, "ulimit -u %[1]d 2>/dev/null || ulimit -p %[1]d;", n)
	}
	s.WriteString(`exec "$0" "$@"`)
	return s.String()
}

// within is a limit that this process may set: not above its own.
func within(resource int, limit uint64) uint64 {
	var own unix.Rlimit
	if limit == 0 || unix.Getrlimit(resource, &own) != nil {
		return limit
	}
	return min(limit, own.Max)
}
