package homeassistant

import (
	"sync"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
)

// Announcer makes the messages that announce cars and their hub to Home Assistant. It is
// an [mqtt.Announcer], and an [mqtt.Keeper] of what cars have reported so far. Safe for
// concurrent use.
type Announcer struct {
	look *look

	mu   sync.Mutex
	cars map[string]*car
	hub  hub
}

var (
	_ mqtt.Announcer = (*Announcer)(nil)
	_ mqtt.Keeper    = (*Announcer)(nil)
)

// New checks the options.
func New(o Options) (*Announcer, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return &Announcer{look: newLook(o), cars: map[string]*car{}}, nil
}

// Saw implements [mqtt.Announcer].
func (a *Announcer) Saw(s mqtt.Sight) (news bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case s.Gone != "":
		_, known := a.cars[s.Gone]
		delete(a.cars, s.Gone)
		return known
	case s.Scheduled != "":
		return a.car(s.Scheduled).hasSchedule()
	case s.Listed != nil:
		return a.car(s.Listed.GetId()).describe(s.Listed)
	case s.Data != nil:
		return a.car(s.Data.GetVehicle().GetId()).saw(a.look, s.Data)
	}
	return a.hub.saw(s.Plugins)
}

func (a *Announcer) car(id string) *car {
	c := a.cars[id]
	if c == nil {
		c = &car{id: id, seen: make([]bool, len(a.look.schema))}
		a.cars[id] = c
	}
	return c
}

// Message implements [mqtt.Announcer].
func (a *Announcer) Message(car string) (topic string, payload []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if car == "" {
		m := a.hub.message(a.look)
		return a.topic(m.id()), m.encode()
	}
	m := a.car(car).message(a.look)
	return a.topic(m.id()), m.encode()
}

// Birth implements [mqtt.Announcer].
func (a *Announcer) Birth() (topic, payload string) { return a.look.BirthTopic, a.look.BirthPayload }

// Prefix of the topics of discovery.
func (a *Announcer) Prefix() string { return a.look.Prefix }

func (a *Announcer) topic(id string) string { return a.look.Prefix + "/device/" + id + "/config" }

// project is the name of what has made a message.
const project = "hyundai-plugin"

func (o Options) origin() origin {
	return origin{Name: project, SWVersion: o.Version, SupportURL: "https://github.com/hyundai-mqtt/hyundai-plugin"}
}
