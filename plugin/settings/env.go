package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// Lookup finds a variable of the environment, as os.LookupEnv does.
type Lookup func(name string) (string, bool)

// Or is a variable without blanks around it, or the fallback if it is empty.
func (l Lookup) Or(name, fallback string) string {
	if v, ok := l(name); ok && strings.TrimSpace(v) != "" {
		return strings.TrimSpace(v)
	}
	return fallback
}

// Switch is whether a variable is on, or the fallback if it is empty.
func (l Lookup) Switch(name string, fallback bool) (bool, error) {
	switch word := l.Or(name, ""); strings.ToLower(word) {
	case "":
		return fallback, nil
	case "true", "1", "yes", "on":
		return true, nil
	case "false", "0", "no", "off":
		return false, nil
	default:
		return fallback, fmt.Errorf("%s is %q: use true or false", name, word)
	}
}

// FromEnv reads the settings by the names that the service has always had. User name
// and password may be missing. An error names each variable that is wrong, and no
// value.
func FromEnv(env Lookup) (Settings, error) {
	s := Settings{
		Username:   env.Or("HYUNDAI_USERNAME", ""),
		PIN:        redact.Secret(env.Or("HYUNDAI_PIN", "")),
		Region:     Name(env.Or("HYUNDAI_REGION", "")),
		Brand:      Name(env.Or("HYUNDAI_BRAND", "")),
		DriverSide: env.Or("HYUNDAI_DRIVER_SIDE", ""),
		Endpoints: Endpoints{
			Login: env.Or("HYUNDAI_ENDPOINT_LOGIN", ""),
			CCI:   env.Or("HYUNDAI_ENDPOINT_CCI", ""),
			API:   env.Or("HYUNDAI_ENDPOINT_API", ""),
		},
	}
	if v, _ := env("HYUNDAI_PASSWORD"); strings.TrimSpace(v) != "" {
		s.Password = redact.Secret(v) // a blank at its end may belong to it
	}

	var wrong [4]error
	s.Limits, wrong[0] = limitsOf(env.Or("HYUNDAI_LIMITS", ""))
	s.Schedule, wrong[1] = scheduleOf(env.Or("HYUNDAI_SCHEDULE", ""))
	s.Profile, wrong[2] = profileFile(env.Or("HYUNDAI_PROFILE_FILE", ""))
	s.Record, wrong[3] = env.Switch("HYUNDAI_RECORD", false)
	return s, errors.Join(wrong[:]...)
}

func limitsOf(text string) (json.RawMessage, error) {
	body := json.RawMessage(text)
	switch {
	case text == "":
		return nil, nil
	case !json.Valid(body):
		return nil, errors.New("HYUNDAI_LIMITS is no JSON object; see docs/gate.md")
	}
	return body, nil
}

// scheduleOf is JSON, or one of the words.
func scheduleOf(text string) (json.RawMessage, error) {
	switch body := json.RawMessage(text); {
	case text == "":
		return nil, nil
	case text == "recommended", text == "off":
		return json.RawMessage(strconv.Quote(text)), nil
	case json.Valid(body):
		return body, nil
	}
	return nil, errors.New("HYUNDAI_SCHEDULE is neither recommended nor off, nor a JSON object; see docs/schedule.md")
}

// profileFile reads what is to replace values of the built-in profile. What the
// values have to be is checked with the rest.
func profileFile(name string) (json.RawMessage, error) {
	if name == "" {
		return nil, nil
	}
	body, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("HYUNDAI_PROFILE_FILE cannot be read: %w", err)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil || object == nil {
		return nil, fmt.Errorf("HYUNDAI_PROFILE_FILE: %s holds no JSON object", name)
	}
	return body, nil
}

// RootState is where a service of root keeps state: plugins then run as users of their own,
// who cannot enter root's home directory.
const RootState = "/var/lib/hyundai-plugin"

// StateDir is where a service that is run by user number uid keeps its state.
func StateDir(env Lookup, uid int) (string, error) {
	if base := env.Or("XDG_STATE_HOME", ""); base != "" {
		return filepath.Join(base, "hyundai-plugin"), nil
	}
	if uid == 0 {
		return RootState, nil
	}
	home := env.Or("HOME", env.Or("USERPROFILE", "")) // the latter on Windows
	if home == "" {
		return "", errors.New("there is no home directory: say with --state where the session is to be kept")
	}
	return filepath.Join(home, ".local", "state", "hyundai-plugin"), nil
}
