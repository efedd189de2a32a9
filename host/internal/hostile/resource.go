//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// resourceRoles take what they can get, once they are asked to read.
func resourceRoles() map[string]func() {
	serve := func(f func()) func() {
		return (&behaviour{cached: func(_ context.Context, id string) (*vehiclev1.VehicleData, error) {
			f()
			return snapshot(id), nil
		}}).serve
	}
	return map[string]func(){
		"memory-hog":     serve(func() { hogHeap() }),
		"shared-hog":     serve(func() { go hogShared() }),
		"descriptor-hog": serve(hogFiles),
		"disk-hog":       serve(hogDisk),
		"fork-storm":     serve(forkStorm),
		"locked-folder": serve(func() {
			_ = os.Mkdir(filepath.Join(os.Getenv("TMPDIR"), "mine"), 0o700)
			_ = os.Chmod(os.Getenv("TMPDIR"), 0)
		}),
		// A child that holds the pipes and has left the group, and then the end.
		"grandchild-holds-pipes": serve(func() { spawn(); os.Exit(1) }),
		"child":                  untilUnread,
	}
}

func hogHeap() {
	var hoard [][]byte
	for {
		block := make([]byte, 16<<20)
		for n := 0; n < len(block); n += 4096 {
			block[n] = 1
		}
		hoard = append(hoard, block)
		_ = hoard
	}
}

// hogShared takes memory that the system's limit on data does not count.
func hogShared() {
	for {
		block, err := syscall.Mmap(-1, 0, 16<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|syscall.MAP_ANON)
		if err != nil {
			rest()
		}
		for n := 0; n < len(block); n += 4096 {
			block[n] = 1
		}
		time.Sleep(time.Millisecond)
	}
}

func hogFiles() {
	for {
		if _, err := os.Open(os.DevNull); err != nil {
			fmt.Fprintln(os.Stderr, "out of files:", err)
			return
		}
	}
}

func hogDisk() {
	f, err := os.Create(filepath.Join(os.Getenv("TMPDIR"), "hoard"))
	if err != nil {
		return
	}
	_, err = f.WriteAt([]byte("x"), 1<<40)
	fmt.Fprintln(os.Stderr, "no more:", err)
}

// spawn starts a child in a session of its own that holds this one's pipes.
func spawn() bool {
	cmd := exec.Command("/proc/self/exe", "child") //nolint:noctx // it is to outlive this one
	cmd.Stdout, cmd.Stderr = os.NewFile(1, "stdout"), os.NewFile(2, "stderr")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd.Start() == nil
}

// untilUnread holds the pipes that it was given for as long as somebody reads
// them. Where no hub can end it, it ends by itself.
func untilUnread() {
	for _, pipe := range []int32{1, 2} {
		for {
			fds := []unix.PollFd{{Fd: pipe}}
			_, err := unix.Poll(fds, -1)
			if err == nil || !errors.Is(err, unix.EINTR) {
				break
			}
		}
	}
}

// forkStorm ends at a limit, for it might run without any.
func forkStorm() {
	for range 2000 {
		if !spawn() {
			fmt.Fprintln(os.Stderr, "no more children")
			return
		}
	}
}
