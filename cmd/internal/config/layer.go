package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
)

// layer is one place where settings were found. A later one goes before an earlier one.
type layer struct {
	// name of the place: a file's path, or words.
	name string
	// values by key, in the forms of their kinds.
	values map[string]any
	// where each was found: "hub.yaml:3: broker.port", "MQTT_BROKER_PORT", "--http".
	where map[string]string
	// wrong is what is wrong with it, all of it.
	wrong []error
}

func newLayer(name string) *layer {
	return &layer{name: name, values: map[string]any{}, where: map[string]string{}}
}

// put takes a value's text, if it is of the setting's kind.
func (l *layer) put(s Setting, key, where, text string) {
	if other, ok := l.where[key]; ok {
		l.wrong = append(l.wrong, fmt.Errorf("%s and %s say the same: leave one of them out", other, where))
		return
	}
	v, err := s.kind.read(text)
	if err != nil {
		is := ""
		if !s.hidden() && !s.kind.structured && len(text) < 100 {
			is = fmt.Sprintf(" and is %q", text)
		}
		l.wrong = append(l.wrong, fmt.Errorf("%s has to be %s%s", where, s.kind.want, is))
		return
	}
	l.values[key], l.where[key] = v, where
}

// holdsSecrets reports whether the layer itself has a secret, and not only the path of
// a file that has it.
func (l *layer) holdsSecrets(all []Setting) bool {
	for _, s := range all {
		for key := range l.values {
			if s.Secret && patternOf(key) == s.Key && !strings.HasSuffix(l.where[key], "_file") {
				return true
			}
		}
	}
	return false
}

// readEnvironment reads the layer of the variables. accounts are the names in the file; a
// variable of an account's is for the only one.
func readEnvironment(all []Setting, env Environment, accounts []string) (*layer, error) {
	l := newLayer(cmp.Or(env.file, "the environment"))
	for _, s := range all {
		if s.Env == "" {
			continue
		}
		key, name, ofAccount := s.Key, DefaultAccount, false
		if len(accounts) == 1 {
			name = accounts[0]
		}
		if own, ok := s.ofAccount(); ok {
			key, ofAccount = accountKey(name, own), true
		}
		for _, variable := range []string{s.Env, s.Env + fileSuffix} {
			value := env.Or(variable, "")
			if value == "" || variable != s.Env && !s.File {
				continue
			}
			if ofAccount && len(accounts) > 1 {
				l.wrong = append(l.wrong, fmt.Errorf("%s is for one account, and the file has %d: set it there, with each", env.called(variable), len(accounts)))
				continue
			}
			if s.kind.verbatim {
				value, _ = env.Lookup(variable)
			}
			if variable != s.Env {
				var err error
				if value, err = readSecret(env, ".", strings.TrimSpace(value)); err != nil {
					l.wrong = append(l.wrong, fmt.Errorf("%s %w", env.called(variable), err))
					continue
				}
			}
			l.put(s, key, env.called(variable), value)
		}
	}
	return l, errors.Join(l.wrong...)
}

// readFlags reads the layer of the command line: flags by their names.
func readFlags(all []Setting, flags map[string]string, accounts []string) (*layer, error) {
	l := newLayer("the command line")
	for _, s := range all {
		value, ok := flags[s.Flag]
		if !ok || s.Flag == "" {
			continue
		}
		keys := []string{s.Key}
		if own, ok := s.ofAccount(); ok { // it is for each
			keys = nil
			for _, name := range accounts {
				keys = append(keys, accountKey(name, own))
			}
		}
		for _, key := range keys {
			l.put(s, key, "--"+s.Flag, value)
		}
	}
	return l, errors.Join(l.wrong...)
}

func accountKey(account, name string) string { return accountsKey + "." + account + "." + name }

// accounts are the names of the accounts that a layer has something of.
func (l *layer) accounts() []string {
	var names []string
	for key := range l.values {
		if parts := strings.Split(key, "."); parts[0] == accountsKey {
			names = append(names, parts[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// merge puts the layers over one another.
func merge(layers []*layer) (*koanf.Koanf, error) {
	all := koanf.New(".")
	for _, l := range layers {
		if err := all.Load(confmap.Provider(l.values, "."), nil); err != nil {
			return nil, err // the table's keys do not contradict each other
		}
	}
	return all, nil
}

// origin of a key: where it was found, and how high its layer lies; -1 for one that is not
// set.
func origin(layers []*layer, key string) (where string, height int) {
	for i, l := range slices.Backward(layers) {
		if where, ok := l.where[key]; ok {
			return where, i
		}
	}
	return "", -1
}
