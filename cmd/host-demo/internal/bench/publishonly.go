package bench

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// message of a car's state.
type message struct {
	topic    string
	retained bool
	body     []byte
}

// messagesOf are those of the first car of an engine's account, as many as the service
// publishes: the schema's topics and their other names, the whole state, and at the end
// status/last_updated.
func messagesOf(ctx context.Context, engine *sdk.Engine) (all []message, err error) {
	vehicles, err := engine.ListVehicles(ctx)
	if err != nil {
		return nil, err
	}
	if len(vehicles) == 0 {
		return nil, errors.New("there is no car to publish")
	}
	data, err := engine.RefreshCached(ctx, vehicles[0].GetId())
	if err != nil {
		return nil, err
	}
	whole := map[string]any{}
	for a, v := range shared.Values(data) {
		whole[a.Path] = v
		body, err := json.Marshal(map[string]any{"value": v, "unit": a.Info.GetUnit(), "timestamp": time.Now()})
		if err != nil {
			return nil, err
		}
		topics := append([]string{a.Info.GetTopic()}, a.Info.GetAliases()...)
		for _, d := range a.Info.GetDerived() {
			topics = append(topics, d.GetTopic())
		}
		for _, topic := range topics {
			if topic != "" && topic != lastUpdated {
				all = append(all, message{topic, a.Info.GetRetained(), body})
			}
		}
	}
	body, err := json.Marshal(whole)
	return append(all, message{"state", true, body}, message{lastUpdated, true, []byte(`{"value":null}`)}), err
}

// lastUpdated is the topic that says that everything has been published.
const lastUpdated = "status/last_updated"

// publish answers the commands to cars with nothing but the messages. It is a goroutine of
// its own: the client's would wait for itself when it has many.
func (l *loop) publish(ctx context.Context, messages []message, cars <-chan string) {
	for {
		select {
		case car := <-cars:
			for _, m := range messages {
				l.client.Publish(base+"/"+car+"/"+m.topic, 1, m.retained, m.body)
			}
		case <-ctx.Done():
			return
		}
	}
}
