package main

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
}

func TestSettingsFromTheEnvironment(t *testing.T) {
	s, err := settingsFrom(flags{}, lookup(map[string]string{
		"HYUNDAI_USERNAME": " me@example.com ", "HYUNDAI_PASSWORD": "p", "HYUNDAI_PIN": "1234", "HYUNDAI_REGION": "1", "HYUNDAI_BRAND": "3",
		"HYUNDAI_ENDPOINT_API": "http://127.0.0.1:1", "MQTT_BROKER_HOST": "broker", "MQTT_BROKER_PORT": "8883", "MQTT_USE_TLS": "yes",
		"MQTT_USERNAME": "u", "MQTT_PASSWORD": "p", "MQTT_CLIENT_ID": "c", "MQTT_BASE_TOPIC": "a/b", "LOG_LEVEL": "WARNING", "INITIAL_REFRESH": "False",
		"HOME": "/root", "XDG_STATE_HOME": "/state",
	}))
	require.NoError(t, err)
	assert.False(t, s.demo)
	assert.JSONEq(t, `{"username":"me@example.com","password":"p","pin":"1234","region":"1","brand":"3","endpoints":{"api":"http://127.0.0.1:1"}}`, string(s.account.json()))
	assert.Equal(t, "ssl://broker:8883", s.brokerURL)
	assert.Equal(t, "a/b", s.baseTopic)
	assert.Equal(t, slog.LevelWarn, s.level)
	assert.True(t, s.noInitialRefresh)
	assert.Equal(t, "/state/hyundai-plugin", s.stateIn)
}

func TestSettingsOfADemo(t *testing.T) {
	s, err := settingsFrom(flags{}, lookup(nil))
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
		"MQTT_BROKER_PORT": {"MQTT_BROKER_HOST": "b", "MQTT_BROKER_PORT": "0"},
		"MQTT_USE_TLS":     {"MQTT_BROKER_HOST": "b", "MQTT_USE_TLS": "perhaps"},
		"INITIAL_REFRESH":  {"INITIAL_REFRESH": "perhaps"},
		"log level":        {"LOG_LEVEL": "loud"},
	} {
		_, err := settingsFrom(flags{}, lookup(env))
		require.ErrorContains(t, err, name, "the message names what is wrong")
	}
	for _, url := range []string{"nonsense", "http://x", "tcp://"} {
		_, err := settingsFrom(flags{broker: url}, lookup(nil))
		require.ErrorContains(t, err, "--broker", url)
	}
	s, err := settingsFrom(flags{broker: "tcp://x:1", logLevel: "debug", state: "/s"}, lookup(map[string]string{"MQTT_BROKER_HOST": "other", "LOG_LEVEL": "error"}))
	require.NoError(t, err)
	assert.Equal(t, "tcp://x:1", s.brokerURL, "the command line wins")
	assert.Equal(t, slog.LevelDebug, s.level)
	assert.Equal(t, "/s", s.stateIn)
}
