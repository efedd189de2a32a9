package mqtt

import (
	"context"
	"encoding/json"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Plugins is what the bridge needs of a [Fleet] beyond it to speak for the plugins; a
// *host.Host has it. Without it the bridge tells of cars only.
type Plugins interface {
	// Status returns how the plugins are now.
	Status() []host.PluginStatus
	// NextEvent waits for the next event of a plugin.
	NextEvent(ctx context.Context) (host.Event, error)
	// Owner returns the name of the plugin that a car belongs to, or "".
	Owner(vehicleID string) string
	// Plugin returns a plugin by its name, or nil.
	Plugin(name string) shared.VehicleRefresher
}

// Restarter is an optional capability of a [Fleet]; a *host.Host has it.
type Restarter interface {
	// Restart lets another process of a plugin's take the place of the one that runs.
	Restart(ctx context.Context, plugin string) error
}

// findAs returns the plugin of a car as one with a capability; it fails with reason
// unsupported if the plugin does not have it.
func findAs[T any](ctx context.Context, fleet Fleet, vehicle string) (capable T, err error) {
	plugin, err := fleet.Find(ctx, vehicle)
	if err != nil {
		return capable, err
	}
	capable, ok := plugin.(T)
	if !ok {
		return capable, shared.NewError(shared.ReasonUnsupported)
	}
	return capable, nil
}

// event is what happened, as it is told on {base}/bridge/event.
type event struct {
	// What happened: a word of the host's events, or mqtt
	Type   string     `json:"event_type"`
	Plugin string     `json:"plugin,omitempty"`
	State  host.State `json:"state,omitempty"`
	PID    int        `json:"pid,omitempty"`
	// Of a crash
	Cause     host.CrashCause `json:"cause,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	Message   string          `json:"message,omitempty"`
	Timestamp string          `json:"timestamp"`
}

// eventMQTT is the type of the event that the broker is back.
const eventMQTT = "mqtt"

// tellEvents publishes what happens to the plugins, until the bridge stops.
func (b *Bridge) tellEvents(plugins Plugins) {
	for {
		ev, err := plugins.NextEvent(b.ctx)
		if err != nil {
			return
		}
		e := event{
			Type: string(ev.Kind), Plugin: ev.Plugin, State: ev.State, PID: ev.PID,
			Reason: ev.Reason, Message: ev.Message, Timestamp: timeText(ev.Time),
		}
		if ev.Crash != nil {
			e.Cause = ev.Crash.Cause
		}
		b.tellEvent(e)
		b.overview.touch()
	}
}

func (b *Bridge) tellEvent(e event) {
	body, _ := json.Marshal(e) // plain fields
	b.writer.send(Message{Topic: b.publisher.self.prefix + topicEvent, Payload: body, QoS: 1})
}
