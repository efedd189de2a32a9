//go:build unix && !linux

package launch

import "syscall"

// sysProcAttr: a process group of its own.
func sysProcAttr(u *User) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: credential(u)}
}
