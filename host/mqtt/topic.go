package mqtt

import (
	"math"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// A plugin names the topics of what its vendor has beyond the schema, and the ids
// of its cars. A name that MQTT forbids would make the broker hang up on the hub.

const (
	maxTopic = 200
	// maxExtra is how many attributes a plugin may add to a car.
	maxExtra = 500
)

var topicForm = regexp.MustCompile(`^[A-Za-z0-9_\-]+(/[A-Za-z0-9_\-]+)*$`)

// topicsOf are an attribute's topic and its other names.
func topicsOf(a shared.Attribute) []string {
	if a.Info.GetTopic() == "" {
		return nil
	}
	return append([]string{a.Info.GetTopic()}, a.Info.GetAliases()...)
}

// mayName says whether an attribute that is not in the schema may have a topic:
// well-formed, not among the bridge's own, not one that is taken.
func mayName(topic string, taken map[string]bool) bool {
	level, _, _ := strings.Cut(topic, "/")
	switch level + "/" {
	case levelCommands, levelResponses, topicEVCC, topicState + "/", topicAvailability + "/", topicLocation + "/", "action/":
		return false
	}
	return len(topic) <= maxTopic && topicForm.MatchString(topic) && !taken[topic]
}

// publishable says whether MQTT takes a topic to publish to.
func publishable(topic string) bool {
	return topic != "" && len(topic) <= math.MaxUint16 && topic[0] != '$' && !strings.ContainsAny(topic, "+#\x00") && utf8.ValidString(topic)
}

// isExtra says whether a plugin has added the attribute to the schema.
func isExtra(a shared.Attribute) bool { return a.Group() == extraGroup }

const extraGroup = "extra"
