package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
)

// environment is what the service finds its settings in.
type environment struct {
	settings.Lookup
	// names of all variables.
	names []string
}

// processEnvironment is that of this process.
func processEnvironment() environment {
	e := environment{Lookup: os.LookupEnv}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		e.names = append(e.names, name)
	}
	return e
}

// variable is one that the service reads, or that the service of before had.
type variable struct {
	name string
	// unused says why it has no effect; empty: it has one.
	unused string
}

func variables() []variable {
	var all []variable
	for _, name := range []string{
		"HYUNDAI_USERNAME", "HYUNDAI_PASSWORD", "HYUNDAI_PIN", "HYUNDAI_REGION", "HYUNDAI_BRAND", "HYUNDAI_DRIVER_SIDE",
		"HYUNDAI_ENDPOINT_LOGIN", "HYUNDAI_ENDPOINT_CCI", "HYUNDAI_ENDPOINT_API", "HYUNDAI_LIMITS", "HYUNDAI_SCHEDULE", "HYUNDAI_PROFILE_FILE",
		"HYUNDAI_RECORD", "MQTT_BROKER_HOST", "MQTT_BROKER_PORT", "MQTT_USERNAME", "MQTT_PASSWORD", "MQTT_USE_TLS", "MQTT_CA_FILE",
		"MQTT_CERT_FILE", "MQTT_KEY_FILE", "MQTT_BASE_TOPIC", "MQTT_CLIENT_ID", "MQTT_VERSION", "MQTT_PROBE_INTERVAL",
		"HOME_ASSISTANT", "HOME_ASSISTANT_PREFIX", "HOME_ASSISTANT_BIRTH_TOPIC", "HOME_ASSISTANT_UNITS", "INITIAL_REFRESH", "LOG_LEVEL",
	} {
		all = append(all, variable{name: name})
	}
	return append(all,
		variable{"HYUNDAI_VEHICLE_ID", "all cars of the account are served, and a command names its car in the topic"},
		variable{"MQTT_QOS", "everything is sent with QoS 1"},
		variable{"REFRESH_INTERVAL", "HYUNDAI_SCHEDULE says when cars are refreshed by themselves"},
	)
}

// prefixes of the names that are ours alone, known or not.
func prefixes() []string { return []string{"HYUNDAI_", "MQTT_", "HOME_ASSISTANT"} }

// ours are the variables with one of the prefixes that are set, in order.
func (e environment) ours() []string {
	var set []string
	for _, name := range e.names {
		for _, prefix := range prefixes() {
			if strings.HasPrefix(name, prefix) && e.Or(name, "") != "" {
				set = append(set, name)
				break
			}
		}
	}
	slices.Sort(set)
	return set
}

// notes are sentences about variables that are set in vain: their names are not known, or
// they have no effect.
func (e environment) notes() []string {
	known := map[string]variable{}
	for _, v := range variables() {
		known[v.name] = v
	}
	var notes []string
	for _, name := range slices.Concat(e.ours(), e.unusedElsewhere()) {
		switch v, ok := known[name]; {
		case !ok:
			notes = append(notes, fmt.Sprintf("%s is not known and has no effect%s.", name, suggestion(name)))
		case v.unused != "":
			notes = append(notes, fmt.Sprintf("%s has no effect: %s.", name, v.unused))
		}
	}
	return notes
}

// unusedElsewhere are the variables without effect that are set and have none of the
// prefixes.
func (e environment) unusedElsewhere() []string {
	var set []string
	for _, v := range variables() {
		if v.unused != "" && e.Or(v.name, "") != "" && !slices.Contains(e.ours(), v.name) {
			set = append(set, v.name)
		}
	}
	return set
}

// suggestion names the variable that may be meant.
func suggestion(name string) string {
	const farthest = 3
	best, least := "", farthest+1
	for _, v := range variables() {
		if d := distance(name, v.name); v.unused == "" && d < least {
			best, least = v.name, d
		}
	}
	if best == "" {
		return ""
	}
	return "; perhaps " + best + " is meant"
}

// distance is how many letters have to be put in, taken out or replaced to make one word of
// another: Levenshtein's.
func distance(from, to string) int {
	row := make([]int, len(to)+1)
	for n := range row {
		row[n] = n
	}
	for i := range len(from) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(to) {
			replaced := diagonal
			if from[i] != to[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}
