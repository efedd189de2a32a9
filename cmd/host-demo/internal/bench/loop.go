package bench

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hyundai-mqtt/hyundai-plugin/host/metrics"
	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// loop is a yardstick in one process that answers commands. It shows the
// fault that the project exists to remove: each command's blocking vendor call is made where
// the command arrives, on the goroutine of the MQTT client, by the same engine and vendor
// client as the plugin's. Or it makes no call and does nothing but publish a car's messages:
// no service can be faster than that.
type loop struct {
	client paho.Client
	engine *sdk.Engine
	probed func(time.Duration)
}

type loopSettings struct {
	Broker, HTTP, StateDir string
	Settings               json.RawMessage
	Probe                  time.Duration
	// PublishOnly is the yardstick that makes no vendor call for a command.
	PublishOnly bool
}

// mostCars have a command at a time.
const mostCars = 1000

// ServeLoop is the process of that yardstick. It ends with ctx.
func ServeLoop(ctx context.Context, lookup func(string) string) error {
	var s loopSettings
	if err := partSettings(lookup, &s); err != nil {
		return err
	}
	collector := metrics.NewBridge()
	l := &loop{engine: sdk.NewEngine(plugin.Plugin(), sdk.Options{}), probed: collector.Probed}
	defer func() { _ = l.engine.Close(context.WithoutCancel(ctx)) }()
	if _, err := l.engine.Initialize(ctx, shared.Config{Settings: s.Settings, StateDir: s.StateDir}); err != nil {
		return err
	}
	answer := l.command
	if s.PublishOnly {
		messages, err := messagesOf(ctx, l.engine)
		if err != nil {
			return err
		}
		cars := make(chan string, mostCars)
		answer = func(_ context.Context, m paho.Message) { cars <- carOf(m.Topic()) }
		go l.publish(ctx, messages, cars) // ends with ctx
	}
	l.client = paho.NewClient(paho.NewClientOptions().AddBroker(s.Broker).SetClientID("bench-loop").SetCustomOpenConnectionFn(mqtt.Dial))
	defer func() { l.client.Disconnect(100) }()
	if err := inTurn(
		l.client.Connect,
		func() paho.Token {
			return l.client.Subscribe(base+"/+/commands/refresh", 1, func(_ paho.Client, m paho.Message) { answer(ctx, m) })
		},
		func() paho.Token {
			return l.client.Subscribe(base+"/probe", 0, func(_ paho.Client, m paho.Message) { l.back(m) })
		},
	); err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector, collectors.NewGoCollector())
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: s.HTTP, Handler: mux, ReadHeaderTimeout: time.Second}
	go l.probe(ctx, s.Probe)
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// command makes the vendor call right here.
func (l *loop) command(ctx context.Context, m paho.Message) {
	car := carOf(m.Topic())
	data, err := l.refresh(ctx, car, string(m.Payload()))
	if err != nil {
		body, _ := json.Marshal(map[string]string{"reason": string(shared.AsAPIError(err).Reason)}) // a word
		l.client.Publish(base+"/"+car+"/status/error", 0, true, body)
		return
	}
	for a, v := range shared.Values(data) {
		body, _ := json.Marshal(map[string]any{"value": v}) // of the schema
		l.client.Publish(base+"/"+car+"/"+a.Info.GetTopic(), 1, a.Info.GetRetained(), body)
	}
	l.client.Publish(base+"/"+car+"/"+lastUpdated, 1, true, time.Now().String())
}

func (l *loop) refresh(ctx context.Context, car, payload string) (*vehiclev1.VehicleData, error) {
	mode, age, _ := strings.Cut(payload, ":")
	var maxAge time.Duration
	if age != "" {
		var err error
		if maxAge, err = time.ParseDuration(age + "s"); err != nil {
			return nil, shared.NewError(shared.ReasonInvalidCommand)
		}
	}
	return shared.Refresh(ctx, l.engine, shared.Mode(mode), car, maxAge)
}

// probe measures how long the client takes for its own messages.
func (l *loop) probe(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.client.Publish(base+"/probe", 0, false, time.Now().Format(time.RFC3339Nano))
		case <-ctx.Done():
			return
		}
	}
}

// back is the handler of those.
func (l *loop) back(m paho.Message) {
	if sent, err := time.Parse(time.RFC3339Nano, string(m.Payload())); err == nil {
		l.probed(time.Since(sent))
	}
}
