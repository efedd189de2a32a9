//go:build unix

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// become takes the place of the user that the service gave the state directory
// to: what root writes there the plugin could not read.
func become(state string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(state)
	for dir := state; errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir; {
		dir = filepath.Dir(dir) // what is made below belongs to the same user
		info, err = os.Stat(dir)
	}
	if err != nil {
		return err
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
