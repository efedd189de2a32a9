//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// become takes the place of the user that the service gave the state directory
// to: what root writes there the plugin could not read.
func become(state string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(state)
	if err != nil {
		return nil //nolint:nilerr // a directory that is not there yet becomes root's own
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	err = syscall.Setgroups(nil)
	if err == nil {
		err = syscall.Setgid(int(owner.Gid))
	}
	if err == nil {
		err = syscall.Setuid(int(owner.Uid))
	}
	if err != nil {
		return fmt.Errorf("%s belongs to user %d, who cannot be taken the place of: %w", state, owner.Uid, err)
	}
	return nil
}
