package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/config"
	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// setup of a run.
type setup struct {
	*config.Config
	options
	// demo: a scripted cloud, and a broker of its own.
	demo bool
	// stateIn is where things are kept over a restart; empty: nowhere.
	stateIn string
	// homeAssistant is nil if the cars are not announced to it.
	homeAssistant *homeassistant.Announcer
	// reattach is the line of a plugin under a debugger; empty for none.
	reattach string
	level    slog.Level
	// from is where the settings were found.
	from config.Sources
}

// setupFrom reads and checks all that a run needs to know.
func setupFrom(o options, from config.Sources) (s setup, err error) {
	s.options, s.from = o, from
	var wrong []error
	check := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	if o.settings != "" && o.name == "" {
		check(errors.New("--settings is for a plugin of another make: give it a name with --name"))
	}
	if _, ok := from.Flags["plugin"]; o.name != "" && !ok {
		check(errors.New("--name is for a plugin of another make: say with --plugin where it is"))
	}
	s.Config, err = config.Load(from)
	if s.Config == nil {
		return s, err
	}
	check(err)
	if err == nil || s.File == "" { // what is wrong with the file comes first
		s.demo, err = isDemo(o, from, s.Config)
		check(err)
	}
	if s.demo {
		s.Broker.URL = ""
		s.demoAccount()
	} else if err == nil {
		check(s.checkAccounts())
	}
	s.homeAssistant, err = homeAssistant(s.Config, s.demo)
	check(err)
	s.level, err = level(s.Log.Level, s.demo)
	check(err)
	if s.stateIn = s.State; s.stateIn == "" && !s.demo {
		s.stateIn, err = s.StateDir()
		check(err)
	}
	if s.demo && s.stateIn == "" && s.recording() {
		check(errors.New("a demo keeps nothing: say with --state where the recording is to be"))
	}
	if s.HTTP.Profiles {
		check(checkProfiles(s.HTTP.Address))
	}
	s.reattach, err = reattach(from.Environment)
	check(err)
	s.choosePrograms()
	check(s.checkPrograms())
	return s, errors.Join(wrong...)
}

// isDemo says whether invented cars are shown: if that is asked for, or if nothing at all is
// set. They are never shown on a broker of somebody's.
func isDemo(o options, from config.Sources, c *config.Config) (bool, error) {
	set := c.Set()
	_, broker := from.Flags["broker"]
	switch {
	case o.demo && broker:
		return true, errors.New("--demo shows invented cars, on a broker of its own only: leave --broker out")
	case o.demo && from.File != "":
		return true, errors.New("--demo shows invented cars, whatever the settings say: leave --config out")
	case o.demo || len(set) == 0:
		return true, nil
	case c.File != "" && len(c.Accounts) == 0:
		return false, fmt.Errorf("%s has no account: put one under accounts, with username and password", c.File)
	}
	if c.File == "" && o.name == "" {
		for _, a := range c.Accounts {
			if a.Own.Username != "" && a.Own.Password != "" {
				return false, nil
			}
		}
		text := "HYUNDAI_USERNAME and HYUNDAI_PASSWORD are both needed beside " + set[0] + "; or start with --demo, which shows invented cars on a broker of its own"
		return false, errors.New(strings.Join(append([]string{text}, c.Notes...), ". "))
	}
	return false, nil
}

// demoAccount leaves the one account of a demo: what is said of it alone but for whose it
// is, which the scripted cloud says when it is there.
func (s *setup) demoAccount() {
	a := config.Account{Name: config.DefaultAccount}
	if len(s.Accounts) == 1 {
		a = s.Accounts[0]
	}
	s.Accounts = []config.Account{a}
}

// checkAccounts says what the plugins would say of their settings.
func (s setup) checkAccounts() error {
	var wrong []error
	for _, a := range s.Accounts {
		wrong = append(wrong, a.Check())
	}
	return errors.Join(wrong...)
}

// recording reports whether the traffic of any account is recorded.
func (s setup) recording() bool {
	for _, a := range s.Accounts {
		if a.Own.Record {
			return true
		}
	}
	return false
}

// choosePrograms says of each account which program serves it.
func (s setup) choosePrograms() {
	for i := range s.Accounts {
		a := &s.Accounts[i]
		if a.Plugin == "" {
			a.Plugin = s.Plugin
		}
		if a.Plugin == "" {
			a.Plugin = besideThisProgram("hyundai-plugin")
		}
	}
}

// checkPrograms says whether the programs are there.
func (s setup) checkPrograms() error {
	if s.reattach != "" {
		return nil
	}
	var wrong []error
	for _, a := range s.Accounts {
		if _, err := os.Stat(a.Plugin); err != nil {
			wrong = append(wrong, fmt.Errorf("the plugin's program cannot be found: %w: build it (make build), or say with --plugin where it is", err))
		}
	}
	return errors.Join(wrong...)
}

// noLog is above every level.
const noLog = slog.LevelError + 8

// level of a word; a demo's events tell it all.
func level(word string, demo bool) (slog.Level, error) {
	switch word {
	case "":
		if demo {
			return noLog, nil
		}
		return slog.LevelInfo, nil
	case "warning":
		word = "warn"
	}
	var l slog.Level
	err := l.UnmarshalText([]byte(word)) // the settings' own check knows these words alone
	return l, err
}

// homeAssistant makes what announces the cars to Home Assistant; nil: nothing does. In a demo
// there is one, unless the settings say otherwise.
func homeAssistant(c *config.Config, demo bool) (*homeassistant.Announcer, error) {
	on := demo
	if e := c.HomeAssistant.Enabled; e != nil {
		on = *e
	}
	a, err := homeassistant.New(homeassistant.Options{
		BaseTopic: c.Broker.BaseTopic, Prefix: c.HomeAssistant.Prefix, BirthTopic: c.HomeAssistant.BirthTopic,
		Units: homeassistant.Units(c.HomeAssistant.Units),
	})
	if err != nil || !on {
		return nil, err
	}
	return a, nil
}

// reattach reads where a plugin under a debugger listens.
func reattach(env config.Environment) (string, error) {
	line := env.Or(shared.ReattachEnv, "")
	if line == "" {
		return "", nil
	}
	var at shared.Reattach
	if err := json.Unmarshal([]byte(line), &at); err != nil {
		return "", fmt.Errorf("%s is not the JSON that a plugin under a debugger prints: %w", shared.ReattachEnv, err)
	}
	return line, nil
}
