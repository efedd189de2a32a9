package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// TestInventedCarsAreOnNobodysBroker: they are shown if that is asked for or nothing is set,
// and then on a broker of the demo's own.
func TestInventedCarsAreOnNobodysBroker(t *testing.T) {
	account := map[string]string{"HYUNDAI_USERNAME": "me", "HYUNDAI_PASSWORD": "p"}
	broker := map[string]string{"MQTT_BROKER_HOST": "b"}
	for name, tc := range map[string]struct {
		flags  flags
		env    map[string]string
		demo   bool
		broker string
		says   string // empty: it is right
	}{
		"nothing":                      {demo: true},
		"others' variables":            {env: map[string]string{"PATH": "/bin", "LOG_LEVEL": "info"}, demo: true},
		"an account":                   {env: account},
		"an account and a broker":      {flags: flags{broker: "tcp://b:1"}, env: account, broker: "tcp://b:1"},
		"a broker's flag alone":        {flags: flags{broker: "tcp://b:1"}, says: "needed beside --broker"},
		"a broker alone":               {env: broker, says: "needed beside MQTT_BROKER_HOST"},
		"a part of the account":        {env: map[string]string{"HYUNDAI_USERNAME": "me"}, says: "--demo"},
		"empty as from a missing file": {env: map[string]string{"HYUNDAI_USERNAME": "", "HYUNDAI_PASSWORD": " ", "MQTT_BROKER_HOST": "b"}, says: "both needed"},
		"a slip of the pen":            {env: map[string]string{"HYUNDAI_USERNAME": "me", "HYUNDAI_PASWORD": "p"}, says: "perhaps HYUNDAI_PASSWORD is meant"},
		"a demo beside a broker":       {flags: flags{demo: true}, env: broker, demo: true},
		"a demo beside an account":     {flags: flags{demo: true}, env: account, demo: true},
		"a demo on a broker":           {flags: flags{demo: true, broker: "tcp://b:1"}, says: "leave --broker out"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := configFrom(tc.flags, lookup(tc.env), 1000)
			if tc.says != "" {
				require.ErrorContains(t, err, tc.says)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.demo, s.demo)
			assert.Equal(t, tc.broker, s.brokerURL)
		})
	}
}

func TestWhatIsSetInVainIsSaid(t *testing.T) {
	notes := lookup(map[string]string{
		"HYUNDAI_PASSWORDS": "p", "MQTT_HOST": "b", "MQTT_QOS": "2", "HYUNDAI_VEHICLE_ID": "x", "REFRESH_INTERVAL": "60", "HYUNDAI_UNHEARD_OF": "y",
		"HOME_ASISTANT_UNITS": "metric", "HOME_ASSISTANT_UNIT": "metric", "HYUNDAI_PIN": "1", "MQTT_EMPTY": "", "LOG_LEVEL": "info",
	}).notes()
	assert.Equal(t, []string{
		"HOME_ASSISTANT_UNIT is not known and has no effect; perhaps HOME_ASSISTANT_UNITS is meant.",
		"HYUNDAI_PASSWORDS is not known and has no effect; perhaps HYUNDAI_PASSWORD is meant.",
		"HYUNDAI_UNHEARD_OF is not known and has no effect.",
		"HYUNDAI_VEHICLE_ID has no effect: all cars of the account are served, and a command names its car in the topic.",
		"MQTT_HOST is not known and has no effect.",
		"MQTT_QOS has no effect: everything is sent with QoS 1.",
		"REFRESH_INTERVAL has no effect: HYUNDAI_SCHEDULE says when cars are refreshed by themselves.",
	}, notes)
}

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		from, to string
		want     int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"PASWORD", "PASSWORD", 1}, {"ab", "ba", 2}} {
		assert.Equal(t, tc.want, distance(tc.from, tc.to), "%s %s", tc.from, tc.to)
	}
}

// TestEveryVariableIsKnown: what the service asks for is in the table, and so is what the
// README names.
func TestEveryVariableIsKnown(t *testing.T) {
	var known []string
	for _, v := range variables() {
		known = append(known, v.name)
	}
	others := []string{"HOME", "USERPROFILE", "XDG_STATE_HOME", shared.ReattachEnv}
	env := lookup(map[string]string{"HYUNDAI_USERNAME": "me", "HYUNDAI_PASSWORD": "p", "MQTT_BROKER_HOST": "b", "HOME": "/home/me"})
	inner, asked := env.Lookup, map[string]bool{}
	env.Lookup = func(name string) (string, bool) {
		asked[name] = true
		return inner(name)
	}
	_, err := configFrom(flags{}, env, 1000)
	require.NoError(t, err)
	for name := range asked {
		assert.Contains(t, slices.Concat(known, others), name)
	}
	for _, v := range variables() {
		if v.unused == "" {
			assert.True(t, asked[v.name], "%s is known, but not asked for", v.name)
		}
	}

	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	for _, name := range regexp.MustCompile("`((?:HYUNDAI|MQTT|HOME_ASSISTANT)[A-Z_]*)[`=]").FindAllStringSubmatch(string(readme), -1) {
		if !strings.HasSuffix(name[1], "_") {
			assert.Contains(t, known, name[1])
		}
	}
}
