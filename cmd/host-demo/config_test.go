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

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// lookup is an environment that has a home, if nothing else.
func lookup(env map[string]string) environment {
	return environment{names: slices.Collect(maps.Keys(env)), Lookup: func(name string) (string, bool) {
		v, ok := env[name]
		if !ok && name == "HOME" {
			return "/home/me", true
		}
		return v, ok
	}}
}

func TestSettingsFromTheEnvironment(t *testing.T) {
	s, err := configFrom(flags{}, lookup(map[string]string{
		"HYUNDAI_USERNAME": " me@example.com ", "HYUNDAI_PASSWORD": "p", "HYUNDAI_PIN": "1234", "HYUNDAI_REGION": "1", "HYUNDAI_BRAND": "3",
		"HYUNDAI_ENDPOINT_API": "http://127.0.0.1:1", "MQTT_BROKER_HOST": "broker", "MQTT_BROKER_PORT": "8883", "MQTT_USE_TLS": "yes",
		"MQTT_USERNAME": "u", "MQTT_PASSWORD": "p", "MQTT_CLIENT_ID": "c", "MQTT_BASE_TOPIC": "a/b", "LOG_LEVEL": "WARNING", "INITIAL_REFRESH": "False",
		"HOME": "/root", "XDG_STATE_HOME": "/state",
	}), 1000)
	require.NoError(t, err)
	assert.False(t, s.demo)
	assert.JSONEq(t, `{"username":"me@example.com","password":"p","pin":"1234","region":"1","brand":"3","endpoints":{"api":"http://127.0.0.1:1"}}`, string(s.account.JSON()))
	assert.Equal(t, "ssl://broker:8883", s.brokerURL)
	assert.Equal(t, "a/b", s.baseTopic)
	assert.Equal(t, slog.LevelWarn, s.level)
	assert.True(t, s.noInitialRefresh)
	assert.Equal(t, "/state/hyundai-plugin", s.stateIn)
}

func TestProfileFile(t *testing.T) {
	env := map[string]string{"HYUNDAI_USERNAME": "me", "HYUNDAI_PASSWORD": "p"}
	name := filepath.Join(t.TempDir(), "profile.json")
	env["HYUNDAI_PROFILE_FILE"] = name
	_, err := configFrom(flags{}, lookup(env), 1000)
	require.ErrorContains(t, err, "HYUNDAI_PROFILE_FILE cannot be read")
	require.ErrorIs(t, err, os.ErrNotExist)
	for _, text := range []string{"", "x", "[]", "null", `{"a":1} {}`} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		_, err := configFrom(flags{}, lookup(env), 1000)
		require.ErrorContains(t, err, "holds no JSON object", text)
	}
	const text = `{"version":2,"region":"europe","brand":"kia","api_url":"https://moved.example"}`
	require.NoError(t, os.WriteFile(name, []byte(text+"\n"), 0o600))
	s, err := configFrom(flags{}, lookup(env), 1000)
	require.NoError(t, err)
	assert.JSONEq(t, `{"username":"me","password":"p","profile":`+text+`}`, string(s.account.JSON()))
	_, err = settings.Parse(s.account.JSON())
	require.NoError(t, err, "the plugin takes it")
}

func TestSettingsOfADemo(t *testing.T) {
	s, err := configFrom(flags{}, lookup(nil), 1000)
	require.NoError(t, err)
	assert.True(t, s.demo)
	assert.Empty(t, s.brokerURL)
	assert.Empty(t, s.stateIn)
	assert.Equal(t, "hyundai", s.baseTopic)
	assert.Equal(t, noLog, s.level)
}

func TestSettingsThatAreWrong(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"HYUNDAI_PASSWORD": {"HYUNDAI_USERNAME": "me"},
		"HYUNDAI_USERNAME": {"HYUNDAI_PASSWORD": "p"},
		"MQTT_VERSION":     {"MQTT_VERSION": "4"},
		"MQTT_BROKER_PORT": {"MQTT_BROKER_HOST": "b", "MQTT_BROKER_PORT": "0"},
		"MQTT_USE_TLS":     {"MQTT_BROKER_HOST": "b", "MQTT_USE_TLS": "perhaps"},
		"INITIAL_REFRESH":  {"INITIAL_REFRESH": "perhaps"},
		"brand":            {"HYUNDAI_USERNAME": "me", "HYUNDAI_PASSWORD": "p", "HYUNDAI_BRAND": "honda"},
		"region":           {"HYUNDAI_USERNAME": "me", "HYUNDAI_PASSWORD": "p", "HYUNDAI_REGION": "3"},
		"wakes":            {"HYUNDAI_USERNAME": "me", "HYUNDAI_PASSWORD": "p", "HYUNDAI_LIMITS": `{"wakes":3}`},
		"log level":        {"LOG_LEVEL": "loud"},
		shared.ReattachEnv: {shared.ReattachEnv: "unix:/tmp/socket"},
	} {
		_, err := configFrom(flags{}, lookup(env), 1000)
		require.ErrorContains(t, err, name, "the message names what is wrong")
	}
	_, err := configFrom(flags{record: true}, lookup(nil), 1000)
	require.ErrorContains(t, err, "--state", "a demo keeps nothing")
	recording, err := configFrom(flags{record: true, state: "/s"}, lookup(nil), 1000)
	require.NoError(t, err)
	assert.True(t, recording.account.Record)
	account := map[string]string{"HYUNDAI_USERNAME": "me", "HYUNDAI_PASSWORD": "p"}
	_, err = configFrom(flags{plugin: "/nowhere"}, lookup(account), 1000)
	require.ErrorContains(t, err, "--plugin")
	for _, url := range []string{"nonsense", "http://x", "tcp://"} {
		_, err := configFrom(flags{broker: url}, lookup(account), 1000)
		require.ErrorContains(t, err, "--broker", url)
	}
	s, err := configFrom(flags{broker: "tcp://x:1", logLevel: "debug", state: "/s"}, lookup(map[string]string{
		"HYUNDAI_USERNAME": "me", "HYUNDAI_PASSWORD": "p", "MQTT_BROKER_HOST": "other", "LOG_LEVEL": "error",
	}), 1000)
	require.NoError(t, err)
	assert.Equal(t, "tcp://x:1", s.brokerURL, "the command line wins")
	assert.Equal(t, slog.LevelDebug, s.level)
	assert.Equal(t, "/s", s.stateIn)
}

func TestWhereStateIsKept(t *testing.T) {
	for name, tc := range map[string]struct {
		flag string
		env  map[string]string
		demo bool
		uid  int
		want string
	}{
		"a user":                 {uid: 1000, want: "/home/me/.local/state/hyundai-plugin"},
		"root":                   {uid: 0, want: "/var/lib/hyundai-plugin"},
		"root with a flag":       {flag: "/s", uid: 0, want: "/s"},
		"root with a variable":   {env: map[string]string{"XDG_STATE_HOME": "/x"}, uid: 0, want: "/x/hyundai-plugin"},
		"a demo of root's":       {demo: true, uid: 0},
		"another's home":         {env: map[string]string{"HOME": "", "USERPROFILE": "/users/me"}, uid: -1, want: "/users/me/.local/state/hyundai-plugin"},
		"a system without users": {uid: -1, want: "/home/me/.local/state/hyundai-plugin"},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{}
			maps.Copy(env, tc.env)
			if !tc.demo {
				env["HYUNDAI_USERNAME"], env["HYUNDAI_PASSWORD"] = "me", "p"
			}
			s, err := configFrom(flags{state: tc.flag}, lookup(env), tc.uid)
			require.NoError(t, err)
			assert.Equal(t, tc.want, s.stateIn)
		})
	}
}

func TestStateWithoutAHome(t *testing.T) {
	env := map[string]string{"HYUNDAI_USERNAME": "me", "HYUNDAI_PASSWORD": "p", "HOME": ""}
	_, err := configFrom(flags{}, lookup(env), 1000)
	require.ErrorContains(t, err, "--state")
	_, err = configFrom(flags{state: "/s"}, lookup(env), 1000)
	require.NoError(t, err)
}

func TestHTTPAddresses(t *testing.T) {
	for given, want := range map[string]string{
		"": "", "9100": "127.0.0.1:9100", ":9100": "127.0.0.1:9100", "0": "127.0.0.1:0", "0.0.0.0:9100": "0.0.0.0:9100",
		"[::1]:9100": "[::1]:9100", "localhost:9100": "localhost:9100",
	} {
		s, err := configFrom(flags{http: given}, lookup(nil), 1000)
		require.NoError(t, err, given)
		assert.Equal(t, want, s.httpAddress, given)
	}
	for _, given := range []string{"nonsense", "localhost", "1:2:3", ":http", ":65536", ":-1", ":", "::1", "127.0.0.1"} {
		_, err := configFrom(flags{http: given}, lookup(nil), 1000)
		require.ErrorContains(t, err, "--http", given)
	}
}

func TestReattachFromTheEnvironment(t *testing.T) {
	const line = `{"pid":1,"network":"unix","address":"/tmp/p.sock","version":1}`
	s, err := configFrom(flags{}, lookup(map[string]string{shared.ReattachEnv: line}), 1000)
	require.NoError(t, err)
	assert.Equal(t, line, s.reattach)
}

func TestABrokerIsShownWithoutItsPassword(t *testing.T) {
	assert.Equal(t, "me:xxxxx@broker:1883", withoutPassword("tcp://me:secret@broker:1883"))
	assert.Equal(t, "ssl://broker:8883", withoutPassword("ssl://broker:8883"))
}
