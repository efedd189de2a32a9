package main

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/config"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// found are the sources of a run: variables, under flags, and no file.
func found(env, flags map[string]string) config.Sources {
	return config.Sources{NoFile: true, Flags: flags, UID: 1000, Environment: config.Environment{
		Names: slices.Collect(maps.Keys(env)),
		Lookup: func(name string) (string, bool) {
			v, ok := env[name]
			if !ok && name == "HOME" {
				return "/home/me", true
			}
			return v, ok
		},
	}}
}

// here is a flag that names a program that is there.
func here(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"plugin": filepath.Join(binaries, "hyundai-plugin")}
}

// with adds flags to others.
func with(flags map[string]string, more ...string) map[string]string {
	all := maps.Clone(flags)
	for i := 0; i+1 < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// TestInventedCarsAreOnNobodysBroker: they are shown if that is asked for or nothing is set,
// and then on a broker of the demo's own.
func TestInventedCarsAreOnNobodysBroker(t *testing.T) {
	account := map[string]string{"HYUNDAI_USERNAME": "me", "HYUNDAI_PASSWORD": "p"}
	broker := map[string]string{"MQTT_BROKER_HOST": "b"}
	atBroker := with(here(t), "broker", "tcp://b:1")
	for name, tc := range map[string]struct {
		options options
		env     map[string]string
		flags   map[string]string
		file    string
		demo    bool
		broker  string
		says    string // empty: it is right
	}{
		"nothing":                      {demo: true},
		"others' variables":            {env: map[string]string{"PATH": "/bin", "LOG_LEVEL": "info"}, demo: true},
		"what a demo may have":         {env: map[string]string{"HYUNDAI_HTTP": "9100"}, flags: with(here(t), "record", "true", "state", "/s"), demo: true},
		"an account":                   {env: account},
		"an account and a broker":      {flags: atBroker, env: account, broker: "tcp://b:1"},
		"a broker's flag alone":        {flags: atBroker, says: "needed beside --broker"},
		"a broker alone":               {env: broker, says: "needed beside MQTT_BROKER_HOST"},
		"a part of the account":        {env: map[string]string{"HYUNDAI_USERNAME": "me"}, says: "--demo"},
		"empty as from a missing file": {env: map[string]string{"HYUNDAI_USERNAME": "", "HYUNDAI_PASSWORD": " ", "MQTT_BROKER_HOST": "b"}, says: "both needed"},
		"a slip of the pen":            {env: map[string]string{"HYUNDAI_USERNAME": "me", "HYUNDAI_PASWORD": "p"}, says: "perhaps HYUNDAI_PASSWORD is meant"},
		"a demo beside a broker":       {options: options{demo: true}, env: broker, demo: true},
		"a demo beside an account":     {options: options{demo: true}, env: account, demo: true},
		"a demo on a broker":           {options: options{demo: true}, flags: atBroker, says: "leave --broker out"},
		"a file without an account":    {file: "broker: {host: b}\n", says: "has no account"},
		"an empty file":                {file: "\n", says: "has no account"},
		"a file":                       {file: "broker: {host: b}\naccounts:\n  a: {username: me, password: p}\n", broker: "tcp://b:1883"},
		"a demo beside a file":         {options: options{demo: true}, file: "accounts: {}\n", says: "leave --config out"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.flags == nil {
				tc.flags = here(t)
			}
			from := found(tc.env, tc.flags)
			if tc.file != "" {
				from.File = filepath.Join(t.TempDir(), "hub.yaml")
				require.NoError(t, os.WriteFile(from.File, []byte(tc.file), 0o600))
			}
			s, err := setupFrom(tc.options, from)
			if tc.says != "" {
				require.ErrorContains(t, err, tc.says)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.demo, s.demo)
			assert.Equal(t, tc.broker, s.Broker.URL)
		})
	}
}

func TestSetupOfADemo(t *testing.T) {
	s, err := setupFrom(options{}, found(nil, here(t)))
	require.NoError(t, err)
	assert.Empty(t, s.stateIn)
	assert.Equal(t, noLog, s.level)
	require.Len(t, s.Accounts, 1)
	assert.Equal(t, config.DefaultAccount, s.Accounts[0].Name)
	assert.NotNil(t, s.homeAssistant)
	_, err = setupFrom(options{}, found(nil, with(here(t), "record", "true")))
	require.ErrorContains(t, err, "--state", "a demo keeps nothing")
	s, err = setupFrom(options{demo: true}, found(map[string]string{"HOME_ASSISTANT": "no", "LOG_LEVEL": "warning"}, with(here(t), "record", "true", "state", "/s")))
	require.NoError(t, err)
	assert.Nil(t, s.homeAssistant)
	assert.True(t, s.recording())
	assert.Equal(t, slog.LevelWarn, s.level)
}

func TestSetupThatIsWrong(t *testing.T) {
	account := map[string]string{"HYUNDAI_USERNAME": "me", "HYUNDAI_PASSWORD": "p"}
	for says, tc := range map[string]struct {
		options options
		env     map[string]string
		flags   map[string]string
	}{
		"brand":                          {env: with(account, "HYUNDAI_BRAND", "honda")},
		"region":                         {env: with(account, "HYUNDAI_REGION", "3")},
		"wakes":                          {env: with(account, "HYUNDAI_LIMITS", `{"wakes":3}`)},
		"LOG_LEVEL":                      {env: map[string]string{"LOG_LEVEL": "loud"}},
		shared.ReattachEnv:               {env: map[string]string{shared.ReattachEnv: "unix:/tmp/socket"}},
		"--plugin":                       {env: account, flags: map[string]string{"plugin": "/nowhere"}},
		"--http":                         {flags: map[string]string{"http": "nonsense"}},
		"needs --http":                   {flags: map[string]string{"profiles": "true"}},
		"can be reached from other":      {flags: map[string]string{"profiles": "true", "http": "0.0.0.0:1"}},
		"--broker is no URL":             {env: account, flags: map[string]string{"broker": "nonsense"}},
		"give it a name":                 {options: options{settings: "/x"}},
		"say with --plugin where it is":  {options: options{name: "acme"}, flags: map[string]string{"plugin": ""}},
		"there is no home directory":     {env: with(account, "HOME", "")},
		"HOME_ASSISTANT_UNITS has to be": {env: map[string]string{"HOME_ASSISTANT_UNITS": "furlongs"}},
	} {
		t.Run(says, func(t *testing.T) {
			flags := here(t)
			maps.Copy(flags, tc.flags)
			maps.DeleteFunc(flags, func(_, value string) bool { return value == "" })
			_, err := setupFrom(tc.options, found(tc.env, flags))
			require.ErrorContains(t, err, says)
		})
	}
}

func TestReattachFromTheEnvironment(t *testing.T) {
	const line = `{"pid":1,"network":"unix","address":"/tmp/p.sock","version":1}`
	s, err := setupFrom(options{}, found(map[string]string{shared.ReattachEnv: line}, nil))
	require.NoError(t, err)
	assert.Equal(t, line, s.reattach)
}

func TestABrokerIsShownWithoutItsPassword(t *testing.T) {
	assert.Equal(t, "me:xxxxx@broker:1883", withoutPassword("tcp://me:secret@broker:1883"))
	assert.Equal(t, "ssl://broker:8883", withoutPassword("ssl://broker:8883"))
}
