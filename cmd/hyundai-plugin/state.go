package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// serviceState is where host-demo keeps its state, run by the same user.
func serviceState(xdg string) (string, error) {
	switch {
	case xdg != "":
		return filepath.Join(xdg, "hyundai-plugin"), nil
	case os.Geteuid() == 0:
		return "/var/lib/hyundai-plugin", nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
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
