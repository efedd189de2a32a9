package main

import (
	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
)

// homeAssistant makes what announces the cars to Home Assistant of what the environment
// says; nil: nothing does. In a demo there is one, unless the environment says otherwise.
func homeAssistant(env settings.Lookup, base string, demo bool) (*homeassistant.Announcer, error) {
	on, err := env.Switch("HOME_ASSISTANT", demo)
	if err != nil {
		return nil, err
	}
	a, err := homeassistant.New(homeassistant.Options{
		BaseTopic: base, Prefix: env.Or("HOME_ASSISTANT_PREFIX", ""), BirthTopic: env.Or("HOME_ASSISTANT_BIRTH_TOPIC", ""),
		Units: homeassistant.Units(env.Or("HOME_ASSISTANT_UNITS", "")),
	})
	if err != nil || !on {
		return nil, err
	}
	return a, nil
}
