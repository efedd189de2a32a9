package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// Environment is where variables are found.
type Environment struct {
	// Lookup finds a variable, as os.LookupEnv does.
	Lookup func(name string) (string, bool)
	// Names of all variables.
	Names []string

	// file that the variables are in; empty: they are the process's own.
	file string
}

// called is how a message names a variable.
func (e Environment) called(name string) string {
	if e.file == "" {
		return name
	}
	return e.file + ": " + name
}

// dotEnv is the file with variables in the working directory.
const dotEnv = ".env"

// readDotEnv reads variables from a file, as shells write them; false: there is none.
func readDotEnv(path string) (e Environment, there bool, err error) {
	body, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return e, false, nil
	case err != nil:
		return e, false, err
	}
	variables, err := godotenv.UnmarshalBytes(body)
	if err != nil {
		return e, false, fmt.Errorf("%s has to have lines NAME=VALUE", path) // the parser's own words quote values
	}
	return Environment{
		file: path, Names: slices.Collect(maps.Keys(variables)),
		Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
	}, true, nil
}

// ProcessEnvironment is that of this process.
func ProcessEnvironment() Environment {
	e := Environment{Lookup: os.LookupEnv}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		e.Names = append(e.Names, name)
	}
	return e
}

// Or is a variable without blanks around it, or the fallback if it is empty.
func (e Environment) Or(name, fallback string) string {
	if e.Lookup == nil {
		return fallback
	}
	if v, ok := e.Lookup(name); ok && strings.TrimSpace(v) != "" {
		return strings.TrimSpace(v)
	}
	return fallback
}

// unused are variables that the service of before had, and why they have no effect here.
func unused() map[string]string {
	return map[string]string{
		"HYUNDAI_VEHICLE_ID": "all cars of the account are served, and a command names its car in the topic",
		"MQTT_QOS":           "everything is sent with QoS 1",
		"REFRESH_INTERVAL":   "HYUNDAI_SCHEDULE says when cars are refreshed by themselves",
	}
}

// variables are the names of all that have an effect.
func variables(all []Setting) []string {
	names := []string{fileVariable}
	for _, s := range all {
		if s.Env == "" {
			continue
		}
		names = append(names, s.Env)
		if s.File {
			names = append(names, s.Env+fileSuffix)
		}
	}
	return names
}

// fileSuffix makes the name of the variable that says which file holds a value.
const fileSuffix = "_FILE"

// isOurs reports whether a name is one that is ours alone, known or not.
func isOurs(name string) bool {
	return strings.HasPrefix(name, "HYUNDAI_") || strings.HasPrefix(name, "MQTT_") || strings.HasPrefix(name, "HOME_ASSISTANT")
}

// set are the names that match and have a value, in order.
func (e Environment) set(match func(name string) bool) []string {
	var names []string
	for _, name := range e.Names {
		if match(name) && e.Or(name, "") != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// notes are sentences about variables that are set in vain: their names are not known, or
// they have no effect.
func (e Environment) notes(known []string) []string {
	vain := unused()
	var notes []string
	for _, name := range e.set(func(name string) bool { return isOurs(name) || vain[name] != "" }) {
		switch why := vain[name]; {
		case why != "":
			notes = append(notes, fmt.Sprintf("%s has no effect: %s.", e.called(name), why))
		case !slices.Contains(known, name):
			notes = append(notes, fmt.Sprintf("%s is not known and has no effect%s.", e.called(name), perhaps(name, known)))
		}
	}
	return notes
}
