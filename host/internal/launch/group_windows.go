package launch

import (
	"os"
	"syscall"
)

func sysProcAttr(*User) *syscall.SysProcAttr { return nil }

// killTree kills a process; its descendants end when their pipes do.
func killTree(p *os.Process) {
	_ = p.Kill() // gone is as good
}

// lowerPriority is not done here.
func lowerPriority(*os.Process) {}
