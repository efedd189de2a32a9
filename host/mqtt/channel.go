package mqtt

import (
	"reflect"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Channel is a topic, or all topics of one form, as AsyncAPI calls it. Its messages have
// QoS 1.
type Channel struct {
	// Topic has the names {base}, {vehicle} and {plugin} in the place of levels.
	Topic string
	Title string
	// Received: the bridge gets what others publish there; else it publishes.
	Received bool
	// Retained: the broker keeps the last message.
	Retained bool
	// Answers is where the bridge answers to what it gets; empty: nowhere.
	Answers string
	Payload Payload
}

// Payload is what a message of a channel may hold: one of the forms that are set.
type Payload struct {
	// Pattern of a text, as a regular expression.
	Pattern string
	// Keys of a JSON object that the bridge gets.
	Keys []Key
	// Object is the type of a JSON object, and Data that of its member "data", or nil.
	Object, Data reflect.Type
	// Attribute whose value it is, in a form As that follows from it; of a Vented one it
	// may be 2 as well. Every: the object has the values of all attributes.
	Attribute     *shared.Attribute
	As            vehiclev1.Derivation
	Vented, Every bool
}

// Channels are all that a bridge has, but for what a plugin adds and for the bridge's
// messages to itself. docs/asyncapi.yaml is made of them.
func Channels() []Channel {
	all := append(commandChannels(), carChannels()...)
	all = append(all, bridgeChannels()...)
	for _, t := range newCatalogue().topics {
		all = append(all, Channel{
			Topic: topicCar + t.topic, Title: t.attr.Info.GetName(), Retained: t.retained,
			Payload: Payload{Attribute: &t.attr, As: t.as, Vented: t.vented != nil},
		})
	}
	return all
}

// Beginnings of topics as a [Channel] has them.
const (
	topicCar    = "{base}/{vehicle}/"
	topicAll    = "{base}/" + allVehicles + "/"
	topicBridge = "{base}/" + bridgeLevel + "/"
)

func commandChannels() []Channel {
	refresh := Payload{Pattern: `^\s*(cached|force|force:\s*override|smart|smart:\s*[0-9]+)\s*$`, Keys: commandKeys()}
	answers := Payload{Object: reflect.TypeFor[response]()}
	return []Channel{
		{
			Topic: topicCar + levelCommands + commandRefresh, Title: "Refresh the car", Received: true,
			Answers: topicCar + levelResponses + commandRefresh, Payload: refresh,
		},
		{Topic: topicCar + levelResponses + commandRefresh, Title: "Answers to commands to refresh", Payload: answers},
		{
			Topic: topicAll + levelCommands + commandRefresh, Title: "Refresh every car", Received: true,
			Answers: topicAll + levelResponses + commandRefresh, Payload: refresh,
		},
		{Topic: topicAll + levelResponses + commandRefresh, Title: "Answers to commands to every car", Payload: answers},
		{
			Topic: topicCar + levelCommands + commandSchedule, Title: "Set when the plugin refreshes the car by itself", Received: true,
			Answers: topicCar + levelResponses + commandSchedule,
			Payload: Payload{Pattern: `^\s*(recommended|off|default)\s*$`, Object: anyObject()},
		},
		{Topic: topicCar + levelResponses + commandSchedule, Title: "Answers to commands that set the schedule", Payload: answers},
		{Topic: topicCar + topicSchedule, Title: "The schedule that is in force", Retained: true, Payload: Payload{Object: anyObject()}},
		{Topic: topicCar + topicPreset, Title: "The word for the schedule that is in force", Retained: true, Payload: Payload{Pattern: "^(" + strings.Join(shared.Presets(), "|") + ")$"}},
	}
}

func carChannels() []Channel {
	all := []Channel{
		{Topic: topicCar + topicState, Title: "All that is known of the car", Retained: true, Payload: Payload{Every: true}},
		{Topic: topicCar + topicLocation, Title: "Where the car is", Payload: Payload{Object: reflect.TypeFor[location]()}},
		{
			Topic: topicCar + topicAvailability, Title: "Are the car's values still renewed?", Retained: true,
			Payload: oneOf(AvailabilityReady, AvailabilitySleeping, AvailabilityAlert, AvailabilityLost),
		},
		{
			Topic: topicCar + topicError, Title: "What was wrong with the last command", Retained: true,
			Payload: Payload{Object: reflect.TypeFor[failurePayload]()},
		},
	}
	for _, v := range evccValues() {
		all = append(all, Channel{Topic: topicCar + topicEVCC + v.name, Title: "For evcc: " + v.name, Retained: true, Payload: Payload{Pattern: v.pattern}})
	}
	return all
}

func bridgeChannels() []Channel {
	all := []Channel{
		{Topic: topicBridge + topicState, Title: "Is the hub there?", Retained: true, Payload: oneOf(online, Offline)},
		{
			Topic: topicBridge + topicInfo, Title: "What the bridge is, and what it serves", Retained: true,
			Payload: Payload{Object: reflect.TypeFor[info]()},
		},
		{
			Topic: topicBridge + topicAccount + "{plugin}", Title: "How a plugin and its account are", Retained: true,
			Payload: Payload{Object: reflect.TypeFor[account]()},
		},
		{Topic: topicBridge + topicEvent, Title: "What happens to the plugins", Payload: Payload{Object: reflect.TypeFor[event]()}},
	}
	for _, kind := range requestKinds() {
		answers := topicBridge + levelResponse + kind.name
		all = append(all,
			Channel{Topic: topicBridge + levelRequest + kind.name, Title: kind.title, Received: true, Answers: answers, Payload: Payload{Keys: kind.keys}},
			Channel{Topic: answers, Title: "Answers to: " + kind.title, Payload: Payload{Object: reflect.TypeFor[answer](), Data: kind.data}})
	}
	return all
}

// anyObject is the type of an object whose members are not the bridge's to know.
func anyObject() reflect.Type { return reflect.TypeFor[map[string]any]() }

// oneOf is a payload that is one of some words.
func oneOf[T ~string](words ...T) Payload {
	texts := make([]string, len(words))
	for n, word := range words {
		texts[n] = string(word)
	}
	return Payload{Pattern: "^(" + strings.Join(texts, "|") + ")$"}
}
