package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/knadh/koanf/v2"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// DefaultAccount is the name of an account that has none.
const DefaultAccount = "hyundai"

// Account is one at a vendor; it has a plugin process of its own.
type Account struct {
	// Name tells accounts apart, and names the plugin's directory.
	Name string `koanf:"-"`
	// Plugin is the path of its program; empty: that of the hub.
	Plugin string `koanf:"plugin"`
	// Args and Env are the program's arguments and environment.
	Args []string `koanf:"args"`
	Env  []string `koanf:"env"`
	// SHA256 pins the program, if it is set.
	SHA256 string `koanf:"sha256"`
	// MemoryLimit in bytes; 0: the host's default; -1: none.
	MemoryLimit int64 `koanf:"memory_limit"`
	// Foreign is what a plugin of another make is given; nil for an account of Hyundai, Kia
	// or Genesis, which has Own.
	Foreign json.RawMessage   `koanf:"-"`
	Own     settings.Settings `koanf:"-"`

	// where it is said, for messages; empty: in the environment.
	where string
}

// Settings are what the plugin is given. They hold secrets.
func (a Account) Settings() json.RawMessage {
	if a.Foreign != nil {
		return a.Foreign
	}
	return a.Own.JSON()
}

// Check says what is wrong with the account, or missing.
func (a Account) Check() error {
	if a.Foreign != nil {
		return nil
	}
	_, err := settings.Parse(a.Own.JSON())
	if err != nil && a.where != "" {
		return fmt.Errorf("%s: %w", a.where, err)
	}
	return err
}

// forHub reports whether something of an account says how its plugin is run, and not what the
// plugin is given.
func forHub(name string) bool {
	return slices.Contains([]string{"plugin", "args", "env", "sha256", "memory_limit"}, name)
}

// accountOf makes an account of its values.
func accountOf(name, where string, values *koanf.Koanf) (Account, error) {
	a := Account{Name: name, where: where}
	if err := values.Unmarshal("", &a); err != nil {
		return a, err // every value was read by its kind
	}
	own := values.Raw() // a copy
	maps.DeleteFunc(own, func(key string, _ any) bool { return forHub(key) })
	if foreign, ok := own["settings"].(json.RawMessage); ok {
		delete(own, "settings")
		if len(own) > 0 {
			return a, fmt.Errorf("%s has settings for a plugin of another make, and beside them %s: put it into settings, or leave it out",
				orAccount(where, name), slices.Sorted(maps.Keys(own))[0])
		}
		a.Foreign = foreign
		return a, nil
	}
	body, err := json.Marshal(own)
	if err == nil {
		err = json.Unmarshal(body, &a.Own)
	}
	if err != nil {
		return a, fmt.Errorf("%s: %w", orAccount(where, name), errors.New(new(redact.Redactor).String(err.Error())))
	}
	return a, nil
}

func orAccount(where, name string) string {
	if where != "" {
		return where
	}
	return "account " + name
}
