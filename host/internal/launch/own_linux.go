package launch

import (
	"errors"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// sysProcAttr: a process group of its own, and death with the thread that
// started it.
func sysProcAttr(u *User) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: credential(u)}
}

// own starts the process and stays with it until its end. The kernel's
// parent-death signal belongs to the thread that forks, so this goroutine keeps
// that thread; when the host dies, so does the plugin.
func (p *Process) own(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	lowerPriority(p.cmd.Process)
	defer close(p.exited)
	p.awaitEnd()
	p.killGroup()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exitErr, p.reaped = p.cmd.Wait(), true // does not block: it has ended
}

// awaitEnd waits for the end without reaping: while the process is a zombie its
// group's number cannot be given to others, and the rest of the group can be
// killed.
func (p *Process) awaitEnd() {
	var info unix.Siginfo
	for {
		err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
