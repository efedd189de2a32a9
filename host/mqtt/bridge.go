package mqtt

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Served is a command that was answered.
type Served struct {
	Vehicle   string
	Command   string
	RequestID string
	// ID is the sender's name for it; empty: none.
	ID       string
	Duration time.Duration
	// Data is nil if Err is set, and of a command that brings none.
	Data *vehiclev1.VehicleData
	Err  error
	// Unpublished is why the broker has not acknowledged the answer yet; nil if it has.
	// The bridge goes on trying.
	Unpublished error
}

// Names of what comes without a command: the read that the bridge makes by itself,
// and the plugin's schedule.
const (
	CommandInitial   = "initial"
	CommandScheduled = "scheduled"
)

// Bridge is the bridge. Safe for concurrent use.
type Bridge struct {
	opts       Options
	log        *slog.Logger
	inbox      *inbox
	lines      *lines
	memory     *memory
	leftovers  *leftovers
	writer     *writer
	publisher  *publisher
	probe      *probe
	overview   *overview
	announced  *announcements
	departures *departures
	counts     counts
	// delivered gets a token when an empty message to a topic of commands has come.
	delivered chan struct{}
	// treated are the plugins that a request is doing something to, by name.
	treated   sync.Map
	schedules schedules
	// cars that plugins have listed, by id.
	cars    atomic.Pointer[map[string]bool]
	trouble atomic.Pointer[Trouble]

	// ctx is that of the work, and answers how long it waits for the broker.
	ctx, answers context.Context
	cancel       context.CancelFunc
	hurry        context.CancelFunc
	work         sync.WaitGroup
	// writing ends the writer, which is done then.
	writing context.CancelFunc
	written chan struct{}
}

// New checks the options.
func New(o Options) (*Bridge, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	leftovers, err := newLeftovers(o.StateDir)
	if err != nil {
		return nil, err
	}
	memory, err := newMemory(o.StateDir, o.Now)
	if err != nil {
		return nil, err
	}
	b := &Bridge{
		leftovers: leftovers, opts: o, memory: memory, log: o.Logger, inbox: newInbox(), lines: newLines(), writer: newWriter(o.Client, o.Logger, o.Now),
		probe: newProbe(o.Client, o.BaseTopic, o.Now, o.OnProbe), written: make(chan struct{}), delivered: make(chan struct{}, 1),
	}
	b.publisher = newPublisher(b.writer, o.BaseTopic, leftovers.former.Cars, o.Logger, o.Now)
	b.cars.Store(&map[string]bool{})
	b.trouble.Store(&Trouble{Kind: TroubleConnecting, Message: "The MQTT broker is not connected yet."})
	b.overview, b.announced, b.departures = newOverview(b), newAnnouncements(b), newDepartures(b)
	b.publisher.saw = b.announced.sawData
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.answers, b.hurry = context.WithCancel(context.Background())
	return b, nil
}

// Start begins to serve, once. What it needs of the broker happens as soon as the client is
// connected, now or later: see [Bridge.Trouble].
func (b *Bridge) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	b.writing = cancel
	go func() {
		defer close(b.written)
		b.writer.run(ctx)
	}()
	b.publisher.say(topicState, []byte(online))
	b.work.Go(b.attend)
	b.work.Go(b.serve)
	b.work.Go(b.follow)
	b.announced.sawPlugins(b.overview.status()) // before the cars, which refer to their hub
	changed := b.opts.Fleet.VehiclesChanged()
	cars := b.listCars()
	b.work.Go(func() { b.followVehicles(cars, changed) })
	b.work.Go(b.overview.run)
	if b.opts.Announcer != nil {
		b.work.Go(b.announced.run)
	}
	if b.overview.plugins != nil {
		b.work.Go(func() { b.tellEvents(b.overview.plugins) })
	}
	if b.opts.ProbeInterval > 0 {
		b.work.Go(b.measure)
	}
}

// lastWords is how long the broker has at the end to acknowledge answers.
const lastWords = 2 * time.Second

// Stop refuses new commands, cancels those that run, waits until they have ended or
// ctx ends, and says that the bridge is offline. It does not wait for a broker that is
// away.
func (b *Bridge) Stop(ctx context.Context) error {
	if b.writing == nil {
		b.memory.close()
		return nil // it was never started
	}
	b.inbox.close()
	b.cancel()
	if connection, _ := b.opts.Client.Connection(); connection.Up {
		late := time.AfterFunc(lastWords, b.hurry)
		defer late.Stop()
	} else {
		b.hurry()
	}
	ended := make(chan struct{})
	go func() { // ends with the work
		defer close(ended)
		b.work.Wait()
		change := b.publisher.say(topicState, []byte(Offline))
		if connection, _ := b.opts.Client.Connection(); connection.Up {
			_ = b.publisher.self.await(b.answers, change) // else the will says it
		}
		b.writing()
		<-b.written
		b.hurry()
		b.memory.close()
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive is the client's callback. It only queues.
func (b *Bridge) receive(m Message) {
	if len(m.Payload) == 0 { // it takes a retained message off the broker, or is the bridge's own
		select {
		case b.delivered <- struct{}{}:
		default:
		}
		return
	}
	now, waited := b.opts.Now(), m.Waited
	switch {
	case m.Expiry > 0: // the broker has looked at it, and counted the time
		waited = 0
	case waited < 0:
		waited = b.memory.waited(now)
	}
	reply, correlation := replyTo(m, b.opts.BaseTopic)
	came := message{
		topic: m.Topic, payload: m.Payload, retained: m.Retained, at: now.Add(-max(0, waited)), waited: waited,
		expiry: m.Expiry, reply: reply, correlation: correlation,
	}
	if !b.inbox.put(came) {
		b.turnAway(came)
	}
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

// publish changes what the topics shall hold to what came of a command.
func (b *Bridge) publish(s *Served) acknowledged {
	fields := []any{"vehicle", s.Vehicle, "command", s.Command, "request_id", s.RequestID, "duration", s.Duration.String()}
	if s.Err != nil {
		api := shared.AsAPIError(s.Err)
		b.log.Warn("command failed", append(fields, "reason", string(api.Reason), "error", s.Err)...)
		return b.publisher.failure(*s, s.Command == CommandInitial || b.known(s.Vehicle))
	}
	b.log.Info("command served", fields...)
	return b.publisher.data(s.Vehicle, s.Data, s.Command != CommandInitial)
}

// acknowledgeTimeout bounds how long an answer waits for the broker before it is told
// that it has not reached it; the writer goes on trying.
const acknowledgeTimeout = 10 * time.Second

// settle waits for the broker, for a while.
func (b *Bridge) settle(answer acknowledged) error {
	ctx, cancel := context.WithTimeout(b.answers, acknowledgeTimeout)
	defer cancel()
	return answer(ctx)
}

// served tells the hub of a command that was answered.
func (b *Bridge) served(s Served) {
	if s.Unpublished != nil {
		b.log.Error("the answer is not published yet", "vehicle", s.Vehicle, "command", s.Command, "request_id", s.RequestID, "error", s.Unpublished)
	}
	b.opts.OnCommand(s)
}
