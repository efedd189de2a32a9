package homeassistant

import (
	"encoding/json"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// keyPreset is that of the entity of the whole schedule.
const keyPreset = "plan"

// period is one of the times of a schedule that docs/schedule.md names.
type period struct{ name, title, icon string }

func periods() []period {
	return []period{
		{"driving", "Read while driving", "mdi:road-variant"},
		{"charging", "Read while charging", "mdi:ev-station"},
		{"plugged", "Read while plugged in", "mdi:power-plug"},
		{"parked", "Read when just parked", "mdi:parking"},
		{"idle", "Read when idle", "mdi:sleep"},
		{"long_idle", "Read when idle for days", "mdi:calendar-clock"},
		{"wake_if_older", "Wake if older than", "mdi:car-clock"},
	}
}

// mostMinutes is the longest time that can be set: thirty days.
const mostMinutes = 30 * 24 * 60

// hasSchedule notes that the car's schedule can be set, and says whether that is new.
func (c *car) hasSchedule() (news bool) {
	news = !c.scheduled
	c.scheduled = true
	if news {
		c.keeps = nil
	}
	return news
}

// addSchedule adds when the car is refreshed by itself: a word for the whole, and its times
// in minutes, of which 0 is never. Whatever is set leaves the rest as it is.
func (c *car) addSchedule(o *look, all map[string]component) {
	add := func(platform, key, title, icon string) component {
		one := c.component(platform, key, title)
		one.StateTopic, one.CommandTopic = c.topic(o, "schedule"), c.topic(o, "commands/schedule")
		one.EntityCategory, one.Icon = config, icon
		return one
	}

	preset := add(selectEntity, keyPreset, "Schedule", "mdi:calendar-refresh")
	preset.StateTopic, preset.Options = c.topic(o, "schedule/preset"), shared.Presets()
	all[keyPreset] = preset

	for _, p := range periods() {
		one := add(number, "plan_"+p.name, p.title, p.icon)
		one.DeviceClass, one.UnitOfMeasurement = "duration", "min"
		one.Min, one.Max, one.Mode = new(0), new(mostMinutes), "box"
		of := "value_json." + p.name
		one.ValueTemplate = "{{ (('PT' ~ " + of + ") | upper | as_timedelta).total_seconds() / 60 if " + of + " is defined else 0 }}"
		one.CommandTemplate = "{{ dict(change=dict(" + p.name + "=(value ~ 'm') if value > 0 else none)) | to_json }}"
		all["plan_"+p.name] = one
	}

	after := add(switchEntity, "plan_after_charging", "Read after charging", "mdi:battery-check")
	after.ValueTemplate = "{{ value_json.after_charging | default(false) }}"
	after.StateOn, after.StateOff = "True", "False"
	after.PayloadOn, after.PayloadOff = afterCharging(true), afterCharging(false)
	all["plan_after_charging"] = after
}

// afterCharging is the command that sets whether the car is read after charging.
func afterCharging(on bool) string {
	b, _ := json.Marshal(map[string]any{"change": map[string]bool{"after_charging": on}}) // plain
	return string(b)
}
