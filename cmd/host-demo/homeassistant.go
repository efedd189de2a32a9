package main

import (
	"github.com/hyundai-mqtt/hyundai-plugin/host/homeassistant"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
)

// homeAssistant is what the environment says of Home Assistant; nil: the cars are not
// announced. In a demo they are, unless it says otherwise.
func homeAssistant(env settings.Lookup, base string, demo bool) (*homeassistant.Options, error) {
	o := &homeassistant.Options{
		BaseTopic: base, Prefix: env.Or("HOME_ASSISTANT_PREFIX", ""), BirthTopic: env.Or("HOME_ASSISTANT_BIRTH_TOPIC", ""),
		Units: homeassistant.Units(env.Or("HOME_ASSISTANT_UNITS", "")),
	}
	on, err := env.Switch("HOME_ASSISTANT", demo)
	if err != nil {
		return nil, err
	}
	if _, err := homeassistant.New(*o); err != nil || !on {
		return nil, err
	}
	return o, nil
}

// newAnnouncer is nil if the cars are not announced.
func newAnnouncer(s config) (mqtt.Announcer, error) {
	if s.homeAssistant == nil {
		return nil, nil
	}
	return homeassistant.New(*s.homeAssistant)
}
