package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// idForm is what Home Assistant takes for the levels of a topic, and what we use for keys
// and ids as well.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// CheckTopic says what is wrong with the topic of a device's message, below a prefix.
func CheckTopic(topic, prefix string) error {
	rest, ok := strings.CutPrefix(topic, prefix+"/device/")
	rest, isConfig := strings.CutSuffix(rest, "/config")
	levels := strings.Split(rest, "/")
	if !ok || !isConfig || len(levels) > 2 {
		return fmt.Errorf("topic %q is not of the form %s/device/[NODE/]OBJECT/config", topic, prefix)
	}
	for _, level := range levels {
		if !idForm.MatchString(level) {
			return fmt.Errorf("topic %q: %q has other characters than letters, digits, _ and -", topic, level)
		}
	}
	return nil
}

// CheckDevice says all that is wrong with the message of a device; nil: nothing. An empty
// one, which removes the device, is fine.
func CheckDevice(payload []byte) error {
	if len(payload) == 0 {
		return nil
	}
	var root object
	if err := json.Unmarshal(payload, &root); err != nil {
		return fmt.Errorf("no JSON object: %w", err)
	}
	var c checker
	c.keys("", root, rootKeys())
	c.device(root["device"])
	c.origin(root["origin"])
	c.availability("", root)
	for _, topic := range []string{"state_topic", "command_topic"} {
		c.topic("", root, topic)
	}

	components, ok := root["components"].(object)
	if !ok {
		c.wrong("components", "is no object")
	}
	ids := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(components)) {
		at := "components." + key
		if !idForm.MatchString(key) {
			c.wrong(at, "the key has other characters than letters, digits, _ and -")
		}
		one, ok := components[key].(object)
		if !ok {
			c.wrong(at, "is no object")
			continue
		}
		c.component(at, root, one)
		if id, _ := one["unique_id"].(string); id != "" && ids[id] != "" {
			c.wrong(at, "has the unique_id of %s", ids[id])
		} else {
			ids[id] = key
		}
	}
	return errors.Join(c.faults...)
}

// CheckRemoval says what is wrong with the order to remove an entity of a platform.
func CheckRemoval(key, platform string) error {
	if _, known := platforms()[platform]; !known || !idForm.MatchString(key) {
		return fmt.Errorf("%q is no key of an entity of the platform %q", key, platform)
	}
	return nil
}

// CheckComponent says all that is wrong with a component of a device's message that sets
// nothing for all of them.
func CheckComponent(payload []byte) error {
	var one object
	if err := json.Unmarshal(payload, &one); err != nil {
		return fmt.Errorf("no JSON object: %w", err)
	}
	var c checker
	c.component("component", object{}, one)
	return errors.Join(c.faults...)
}

// checker collects what is wrong.
type checker struct{ faults []error }

func (c *checker) wrong(at, form string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf("%s: "+form, append([]any{at}, args...)...))
}

// keys finds those that nobody knows.
func (c *checker) keys(at string, o object, known map[string]kind) {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		want, ok := known[key]
		switch {
		case !ok:
			c.wrong(join(at, key), "is no key that is known here")
		case !want.fits(o[key]):
			c.wrong(join(at, key), "is not %s", want)
		}
	}
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

func (c *checker) device(value any) {
	device := c.named("device", value, deviceKeys(), "configuration_url")
	identifiers, _ := device["identifiers"].([]any)
	connections, _ := device["connections"].([]any)
	if device != nil && len(identifiers)+len(connections) == 0 {
		c.wrong("device", "needs identifiers or connections")
	}
}

func (c *checker) origin(value any) { c.named("origin", value, originKeys(), "support_url") }

// named is an object that has to be there, with a name, and may have a URL; nil: it is not
// there.
func (c *checker) named(at string, value any, keys map[string]kind, url string) object {
	o, ok := value.(object)
	if !ok {
		c.wrong(at, "is needed")
		return nil
	}
	c.keys(at, o, keys)
	if name, _ := o["name"].(string); name == "" {
		c.wrong(at+".name", "is needed")
	}
	c.url(at, o, url)
	return o
}

func (c *checker) url(at string, o object, key string) {
	text, ok := o[key].(string)
	if !ok {
		return
	}
	if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		c.wrong(join(at, key), "is no URL")
	}
}

// availability of the root or of a component.
func (c *checker) availability(at string, o object) {
	list, hasList := o["availability"].([]any)
	if _, single := o["availability_topic"]; single && hasList {
		c.wrong(at, "has both availability and availability_topic")
	}
	if mode, ok := o["availability_mode"]; ok && !slices.Contains([]any{"all", "any", "latest"}, mode) {
		c.wrong(join(at, "availability_mode"), "is none of all, any and latest")
	}
	c.topic(at, o, "availability_topic")
	for n, one := range list {
		entry, ok := one.(object)
		place := fmt.Sprintf("%s[%d]", join(at, "availability"), n)
		if !ok {
			c.wrong(place, "is no object")
			continue
		}
		c.keys(place, entry, availabilityKeys())
		if _, ok := entry["topic"]; !ok {
			c.wrong(place, "needs a topic")
		}
		c.topic(place, entry, "topic")
		c.template(place, entry, "value_template")
	}
}

// topic is one that Home Assistant listens or publishes to.
func (c *checker) topic(at string, o object, key string) {
	text, ok := o[key].(string)
	if !ok {
		return
	}
	wild := strings.ContainsAny(text, "+#")
	switch {
	case text == "", strings.ContainsRune(text, 0), len(text) > 65535:
		c.wrong(join(at, key), "is no topic")
	case wild && strings.HasSuffix(key, "command_topic"):
		c.wrong(join(at, key), "has a wildcard")
	case wild && strings.ContainsRune(strings.TrimSuffix(text, "#"), '#'):
		c.wrong(join(at, key), "has # before its end")
	}
}

// template has balanced brackets, and yields something.
func (c *checker) template(at string, o object, key string) {
	text, ok := o[key].(string)
	if !ok {
		return
	}
	for _, pair := range [][2]string{{"{{", "}}"}, {"{%", "%}"}, {"(", ")"}, {"[", "]"}} {
		if strings.Count(text, pair[0]) != strings.Count(text, pair[1]) {
			c.wrong(join(at, key), "has %s without %s", pair[0], pair[1])
		}
	}
	if !strings.Contains(text, "{{") {
		c.wrong(join(at, key), "yields nothing: there is no {{")
	}
	if strings.Count(text, "'")%2 != 0 {
		c.wrong(join(at, key), "has a quotation mark without another")
	}
}
