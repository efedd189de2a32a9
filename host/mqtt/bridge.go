package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
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
	// Update waits for the next snapshot that comes without a command.
	Update(ctx context.Context) (*vehiclev1.VehicleData, error)
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
	// ProbeInterval is how often the bridge measures how long the client takes to
	// bring a message, on a topic of its own below {base}/bridge/probe. Default
	// 30 s; negative: never.
	ProbeInterval time.Duration
	// OnProbe is told of each measured time, in the client's own loop: it must not
	// block. Default: nobody.
	OnProbe func(time.Duration)
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Served is a command that was answered.
type Served struct {
	Vehicle   string
	Command   string
	RequestID string
	Duration  time.Duration
	// Data is nil if Err is set, and of a command that brings none.
	Data *vehiclev1.VehicleData
	Err  error
	// Unpublished is why the answer has not reached the broker; nil if it has.
	Unpublished error
}

// Names of what comes without a command: the read that the bridge makes by itself,
// and the plugin's schedule.
const (
	CommandInitial   = "initial"
	CommandScheduled = "scheduled"
)

// initialReads is how many cars are read at a time when they are first seen: a
// fleet's must not fill the plugin's queue, where people's commands wait.
const initialReads = 256

// Bridge is the bridge. Safe for concurrent use.
type Bridge struct {
	opts      Options
	log       *slog.Logger
	inbox     *inbox
	publisher *publisher
	probe     *probe
	// cars that plugins have listed, by id.
	cars atomic.Pointer[map[string]bool]

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
	if o.ProbeInterval == 0 {
		o.ProbeInterval = defaultProbeInterval
	}
	if o.OnProbe == nil {
		o.OnProbe = func(time.Duration) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	b := &Bridge{
		opts: o, log: o.Logger, inbox: newInbox(), publisher: newPublisher(o.Client, o.BaseTopic, o.Logger, o.Now),
		probe: newProbe(o.Client, o.BaseTopic, o.Now, o.OnProbe),
	}
	b.cars.Store(&map[string]bool{})
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
	b.work.Go(b.follow)
	changed := b.opts.Fleet.VehiclesChanged()
	cars := b.listCars()
	b.work.Go(func() { b.followVehicles(cars, changed) })
	err := b.Subscribe(ctx)
	if err == nil && b.opts.ProbeInterval > 0 {
		b.work.Go(b.measure)
	}
	return err
}

// Subscribe subscribes to the commands, again after a reconnect. It fails with
// [ErrSubscriptionRefused] if the broker does not allow it.
func (b *Bridge) Subscribe(ctx context.Context) error {
	for _, kind := range []string{commandRefresh, commandSchedule} {
		if err := b.subscribe(ctx, b.opts.BaseTopic+"/+/commands/"+kind, 1, b.receive); err != nil {
			return err
		}
	}
	if b.opts.ProbeInterval < 0 {
		return nil
	}
	if err := b.subscribe(ctx, b.probe.topic, 0, b.probe.receive); err != nil {
		b.log.Warn("the MQTT client's delay cannot be measured", "error", err)
	}
	return nil
}

func (b *Bridge) subscribe(ctx context.Context, filter string, qos byte, handler paho.MessageHandler) error {
	token := b.opts.Client.Subscribe(filter, qos, handler)
	select {
	case <-token.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("mqtt: subscribing to %s: %w", filter, err)
	}
	// The client takes a refusal for a success.
	if s, ok := token.(*paho.SubscribeToken); ok && s.Result()[filter] == subscriptionRefused {
		return fmt.Errorf("mqtt: %w to %s: let the hub read it in the broker's access rules", ErrSubscriptionRefused, filter)
	}
	return nil
}

// subscriptionRefused is what a broker answers to a subscription that it does not
// grant.
const subscriptionRefused = 0x80

// ErrSubscriptionRefused says that the broker does not let the hub read its commands.
var ErrSubscriptionRefused = errors.New("the broker refused the subscription")

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
		if n := b.inbox.lost(); n > 0 {
			b.log.Error("commands were dropped without an answer: far too many came at once", "commands", n)
		}
		b.work.Go(func() {
			defer b.inbox.done()
			b.command(m)
		})
	}
}

// command serves one message from its topic to its answer.
func (b *Bridge) command(m message) {
	vehicle, kind, ok := commandTopic(m.topic, b.opts.BaseTopic)
	if !ok {
		return // not a topic that was subscribed to
	}
	id := newRequestID()
	served := Served{Vehicle: vehicle, Command: kind, RequestID: id}
	if kind == commandSchedule {
		b.schedule(m, served)
		return
	}
	cmd, err := m.parse(vehicle)
	if err == nil {
		served.Command = cmd.String()
		served.Data, err = b.refresh(cmd, vehicle, shared.CallInfo{RequestID: id, Override: cmd.Override})
	}
	served.Err, served.Duration = err, b.opts.Now().Sub(m.at)
	b.answer(served)
}

// refresh finds the car's plugin and asks it.
func (b *Bridge) refresh(cmd Command, vehicle string, info shared.CallInfo) (*vehiclev1.VehicleData, error) {
	ctx := shared.WithCallInfo(b.ctx, info)
	ctx, cancel := context.WithTimeout(ctx, cmd.Mode.DefaultTimeout())
	defer cancel()
	plugin, err := b.opts.Fleet.Find(ctx, vehicle)
	if err != nil {
		return nil, &shared.RefreshError{Mode: cmd.Mode, VehicleID: vehicle, Err: err}
	}
	return shared.Refresh(ctx, plugin, cmd.Mode, vehicle, cmd.MaxAge)
}

// answer publishes what came of a command.
func (b *Bridge) answer(s Served) {
	fields := []any{"vehicle", s.Vehicle, "command", s.Command, "request_id", s.RequestID, "duration", s.Duration.String()}
	if s.Err != nil {
		api := shared.AsAPIError(s.Err)
		b.log.Warn("command failed", append(fields, "reason", string(api.Reason), "error", s.Err)...)
		s.Unpublished = b.publisher.failure(s, s.Command == CommandInitial || b.known(s.Vehicle))
	} else {
		s.Unpublished = b.publisher.state(s.Vehicle, s.Data, s.Command != CommandInitial && s.Command != CommandScheduled)
		b.log.Info("command served", fields...)
	}
	if s.Unpublished != nil {
		b.log.Error("the answer was not published", append(fields, "error", s.Unpublished)...)
	}
	b.opts.OnCommand(s)
}

// follow publishes what comes without a command.
func (b *Bridge) follow() {
	for {
		data, err := b.opts.Fleet.Update(b.ctx)
		if err != nil {
			return // the bridge has stopped
		}
		id := data.GetVehicle().GetId()
		if !vehicleID.MatchString(id) {
			continue // told when the car was first seen
		}
		b.answer(Served{Vehicle: id, Command: CommandScheduled, RequestID: newRequestID(), Data: data})
	}
}

// known says whether a plugin has listed the car, perhaps just now.
func (b *Bridge) known(vehicle string) bool {
	return (*b.cars.Load())[vehicle] || b.listCars()[vehicle]
}

// listCars remembers the cars that there are.
func (b *Bridge) listCars() map[string]bool {
	vehicles := b.opts.Fleet.Vehicles()
	cars := make(map[string]bool, len(vehicles))
	for _, v := range vehicles {
		cars[v.GetId()] = true
	}
	b.cars.Store(&cars)
	return cars
}

// followVehicles keeps the list of cars, and reads each once when it is first seen,
// from the cloud's copy.
func (b *Bridge) followVehicles(cars map[string]bool, changed <-chan struct{}) {
	seen, reading := map[string]bool{}, make(chan struct{}, initialReads)
	for {
		for id := range cars {
			if seen[id] || b.opts.NoInitialRefresh {
				continue
			}
			seen[id] = true
			if !vehicleID.MatchString(id) {
				b.log.Warn("a car's id cannot be part of a topic, so the car is left out: letters, digits, _ and - only", "plugin_gave", id[:min(len(id), maxTopic)])
				continue
			}
			select {
			case reading <- struct{}{}:
			case <-b.ctx.Done():
				return
			}
			b.work.Go(func() {
				defer func() { <-reading }()
				started, requestID := b.opts.Now(), newRequestID()
				data, err := b.refresh(Command{Mode: shared.ModeCached}, id, shared.CallInfo{RequestID: requestID, Background: true})
				if b.ctx.Err() != nil {
					return
				}
				b.answer(Served{
					Vehicle: id, Command: CommandInitial, RequestID: requestID,
					Duration: b.opts.Now().Sub(started), Data: data, Err: err,
				})
			})
		}
		select {
		case <-changed:
			changed = b.opts.Fleet.VehiclesChanged()
			cars = b.listCars()
		case <-b.ctx.Done():
			return
		}
	}
}
