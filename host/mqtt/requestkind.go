package mqtt

import (
	"context"
	"reflect"
	"strings"
)

// requestKind is one kind of what may be asked of the bridge.
type requestKind struct {
	// name is the last level of the topics of the request and of its answer.
	name  string
	title string
	// keys that its object may have.
	keys []Key
	// changing: it changes something, so that it must not be carried out if the broker had
	// kept it.
	changing bool
	// serve does what is asked for, and returns what there is to say. nil: it is a command.
	serve func(*Bridge, context.Context, *request) (any, error)
	// data is the type of that; nil: nothing.
	data reflect.Type
}

// Levels of the topics of requests and of their answers, below {base}/bridge/.
const (
	levelRequest  = "request/"
	levelResponse = "response/"
)

// requestKinds are all of them. The keys are in the order in which they are told.
func requestKinds() []requestKind {
	kinds := []requestKind{
		{name: "ping", title: "Is the bridge there?", serve: (*Bridge).ping},
		{name: "health", title: "How are the bridge and the plugins?", serve: (*Bridge).health, data: reflect.TypeFor[health]()},
		{
			name: "preview", title: "What would a refresh do and cost now?",
			keys: append([]Key{vehicleKey()}, previewKeys()...), serve: (*Bridge).preview, data: reflect.TypeFor[preview](),
		},
		{
			name: "refresh", title: "Refresh a car, or all, as a command to it does",
			keys: append([]Key{vehicleKey()}, commandKeys()...), changing: true, data: reflect.TypeFor[response](),
		},
		{
			name: "restart", title: "Let another process of a plugin take the place of the one that runs",
			keys: []Key{pluginKey()}, changing: true, serve: (*Bridge).restart, data: reflect.TypeFor[pluginDone](),
		},
		{
			name: "unlock", title: "Make one login in spite of a refusal that only a person can lift",
			keys: []Key{pluginKey()}, changing: true, serve: (*Bridge).unlock, data: reflect.TypeFor[pluginDone](),
		},
		{
			name: "forget", title: "Take all topics of a car that is gone off the broker",
			keys: []Key{vehicleKey()}, changing: true, serve: (*Bridge).forget,
		},
	}
	for n := range kinds {
		kinds[n].keys = append([]Key{transactionKey()}, kinds[n].keys...)
	}
	return kinds
}

// requestTo returns the kind of the requests that come to a topic.
func requestTo(topic, base string) (requestKind, bool) {
	name, ok := strings.CutPrefix(topic, base+"/"+bridgeLevel+"/"+levelRequest)
	if !ok {
		return requestKind{}, false // a command, as most
	}
	for _, kind := range requestKinds() {
		if kind.name == name {
			return kind, true
		}
	}
	return requestKind{}, false
}
