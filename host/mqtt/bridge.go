package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Fleet is what the bridge needs of a host; a *host.Host is one.
type Fleet interface {
	// Vehicles are the cars that are known now.
	Vehicles() []*vehiclev1.Vehicle
	// VehiclesChanged is closed when Vehicles has something new to say.
	VehiclesChanged() <-chan struct{}
	// Find returns who refreshes a car.
	Find(ctx context.Context, vehicleID string) (shared.VehicleRefresher, error)
}

// Options of New. Zero values take the defaults.
type Options struct {
	// Client is the hub's. It stays the hub's to connect and disconnect. The
	// bridge subscribes in Start; a client that forgets subscriptions over a
	// reconnect needs [Bridge.Subscribe] in its OnConnect handler.
	Client paho.Client
	Fleet  Fleet
	// BaseTopic is the first level, or levels, of all topics. Default hyundai.
	BaseTopic string
	// NoInitialRefresh: do not read every car once when it is first seen.
	NoInitialRefresh bool
	// Logger gets the bridge's lines. Default: none.
	Logger *slog.Logger
	// OnCommand is told of each command that was answered, from the goroutine
	// that served it. Default: nobody.
	OnCommand func(Served)
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Served is a command that was answered.
type Served struct {
	Vehicle   string
	Command   string
	RequestID string
	Duration  time.Duration
	// Data is nil if Err is set.
	Data *vehiclev1.VehicleData
	Err  error
	// Unpublished is why the answer has not reached the broker; nil if it has.
	Unpublished error
}

// initialCommand names the read that the bridge makes by itself.
const initialCommand = "initial"

// Bridge is the bridge. Safe for concurrent use.
type Bridge struct {
	opts      Options
	log       *slog.Logger
	inbox     *inbox
	publisher *publisher

	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// New checks the options.
func New(o Options) (*Bridge, error) {
	if o.Client == nil || o.Fleet == nil {
		return nil, errors.New("mqtt: options need Client and Fleet")
	}
	if o.BaseTopic == "" {
		o.BaseTopic = "hyundai"
	}
	if err := checkBase(o.BaseTopic); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.OnCommand == nil {
		o.OnCommand = func(Served) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	b := &Bridge{opts: o, log: o.Logger, inbox: newInbox(), publisher: newPublisher(o.Client, o.BaseTopic, o.Logger, o.Now)}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b, nil
}

func checkBase(base string) error {
	if strings.ContainsAny(base, "+#\x00") || strings.HasPrefix(base, "/") || strings.HasSuffix(base, "/") || strings.HasPrefix(base, "$") {
		return fmt.Errorf("mqtt: %q is no valid base topic: use levels such as home/cars, without + and #", base)
	}
	return nil
}

// Start subscribes to the commands and begins to serve.
func (b *Bridge) Start(ctx context.Context) error {
	b.work.Go(b.serve)
	if !b.opts.NoInitialRefresh {
		b.work.Go(b.readNewVehicles)
	}
	return b.Subscribe(ctx)
}

// Subscribe subscribes to the commands, again after a reconnect.
func (b *Bridge) Subscribe(ctx context.Context) error {
	filter := b.opts.BaseTopic + "/+/commands/refresh"
	token := b.opts.Client.Subscribe(filter, 1, b.receive)
	select {
	case <-token.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("mqtt: subscribing to %s: %w", filter, err)
	}
	return nil
}

// Stop serves no new commands, cancels those that run, and waits until they
// have ended or ctx ends.
func (b *Bridge) Stop(ctx context.Context) error {
	b.inbox.close()
	b.cancel()
	done := make(chan struct{})
	go func() {
		b.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive is the client's callback. It only queues.
func (b *Bridge) receive(_ paho.Client, m paho.Message) {
	b.inbox.put(message{topic: m.Topic(), payload: m.Payload(), retained: m.Retained(), at: b.opts.Now()})
}

// serve takes messages from the inbox until it is closed.
func (b *Bridge) serve() {
	for {
		m, ok := b.inbox.take()
		if !ok {
			return
		}
		b.work.Go(func() {
			defer b.inbox.done()
			b.command(m)
		})
	}
}

// command serves one message from its topic to its answer.
func (b *Bridge) command(m message) {
	vehicle, ok := vehicleOf(m.topic, b.opts.BaseTopic)
	if !ok {
		return // not a topic that was subscribed to
	}
	id := newRequestID()
	served := Served{Vehicle: vehicle, Command: "refresh", RequestID: id}
	cmd, err := m.parse(vehicle)
	if err == nil {
		served.Command = cmd.String()
		served.Data, err = b.refresh(cmd, vehicle, id)
	}
	served.Err, served.Duration = err, b.opts.Now().Sub(m.at)
	b.answer(served)
}

// refresh finds the car's plugin and asks it.
func (b *Bridge) refresh(cmd Command, vehicle, requestID string) (*vehiclev1.VehicleData, error) {
	ctx := shared.WithCallInfo(b.ctx, shared.CallInfo{RequestID: requestID})
	ctx, cancel := context.WithTimeout(ctx, cmd.Mode.DefaultTimeout())
	defer cancel()
	plugin, err := b.opts.Fleet.Find(ctx, vehicle)
	if err != nil {
		return nil, &shared.RefreshError{Mode: cmd.Mode, VehicleID: vehicle, Err: err}
	}
	switch cmd.Mode {
	case shared.ModeForce:
		return plugin.RefreshForce(ctx, vehicle)
	case shared.ModeSmart:
		return plugin.RefreshSmart(ctx, vehicle, cmd.MaxAge)
	default:
		return plugin.RefreshCached(ctx, vehicle)
	}
}

// answer publishes what came of a command.
func (b *Bridge) answer(s Served) {
	fields := []any{"vehicle", s.Vehicle, "command", s.Command, "request_id", s.RequestID, "duration", s.Duration.String()}
	if s.Err != nil {
		api := shared.AsAPIError(s.Err)
		b.log.Warn("command failed", append(fields, "reason", string(api.Reason), "error", s.Err)...)
		s.Unpublished = b.publisher.failure(s, b.known(s.Vehicle))
	} else {
		s.Unpublished = b.publisher.state(s.Vehicle, s.Data, s.Command != initialCommand)
		b.log.Info("command served", fields...)
	}
	if s.Unpublished != nil {
		b.log.Error("the answer was not published", append(fields, "error", s.Unpublished)...)
	}
	b.opts.OnCommand(s)
}

func (b *Bridge) known(vehicle string) bool {
	for _, v := range b.opts.Fleet.Vehicles() {
		if v.GetId() == vehicle {
			return true
		}
	}
	return false
}

// readNewVehicles reads each car once when it is first seen, from the cloud's
// copy.
func (b *Bridge) readNewVehicles() {
	seen := map[string]bool{}
	for {
		changed := b.opts.Fleet.VehiclesChanged()
		for _, v := range b.opts.Fleet.Vehicles() {
			id := v.GetId()
			if seen[id] {
				continue
			}
			seen[id] = true
			if !vehicleID.MatchString(id) {
				b.log.Warn("a car's id cannot be part of a topic, so the car is left out: letters, digits, _ and - only", "plugin_gave", id[:min(len(id), maxTopic)])
				continue
			}
			b.work.Go(func() {
				started, requestID := b.opts.Now(), newRequestID()
				data, err := b.refresh(Command{Mode: shared.ModeCached}, id, requestID)
				if b.ctx.Err() != nil {
					return
				}
				b.answer(Served{
					Vehicle: id, Command: initialCommand, RequestID: requestID,
					Duration: b.opts.Now().Sub(started), Data: data, Err: err,
				})
			})
		}
		select {
		case <-changed:
		case <-b.ctx.Done():
			return
		}
	}
}
