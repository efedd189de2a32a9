// Package route brings messages of the type M from a client of MQTT to who has subscribed
// to them.
package route

import (
	"crypto/rand"
	"strings"
	"sync"
)

// maxEarly is how many messages are kept for a filter that is not there yet.
const maxEarly = 4096

// Router has a handler for each filter. The broker may send what it has kept for a session
// before anybody has subscribed anew: such messages wait for their handler, or go to the
// one of before. Safe for concurrent use.
type Router[M any] struct {
	// Keep makes of a message what is kept until there is a handler.
	Keep func(M) M

	mu       sync.Mutex
	handlers map[string]func(M)
	early    []early[M]
}

type early[M any] struct {
	topic   string
	message M
}

// Handle makes handler that of a filter, and gives it what has come before. It runs in
// the caller's goroutine.
func (r *Router[M]) Handle(filter string, handler func(M)) {
	r.mu.Lock()
	if r.handlers == nil {
		r.handlers = map[string]func(M){}
	}
	r.handlers[filter] = handler
	var mine []M
	rest := r.early[:0:0]
	for _, e := range r.early {
		if Matches(filter, e.topic) {
			mine = append(mine, e.message)
		} else {
			rest = append(rest, e)
		}
	}
	r.early = rest
	r.mu.Unlock()
	for _, m := range mine {
		handler(m)
	}
}

// Route calls the handler of a topic. Without one it keeps the message.
func (r *Router[M]) Route(topic string, m M) {
	r.mu.Lock()
	for filter, handler := range r.handlers {
		if Matches(filter, topic) {
			r.mu.Unlock()
			handler(m)
			return
		}
	}
	if len(r.early) < maxEarly {
		r.early = append(r.early, early[M]{topic, r.Keep(m)})
	}
	r.mu.Unlock()
}

// Matches says whether a topic is one of a filter's.
func Matches(filter, topic string) bool {
	want, have := strings.Split(filter, "/"), strings.Split(topic, "/")
	for i, level := range want {
		switch {
		case level == "#":
			return true
		case i >= len(have), level != "+" && level != have[i]:
			return false
		}
	}
	return len(want) == len(have)
}

// Private is a topic below the bridge's for a client's messages to itself, at random: two
// hubs with one base must not take each other's.
func Private(base, kind string) string {
	return base + "/bridge/" + kind + "/" + strings.ToLower(rand.Text()[:10])
}
