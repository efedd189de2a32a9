package rules

import (
	"regexp"
	"slices"
	"strings"
)

// iconForm is what Home Assistant takes for an icon.
var iconForm = regexp.MustCompile(`^mdi:[a-z0-9-]+$`)

// entityForm is the part of an entity's id behind the dot.
var entityForm = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)

// component checks one entity of a device's message, or the order to remove one.
func (c *checker) component(at string, root, one object) {
	word, _ := one["platform"].(string)
	p, known := platforms()[word]
	switch {
	case !known:
		c.wrong(at+".platform", "is none that is known")
		return
	case len(one) == 1:
		return // it removes the entity
	}
	c.keys(at, one, p.keys)
	c.identity(at, word, one)
	c.needs(at, p, one)
	c.availability(at, one)
	_, listAbove := root["availability"]
	if _, single := one["availability_topic"]; single && listAbove {
		c.wrong(at+".availability_topic", "excludes the availability of the device")
	}
	for key := range one {
		if strings.HasSuffix(key, "_topic") {
			c.topic(at, one, key)
		}
		if strings.HasSuffix(key, "_template") {
			c.template(at, one, key)
		}
	}

	c.class(at, p, one)
	switch word {
	case "sensor":
		c.sensor(at, one)
	case "number":
		c.number(at, one)
	case "select", "event":
		c.words(at, one, map[string]string{"select": "options", "event": "event_types"}[word])
	case "device_tracker":
		c.oneOf(at, one, "source_type", "gps", "router", "bluetooth", "bluetooth_le")
	}
	if one["retain"] == true {
		c.wrong(at+".retain", "would carry a command out again after each restart of the broker")
	}
	if qos, ok := one["qos"].(float64); ok && qos != 0 && qos != 1 && qos != 2 {
		c.wrong(at+".qos", "is none of 0, 1 and 2")
	}
}

// identity is what must not change, and the names.
func (c *checker) identity(at, word string, one object) {
	if id, _ := one["unique_id"].(string); !idForm.MatchString(id) {
		c.wrong(at+".unique_id", "is needed, of letters, digits, _ and -")
	}
	if id, ok := one["default_entity_id"].(string); ok {
		domain, rest, _ := strings.Cut(id, ".")
		if domain != word || !entityForm.MatchString(rest) {
			c.wrong(at+".default_entity_id", "is not of the form %s.name", word)
		}
	}
	if text, ok := one["name"].(string); ok && strings.TrimSpace(text) == "" {
		c.wrong(at+".name", "is empty")
	}
	if icon, ok := one["icon"].(string); ok && !iconForm.MatchString(icon) {
		c.wrong(at+".icon", "is not of the form mdi:name")
	}
}

func (c *checker) needs(at string, p platform, one object) {
	for _, key := range p.needs {
		if _, ok := one[key]; !ok {
			c.wrong(at+"."+key, "is needed")
		}
	}
	switch category, ok := one["entity_category"]; {
	case !ok, category == "diagnostic":
	case category != "config":
		c.wrong(at+".entity_category", "is neither config nor diagnostic")
	case p.reads:
		c.wrong(at+".entity_category", "cannot be config, for there is nothing to set")
	}
}

// class of the device, with the unit and the state class that fit.
func (c *checker) class(at string, p platform, one object) {
	word, hasClass := one["device_class"].(string)
	unit, hasUnit := one["unit_of_measurement"].(string)
	state, hasState := one["state_class"].(string)
	if hasState {
		c.oneOf(at, one, "state_class", measurement, total, totalIncreasing)
	}
	if hasUnit && (unit == "" || strings.TrimSpace(unit) != unit) {
		c.wrong(at+".unit_of_measurement", "is no unit")
	}
	if !hasClass {
		return
	}
	class, known := p.classes[word]
	switch {
	case !known:
		c.wrong(at+".device_class", "%q is none that Home Assistant 2024.11 has for it", word)
	case hasUnit && !slices.Contains(class.units, unit):
		c.wrong(at+".unit_of_measurement", "%q does not fit the device class %s", unit, word)
	case !hasUnit && len(class.units) > 0:
		c.wrong(at+".unit_of_measurement", "is needed for the device class %s", word)
	case hasState && !slices.Contains(class.states, state):
		c.wrong(at+".state_class", "%s does not fit the device class %s", state, word)
	}
}

func (c *checker) sensor(at string, one object) {
	_, hasOptions := one["options"]
	switch {
	case one["device_class"] == "enum":
		c.words(at, one, "options")
	case hasOptions:
		c.wrong(at+".options", "are for the device class enum only")
	}
	if seconds, ok := one["expire_after"].(float64); ok && seconds < 0 {
		c.wrong(at+".expire_after", "is negative")
	}
	if digits, ok := one["suggested_display_precision"].(float64); ok {
		if _, numeric := one["unit_of_measurement"]; digits < 0 || digits != float64(int(digits)) || !numeric && one["state_class"] == nil {
			c.wrong(at+".suggested_display_precision", "is for numbers, and a number of digits")
		}
	}
	if one["last_reset_value_template"] != nil && one["state_class"] != total {
		c.wrong(at+".last_reset_value_template", "is for the state class total only")
	}
}

func (c *checker) number(at string, one object) {
	value := func(key string, otherwise float64) float64 {
		if v, ok := one[key].(float64); ok {
			return v
		}
		return otherwise
	}
	if value("max", 100) < value("min", 1) {
		c.wrong(at+".max", "is less than min")
	}
	if value("step", 1) < 0.001 {
		c.wrong(at+".step", "is less than 0.001")
	}
	if _, ok := one["mode"]; ok {
		c.oneOf(at, one, "mode", "auto", "box", "slider")
	}
}

// words is a list of them, without another of the same.
func (c *checker) words(at string, one object, key string) {
	words, _ := one[key].([]any)
	if len(words) == 0 {
		c.wrong(at+"."+key, "is needed, with at least one word")
	}
	seen := map[any]bool{}
	for _, word := range words {
		if text, ok := word.(string); !ok || text == "" || seen[word] {
			c.wrong(at+"."+key, "%v is no word, or there twice", word)
		}
		seen[word] = true
	}
}

func (c *checker) oneOf(at string, one object, key string, words ...string) {
	if word, ok := one[key].(string); !ok || !slices.Contains(words, word) {
		c.wrong(at+"."+key, "is none of %s", strings.Join(words, ", "))
	}
}
