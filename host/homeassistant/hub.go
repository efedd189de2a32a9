package homeassistant

import (
	"encoding/json"
	"slices"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
)

// hub is what is known of the hub that its message follows from: the names of its plugins.
type hub struct {
	plugins []string
	// announced: they were seen in this run.
	announced bool
}

// saw takes in the plugins, and says whether the message is another one now.
func (h *hub) saw(plugins []host.PluginStatus) (news bool) {
	names := make([]string, len(plugins))
	for n, p := range plugins {
		names[n] = p.Name
	}
	news = !h.announced || !slices.Equal(names, h.plugins)
	h.plugins, h.announced = names, true
	return news
}

func (h hub) component(o *look, platform, key, name string) component {
	return newComponent(hubID(o.BaseTopic), hubName, platform, key, name)
}

// hubName is that of the device.
const hubName = "Vehicle hub"

// message announces the hub, with what its plugins have.
func (h hub) message(o *look) message {
	m := message{
		Device: device{Identifiers: []string{hubID(o.BaseTopic)}, Name: hubName, Manufacturer: project, Model: o.BaseTopic, SWVersion: o.Version},
		Origin: o.origin(), Components: map[string]component{},
		Availability: []availability{{Topic: o.BaseTopic + "/bridge/state"}},
	}
	connection := h.component(o, binarySensor, "connection", "Connection")
	connection.StateTopic, connection.DeviceClass = o.BaseTopic+"/bridge/state", "connectivity"
	connection.PayloadOn, connection.PayloadOff = "online", "offline"
	m.Components["connection"] = connection.diagnostic().always()
	for _, plugin := range h.plugins {
		h.addPlugin(o, plugin, m.Components)
	}
	return m
}

// addPlugin adds what is known of a plugin and of its account.
func (h hub) addPlugin(o *look, plugin string, all map[string]component) {
	add := func(platform, key, name string, fill func(*component)) {
		one := h.component(o, platform, plugin+"_"+key, plugin+" "+name)
		if platform != button {
			one.StateTopic = o.BaseTopic + "/bridge/account/" + plugin
			one.ValueTemplate = "{{ value_json." + key + " }}"
		}
		fill(&one)
		all[plugin+"_"+key] = one.diagnostic()
	}
	add(binarySensor, "needs_human", "needs somebody", func(c *component) {
		c.DeviceClass, c.PayloadOn, c.PayloadOff = "problem", "True", "False"
		// The sentence says what to do.
		c.AttributesTopic, c.AttributesTemplate = c.StateTopic, "{{ {'reason': value_json.reason, 'message': value_json.message} | to_json }}"
		*c = c.always()
	})
	add(sensor, "state", "state", func(c *component) {
		c.DeviceClass, c.Icon, c.Options = "enum", "mdi:puzzle", states()
		*c = c.always()
	})
	add(sensor, "breaker", "circuit breaker", func(c *component) {
		c.DeviceClass, c.Icon, c.Options = "enum", "mdi:electric-switch", []string{"closed", "open", "half-open", unknown}
		c.ValueTemplate = "{{ value_json.breaker or '" + unknown + "' }}"
	})
	for _, b := range []struct{ key, name string }{
		{"budget_left", "requests left today"}, {"budget_left_background", "requests left today for the schedule"},
	} {
		add(sensor, b.key, b.name, func(c *component) {
			c.Icon, c.StateClass, c.Precision = "mdi:counter", "measurement", new(uint32(0))
		})
	}
	add(sensor, "budget_reset_at", "requests renewed at", func(c *component) { c.DeviceClass = "timestamp" })
	add(updateEntity, "update", "program", func(c *component) {
		c.Title = plugin
		c.ValueTemplate = "{{ dict(installed_version=value_json.program, latest_version=value_json.program_at_path) | to_json }}"
	})
	add(button, "restart", "restart", func(c *component) {
		c.DeviceClass, c.CommandTopic, c.PayloadPress = "restart", o.BaseTopic+"/bridge/request/restart", pluginRequest(plugin)
	})
	add(button, "unlock", "try one login", func(c *component) {
		c.Icon, c.CommandTopic, c.PayloadPress = "mdi:lock-open-alert", o.BaseTopic+"/bridge/request/unlock", pluginRequest(plugin)
	})
}

// pluginRequest is the payload of a request about a plugin.
func pluginRequest(plugin string) string {
	b, _ := json.Marshal(map[string]string{"plugin": plugin}) // text
	return string(b)
}

// states are the words that a plugin's state has.
func states() []string {
	words := []string{}
	for _, s := range host.States() {
		words = append(words, string(s))
	}
	return words
}
