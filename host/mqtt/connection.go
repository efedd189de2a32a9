package mqtt

import (
	"context"
	"errors"
	"time"
)

const (
	// subscribeTimeout bounds how long the broker may take to answer.
	subscribeTimeout = 10 * time.Second
	// A subscription that was refused is tried again with growing pauses.
	firstSubscribePause, maxSubscribePause = 2 * time.Second, 5 * time.Minute
	// A connection that the broker ends within hangUpTime was ended because of what the
	// hub is or does; hangUps of them in a row are no accident.
	hangUpTime = 10 * time.Second
	hangUps    = 3
)

// Trouble says what keeps commands from reaching the bridge now; nil: nothing.
func (b *Bridge) Trouble() *Trouble { return b.trouble.Load() }

// attend subscribes on each connection, and says what is wrong with it.
func (b *Bridge) attend() {
	var (
		hungUp int // times in a row
		since  time.Time
		pause  = firstSubscribePause
		number uint64
	)
	for b.ctx.Err() == nil {
		connection, changed := b.opts.Client.Connection()
		if !connection.Up {
			if !since.IsZero() {
				if hungUp++; b.opts.Now().Sub(since) > hangUpTime {
					hungUp = 0
				}
				since = time.Time{}
			}
			b.say(lost(connection.Err, hungUp, b.trouble.Load()))
			closed(b.ctx, changed)
			continue
		}
		if connection.Number != number {
			number, since, pause = connection.Number, b.opts.Now(), firstSubscribePause
			b.counts.connections.Add(1)
			b.overview.touch()
		}
		if err := b.subscribe(changed); err != nil {
			if ended(changed) {
				continue
			}
			b.say(troubleOf(err))
			closedWithin(b.ctx, changed, pause)
			pause = min(2*pause, maxSubscribePause)
			continue
		}
		if hungUp < hangUps {
			b.say(nil)
			b.checkDelivery(changed)
			for b.memory.connected(); b.ctx.Err() == nil && !closedWithin(b.ctx, changed, seenInterval); {
				b.memory.connected()
			}
			continue
		}
		// It was ended each time so far: believe it when it has lasted.
		if !closedWithin(b.ctx, changed, hangUpTime) {
			hungUp = 0
		}
	}
}

// lost is the trouble of a connection that is down, or nil if none is known.
func lost(err error, hungUp int, before *Trouble) *Trouble {
	switch {
	case hungUp >= hangUps:
		return &Trouble{Kind: TroubleHungUp, Message: hungUpMessage, Err: err}
	case err == nil:
		return before
	}
	return troubleOf(err)
}

// subscribe subscribes to what the bridge listens to, until the connection is lost. Only
// the cars' commands have to be allowed.
func (b *Bridge) subscribe(lost <-chan struct{}) error {
	ctx, cancel := untilClosed(b.ctx, lost, subscribeTimeout)
	defer cancel()

	// What changes nothing need not wait until it is known how it was published.
	if err := b.subscribeIfAllowed(ctx, "questions to the bridge cannot be received",
		Subscription{QoS: 1, Handler: b.receive, Filters: b.requestTopics(false)}); err != nil {
		return err
	}
	if b.opts.ProbeInterval >= 0 {
		b.probe.forget()
		if err := b.subscribeIfAllowed(ctx, "the MQTT client's delay cannot be measured",
			Subscription{Filters: []string{b.probe.topic}, Handler: b.probe.receive}); err != nil {
			return err
		}
	}

	if b.opts.Announcer != nil {
		if err := b.subscribeIfAllowed(ctx, "a start of the home automation is not noticed", b.announced.subscription()); err != nil {
			return err
		}
	}

	commands := Subscription{QoS: 1, Handler: b.receive, AsPublished: true}
	for _, kind := range []string{commandRefresh, commandSchedule} {
		commands.Filters = append(commands.Filters, b.opts.BaseTopic+"/+/"+levelCommands+kind)
	}
	all := commands
	all.Filters = append(b.requestTopics(true), commands.Filters...)
	err := b.opts.Client.Subscribe(ctx, all)
	if !errors.Is(err, ErrSubscriptionRefused) {
		return err
	}
	refused := err
	if err = b.opts.Client.Subscribe(ctx, commands); err == nil {
		b.log.Warn("requests to the bridge cannot be received, but commands to cars can", "error", refused)
	}
	return err
}

// deliveryTimeout is how long a command to nobody may take to come back.
const deliveryTimeout = 5 * time.Second

// checkDelivery sends an empty message, which is no command, to where commands come from.
// Some brokers grant a subscription and then keep the messages to themselves, because
// their rules let the hub read none; Mosquitto does.
func (b *Bridge) checkDelivery(lost <-chan struct{}) {
	ctx, cancel := untilClosed(b.ctx, lost, deliveryTimeout)
	defer cancel()
	select {
	case <-b.delivered: // of another connection
	default:
	}

	b.opts.Client.Publish(Message{Topic: b.opts.BaseTopic + "/" + allVehicles + "/" + levelCommands + commandRefresh, QoS: 1}) // its way back is its receipt
	select {
	case <-b.delivered:
	case <-ctx.Done():
		if b.ctx.Err() == nil && !ended(lost) {
			b.log.Warn("a message of the hub's own to its topics of commands does not come back; if commands are not answered either, " +
				"let the hub read them in the broker's access rules (docs/mqtt.md)")
		}
	}
}

// subscribeIfAllowed subscribes to what the broker may refuse; then without says what
// there is without it.
func (b *Bridge) subscribeIfAllowed(ctx context.Context, without string, s Subscription) error {
	err := b.opts.Client.Subscribe(ctx, s)
	if errors.Is(err, ErrSubscriptionRefused) {
		b.log.Warn(without, "error", err)
		return nil
	}
	return err
}

// requestTopics are those of the requests that change something, or of the others.
func (b *Bridge) requestTopics(changing bool) []string {
	var topics []string
	for _, kind := range requestKinds() {
		if kind.changing == changing {
			topics = append(topics, b.publisher.self.prefix+levelRequest+kind.name)
		}
	}
	return topics
}

// say tells what the trouble is, once for each kind.
func (b *Bridge) say(t *Trouble) {
	before := b.trouble.Swap(t)
	if kindOf(before) == kindOf(t) {
		return
	}
	if t == nil {
		b.log.Info("commands are received from the MQTT broker")
		if before.Kind != TroubleConnecting {
			b.tellEvent(event{Type: eventMQTT, Reason: string(before.Kind), Message: "It is over: " + before.Message, Timestamp: timeText(b.opts.Now())})
		}
	} else {
		b.log.Warn("no commands can come from the MQTT broker; it is tried again and again", "kind", string(t.Kind), "message", t.Message, "error", t.Err)
	}
	b.opts.OnTrouble(t)
}
