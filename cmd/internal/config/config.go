package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/v2"
)

// Sources are where settings are looked for.
type Sources struct {
	// File is the path of a YAML file. Default: HYUNDAI_CONFIG, else the first of
	// [DefaultFiles] that is there.
	File string
	// NoFile: none is looked for, nor EnvFile.
	NoFile bool
	// EnvFile has variables; it goes before File. Default: .env in the working directory, if
	// it is there.
	EnvFile string
	// Environment goes before EnvFile, Flags, by their names, before the environment.
	Environment Environment
	Flags       map[string]string
	// UID is the user's number, -1 on a system without.
	UID int
	// Foreign is the name of a plugin of another make that is run alone, with what the file
	// ForeignSettings holds. Accounts of the other sources do not count then.
	Foreign, ForeignSettings string
}

// Config is what is in force.
type Config struct {
	// Plugin is the path of the accounts' program; empty: it is not set.
	Plugin string `koanf:"plugin"`
	// State is the directory that keeps things between starts; empty: it is not set.
	State          string        `koanf:"state"`
	InitialRefresh bool          `koanf:"initial_refresh"`
	StartTimeout   time.Duration `koanf:"start_timeout"`
	HTTP           HTTP          `koanf:"http"`
	Log            struct {
		// Level is empty if it is not set.
		Level string `koanf:"level"`
	} `koanf:"log"`
	Broker        Broker        `koanf:"broker"`
	HomeAssistant HomeAssistant `koanf:"home_assistant"`
	// Accounts by name.
	Accounts []Account `koanf:"-"`
	// File that was read; empty: none.
	File string `koanf:"-"`
	// Notes are sentences about what is set in vain.
	Notes []string `koanf:"-"`

	// named are the accounts of the file.
	named    []string
	env      Environment
	dotEnv   Environment
	uid      int
	settings []Setting
	layers   []*layer
}

// HomeAssistant is how the cars are announced to it.
type HomeAssistant struct {
	// Enabled is nil if it is not set.
	Enabled    *bool  `koanf:"enabled"`
	Prefix     string `koanf:"prefix"`
	BirthTopic string `koanf:"birth_topic"`
	Units      string `koanf:"units"`
}

// Load reads the settings. An error has a sentence for each thing that is wrong, with the
// place where it was found and what to do; it quotes nothing that is private. Whether the
// accounts are complete is for [Account.Check].
func Load(s Sources) (*Config, error) {
	c := &Config{InitialRefresh: true, env: s.Environment, uid: s.UID, settings: Settings()}
	c.Broker.Port, c.Broker.BaseTopic, c.Broker.Version = 1883, "hyundai", "3"
	wrong := c.read(s)
	if s.Foreign != "" {
		wrong = append(wrong, c.onlyForeign(s))
	}
	all, err := merge(c.layers)
	if err != nil {
		return nil, errors.Join(append(wrong, err)...)
	}
	if err := all.Unmarshal("", c); err != nil {
		return nil, errors.Join(append(wrong, err)...)
	}
	wrong = append(wrong, c.takeAccounts(all), c.Broker.complete(c))
	return c, errors.Join(wrong...)
}

// read reads the layers, and returns what is wrong with them.
func (c *Config) read(s Sources) (wrong []error) {
	var accounts []string
	if c.File = findFile(s); c.File != "" {
		file, names, err := readFile(c.File, c.settings, s.Environment)
		wrong = append(wrong, err)
		if file != nil {
			c.layers, c.named, accounts = append(c.layers, file), names, slices.Clone(names)
			if file.holdsSecrets(c.settings) {
				c.Notes = append(c.Notes, openToOthers(c.File)...)
			}
		}
	}
	environments := []Environment{s.Environment}
	if !s.NoFile {
		e, there, err := readDotEnv(cmp.Or(s.EnvFile, dotEnv))
		wrong = append(wrong, err)
		if there {
			environments = []Environment{e, s.Environment}
			c.dotEnv = e
		}
	}
	known := variables(c.settings)
	for _, e := range environments {
		l, err := readEnvironment(c.settings, e, accounts)
		wrong = append(wrong, err)
		c.layers = append(c.layers, l)
		c.Notes = append(c.Notes, e.notes(known)...)
	}
	for _, l := range c.layers {
		accounts = append(accounts, l.accounts()...)
	}
	if len(accounts) == 0 {
		accounts = []string{DefaultAccount}
	}
	flags, err := readFlags(c.settings, s.Flags, slices.Compact(slices.Sorted(slices.Values(accounts))))
	c.layers = append(c.layers, flags)
	return append(wrong, err)
}

// openToOthers warns of a file with secrets that other users of the system can read.
func openToOthers(path string) []string {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o004 == 0 || os.PathSeparator != '/' {
		return nil
	}
	return []string{fmt.Sprintf("%s can be read by every user of this system: chmod 640 it, or keep passwords in files of their own (password_file).", path)}
}

// onlyForeign puts a plugin of another make in place of all accounts.
func (c *Config) onlyForeign(s Sources) error {
	if !accountForm.MatchString(s.Foreign) {
		return fmt.Errorf("--name %q cannot be a plugin's name: use letters, digits, _ and -", s.Foreign)
	}
	others := len(c.named)
	c.named = nil
	for _, l := range c.layers {
		before := len(l.values)
		maps.DeleteFunc(l.values, func(key string, _ any) bool { return strings.HasPrefix(key, accountsKey+".") })
		others += before - len(l.values)
	}
	if others > 0 {
		c.Notes = append(c.Notes, "Only plugin "+s.Foreign+" runs: the accounts of the other settings do not.")
	}
	only := newLayer("the command line")
	c.layers = append(c.layers, only)
	body := "{}"
	if s.ForeignSettings != "" {
		v, err := readSettings(s.ForeignSettings)
		if err != nil {
			return fmt.Errorf("--settings: %w", err)
		}
		body = string(v)
	}
	only.put(Setting{kind: object("an object", nil), Secret: true}, accountKey(s.Foreign, "settings"), "--settings", body)
	return errors.Join(only.wrong...)
}

// takeAccounts makes the accounts of what was read.
func (c *Config) takeAccounts(all *koanf.Koanf) error {
	var wrong []error
	names := append(all.MapKeys(accountsKey), c.named...) // one may have nothing
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		where, _ := c.origin(accountsKey + "." + name)
		a, err := accountOf(name, where, all.Cut(accountsKey+"."+name))
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		c.Accounts = append(c.Accounts, a)
	}
	return errors.Join(wrong...)
}

// Set are the keys that concern accounts, broker or Home Assistant and are set somewhere,
// and the variables that look like ours: if there is none, nobody has said anything about a
// car of theirs. They are named as their places are.
func (c *Config) Set() []string {
	var set []string
	if c.File != "" {
		set = append(set, c.File)
	}
	for _, l := range c.layers {
		for key, where := range l.where {
			if top, _, _ := strings.Cut(key, "."); l.name != c.File && slices.Contains([]string{accountsKey, "broker", "home_assistant"}, top) && where != "--record" {
				set = append(set, where)
			}
		}
	}
	known := variables(c.settings)
	for _, e := range []Environment{c.dotEnv, c.env} {
		for _, name := range e.set(func(name string) bool { return isOurs(name) && !slices.Contains(known, name) }) {
			set = append(set, e.called(name))
		}
	}
	slices.Sort(set)
	return slices.Compact(set)
}

func (c *Config) origin(key string) (where string, height int) { return origin(c.layers, key) }

// name is what a setting is called in a message: as it was found, else as it may be set.
func (c *Config) name(key string) string {
	if where, height := c.origin(key); height >= 0 {
		return where
	}
	for _, s := range c.settings {
		if s.Key == key && c.File == "" && s.Env != "" {
			return s.Env
		}
	}
	return key
}

// StateDir is where the hub keeps its state: as it is set, else the user's own place.
func (c *Config) StateDir() (string, error) {
	if c.State != "" {
		return filepath.Clean(c.State), nil
	}
	return stateDir(c.env, c.uid)
}

// Account returns the one of a name, or with an empty name the only one.
func (c *Config) Account(name string) (Account, error) {
	var names []string
	for _, a := range c.Accounts {
		if a.Name == name || name == "" && len(c.Accounts) == 1 {
			return a, nil
		}
		names = append(names, a.Name)
	}
	switch {
	case len(names) == 0:
		return Account{Name: DefaultAccount}, nil
	case name == "":
		return Account{}, fmt.Errorf("there are several accounts: say with --account which one: %s", strings.Join(names, ", "))
	}
	return Account{}, fmt.Errorf("there is no account %q, but %s", name, strings.Join(names, ", "))
}
