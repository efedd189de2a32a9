//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// asFirst is in the environment of the hub itself, when this program is also the first
// process of a container.
const asFirst = "VEHICLE_HUB_BELOW_INIT"

// firstProcess runs the hub as a child if this is the first process of a container: whatever
// a plugin leaves behind comes to the first process, which has to reap it. Signals go to the
// child; its exit status is returned. false: this is another process.
func firstProcess(pid int) (status int, first bool) {
	if pid != 1 || os.Getenv(asFirst) != "" {
		return 0, false
	}
	exe, err := os.Executable()
	if err != nil {
		return 0, false // then nobody reaps, as without it
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals)
	hub := exec.Command(exe, os.Args[1:]...) //nolint:gosec,noctx // this program itself, for as long as it likes
	hub.Args[0] = os.Args[0]
	hub.Env = append(os.Environ(), asFirst+"=1")
	hub.Stdin, hub.Stdout, hub.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := hub.Start(); err != nil {
		signal.Stop(signals)
		return 0, false
	}
	go func() { // until the process ends
		for s := range signals {
			if number, ok := s.(syscall.Signal); ok && number != syscall.SIGCHLD && number != syscall.SIGURG {
				_ = hub.Process.Signal(s) // it may have ended
			}
		}
	}()
	return reap(hub.Process.Pid), true
}

// reap waits for every child until the one with this pid has ended, and returns its exit
// status; 128 and the signal's number if one has ended it, as shells do.
func reap(pid int) int {
	for {
		var status syscall.WaitStatus
		ended, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 1 // there is no child: somebody else has reaped it
		case ended != pid:
		case status.Signaled():
			return 128 + int(status.Signal())
		case status.Exited():
			return status.ExitStatus()
		}
	}
}
