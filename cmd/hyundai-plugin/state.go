package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// serviceState is where host-demo keeps its state, run by the same user, whose
// number is uid.
func serviceState(env func(name string) string, uid int) (string, error) {
	if xdg := env("XDG_STATE_HOME"); xdg != "" {
		return filepath.Join(xdg, "hyundai-plugin"), nil
	}
	if uid == 0 {
		return "/var/lib/hyundai-plugin", nil
	}

	home := cmp.Or(env("HOME"), env("USERPROFILE")) // the latter on Windows
	if home == "" {
		return "", errors.New("there is no home directory: say with --state where the service keeps the plugin's session")
	}
	return filepath.Join(home, ".local", "state", "hyundai-plugin"), nil
}

// readProfile reads a profile that replaces values of the built-in one.
func readProfile(file string) (json.RawMessage, error) {
	body, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("HYUNDAI_PROFILE_FILE: %w", err)
	}
	if !json.Valid(body) {
		return nil, fmt.Errorf("HYUNDAI_PROFILE_FILE: %s is no JSON", file)
	}
	return body, nil
}
