package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// fileVariable says where the file is.
const fileVariable = "HYUNDAI_CONFIG"

// fileName is the file's in the directories where it is looked for.
const fileName = "hub.yaml"

// program is the directory's name of what belongs to us.
const program = "hyundai-plugin"

// RootState is where a service of root keeps state: plugins then run as users of their own,
// who cannot enter root's home directory.
const RootState = "/var/lib/hyundai-plugin"

// DefaultFiles are where the file is looked for, the first that is there counts: in the
// user's own directory, then in the system's.
func DefaultFiles(env Environment, uid int) []string {
	var all []string
	switch base, home := env.Or("XDG_CONFIG_HOME", ""), env.home(); {
	case base != "":
		all = append(all, filepath.Join(base, program, fileName))
	case home != "" && uid != 0:
		all = append(all, filepath.Join(home, ".config", program, fileName))
	}
	return append(all, filepath.Join("/etc", program, fileName))
}

// NewFile is where a file is written that is to be found again.
func NewFile(env Environment, uid int) string {
	return cmp.Or(env.Or(fileVariable, ""), DefaultFiles(env, uid)[0])
}

// findFile is the path of the file; empty: there is none.
func findFile(s Sources) string {
	if path := s.File; path != "" || s.NoFile {
		return path
	}
	if path := s.Environment.Or(fileVariable, ""); path != "" {
		return path
	}
	for _, path := range DefaultFiles(s.Environment, s.UID) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

func (e Environment) home() string { return e.Or("HOME", e.Or("USERPROFILE", "")) } // the latter on Windows

// stateDir is where a service that is run by user number uid keeps its state, if nothing
// says another place.
func stateDir(env Environment, uid int) (string, error) {
	if dirs := env.Or("STATE_DIRECTORY", ""); dirs != "" { // systemd's
		first, _, _ := strings.Cut(dirs, ":")
		return first, nil
	}
	if base := env.Or("XDG_STATE_HOME", ""); base != "" {
		return filepath.Join(base, program), nil
	}
	if uid == 0 {
		return RootState, nil
	}
	home := env.home()
	if home == "" {
		return "", errors.New("there is no home directory: say with --state where the session is to be kept")
	}
	return filepath.Join(home, ".local", "state", program), nil
}

// readSecret reads a value from a file. A relative path is one in the directory of systemd's
// credentials, if there is such a file, else in dir.
func readSecret(env Environment, dir, path string) (string, error) {
	if !filepath.IsAbs(path) {
		credential := filepath.Join(env.Or("CREDENTIALS_DIRECTORY", ""), path)
		if _, err := os.Stat(credential); err == nil && filepath.IsAbs(credential) {
			path = credential
		} else {
			path = filepath.Join(dir, path)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot be read: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	body, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return "", fmt.Errorf("cannot be read: %w", err)
	}
	value := strings.TrimRight(string(body), "\r\n") // an editor's last line end
	if strings.TrimSpace(value) == "" {
		return "", fmt.Errorf("cannot be used: %s is empty", path)
	}
	return value, nil
}
