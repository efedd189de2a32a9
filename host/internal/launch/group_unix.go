//go:build unix

package launch

import (
	"os"
	"syscall"
)

// killTree kills a process and its descendants that stayed in its group.
func killTree(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL) // gone is as good
}
