package bench

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Floor is what the broker can take from one client that does nothing but publish the
// topics of a car's state, again and again: no service can be faster than that.
type Floor struct {
	Messages  int     `json:"messages_per_refresh"`
	PerSecond float64 `json:"refreshes_per_second"`
	// Latency of one refresh after the other, milliseconds.
	Latency Percentiles `json:"latency_ms"`
}

// floorRefreshes are published.
const floorRefreshes = 500

// floor measures what the broker can take.
func (o *Options) floor(ctx context.Context) (f Floor, err error) {
	r, err := o.start(ctx, world{cars: 2, initial: true})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	messages, err := r.state(ctx)
	if err != nil {
		return f, err
	}
	client := paho.NewClient(paho.NewClientOptions().AddBroker(r.broker.url).SetClientID("bench-floor").SetCustomOpenConnectionFn(mqtt.Dial))
	if t := client.Connect(); !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		return f, errors.Join(errors.New("the broker does not answer"), t.Error())
	}
	defer client.Disconnect(100)
	publish := func(car string) (last paho.Token) {
		for _, m := range messages {
			last = client.Publish(base+"/"+car+"/"+m.topic, 1, m.retained, m.body)
		}
		return last
	}
	f.Messages = len(messages)
	var waiting []paho.Token
	begun := time.Now()
	for range floorRefreshes {
		if waiting = append(waiting, publish(r.ids[0])); len(waiting) > 4 { // as many as the service has under way
			waiting[0].Wait()
			waiting = waiting[1:]
		}
	}
	for _, t := range waiting {
		t.Wait()
	}
	f.PerSecond = floorRefreshes / time.Since(begun).Seconds()
	var times []time.Duration
	for range floorRefreshes {
		begun := time.Now()
		publish(r.ids[1]).Wait()
		times = append(times, time.Since(begun))
	}
	f.Latency = percentiles(times)
	return f, ctx.Err()
}

// message of a car's state.
type message struct {
	topic    string
	retained bool
	body     []byte
}

// state are the messages of a car of the rig's; the last is acknowledged.
func (r *rig) state(ctx context.Context) (all []message, err error) {
	engine := sdk.NewEngine(plugin.Plugin(), sdk.Options{})
	defer func() { err = errors.Join(err, engine.Close(ctx)) }()
	settings, err := r.account()
	if err != nil {
		return nil, err
	}
	if _, err := engine.Initialize(ctx, shared.Config{Settings: settings}); err != nil {
		return nil, err
	}
	data, err := engine.RefreshCached(ctx, r.ids[0])
	if err != nil {
		return nil, err
	}
	for a, v := range shared.Values(data) {
		body, err := json.Marshal(map[string]any{"value": v, "timestamp": time.Now().String()})
		if err != nil {
			return nil, err
		}
		for _, topic := range append([]string{a.Info.GetTopic()}, a.Info.GetAliases()...) {
			if topic != "" {
				all = append(all, message{topic, a.Info.GetRetained(), body})
			}
		}
	}
	return append(all, message{"status/last_updated", true, []byte(`{"value":null}`)}), nil
}
