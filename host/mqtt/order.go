package mqtt

import (
	"cmp"
	"context"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// order is a command on its way from its topic to its last answer.
type order struct {
	Served
	// kind is the last level of its topic.
	kind    string
	message message
	cmd     Command
	// request that asked for it; nil: it came to the car's own topic.
	request *request
	// remembered: its id acts once.
	remembered bool
	// begun is when nobody was ahead of it in its car's line.
	begun time.Time
}

// allVehicles is the place of a vehicle's id in the topic of a command to every car.
const allVehicles = "all"

// command serves one message from its topic to its last answer.
func (b *Bridge) command(m message) {
	if m.retained { // once is enough
		b.writer.send(Message{Topic: m.topic, QoS: 1, Retained: true})
	}
	if kind, ok := requestTo(m.topic, b.opts.BaseTopic); ok {
		b.request(m, kind)
		return
	}
	o, ok := b.orderOf(m)
	switch {
	case !ok:
		return
	case o.kind == commandSchedule:
		b.schedule(o)
		return
	}

	var err error
	o.cmd, err = m.parse(o.Vehicle)
	if o.ID = o.cmd.ID; err != nil {
		b.finish(o, nil, err)
		return
	}
	o.Command = o.cmd.String()
	b.carryOutCommand(o)
}

// orderOf is the order that has come with a message; false: its topic is none that was
// subscribed to.
func (b *Bridge) orderOf(m message) (o *order, ok bool) {
	vehicle, kind, ok := commandTopic(m.topic, b.opts.BaseTopic)
	if !ok {
		return nil, false
	}
	return &order{Served: Served{Vehicle: vehicle, Command: kind, RequestID: newRequestID()}, kind: kind, message: m}, true
}

// carryOutCommand serves a command that was understood.
func (b *Bridge) carryOutCommand(o *order) {
	if good := o.message.expiry; good > 0 {
		o.cmd.Timeout = min(good, o.cmd.good())
	}
	if o.ID != "" && b.repeats(o) {
		return
	}
	switch {
	case !o.message.young(o.cmd.good()):
		b.finish(o, nil, &shared.RefreshError{Mode: o.cmd.Mode, VehicleID: o.Vehicle, Err: shared.Errorf(shared.ReasonDeadlineExceeded,
			"The command waited at the broker while the hub was away, for longer than it is good for. Send it again.")})
	case o.Vehicle == allVehicles:
		b.everyCar(o)
	default:
		b.oneCar(o)
	}
}

// oneCar serves a command to a car.
func (b *Bridge) oneCar(o *order) {
	place, ahead := b.lines.join(o.Vehicle)
	b.tell(o, &response{Stage: StageAccepted})
	if ahead > 0 {
		b.tell(o, &response{Stage: StageQueued, Position: ahead})
	}
	type result struct {
		data *vehiclev1.VehicleData
		err  error
	}
	done := make(chan result, 1)
	go func() { // ends with its deadline, which is b.ctx's at the latest
		left := o.cmd.deadline() - b.opts.Now().Sub(o.message.at)
		data, err := b.ask(o.Vehicle, o.cmd, left, shared.CallInfo{RequestID: o.RequestID, Override: o.cmd.Override})
		done <- result{data, err}
	}()

	// A command that takes long says so, at first as soon as it is clear.
	patience := time.NewTimer(b.opts.ProgressInterval / 5)
	defer patience.Stop()
	head, late := place.head, false
	for {
		select {
		case r := <-done:
			b.lines.leave(place) // whoever comes after the answer has nobody ahead
			b.finish(o, r.data, r.err)
			return
		case <-head:
			o.begun, head = b.opts.Now(), nil
			if ahead == 0 && !late {
				continue // it says so when it takes long
			}
		case <-patience.C:
			patience.Reset(b.opts.ProgressInterval)
			if late = true; head != nil {
				continue
			}
		}
		r := &response{Stage: StageRunning}
		r.times(o.begun.Sub(o.message.at), b.opts.Now().Sub(o.begun))
		b.tell(o, r)
	}
}

// ask finds the car's plugin and asks it.
func (b *Bridge) ask(vehicle string, cmd Command, limit time.Duration, info shared.CallInfo) (*vehiclev1.VehicleData, error) {
	ctx := shared.WithCallInfo(b.ctx, info)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	plugin, err := b.opts.Fleet.Find(ctx, vehicle)
	if err != nil {
		return nil, &shared.RefreshError{Mode: cmd.Mode, VehicleID: vehicle, Err: err}
	}
	return shared.Refresh(ctx, plugin, cmd.Mode, vehicle, cmd.MaxAge)
}

// tell sends an answer to whoever sent the command.
func (b *Bridge) tell(o *order, r *response) { b.respond(o, b.encode(o, r)) }

func (b *Bridge) encode(o *order, r *response) []byte {
	r.ID, r.RequestID, r.Command, r.Timestamp = o.ID, o.RequestID, o.Command, timeText(b.opts.Now())
	return r.encode()
}

func (b *Bridge) respond(o *order, answer []byte) *letter {
	return reply(b.writer.send, o.message, b.opts.BaseTopic+"/"+o.Vehicle+"/"+levelResponses+o.kind, answer)
}

// finish publishes what came of a command, and then says so.
func (b *Bridge) finish(o *order, data *vehiclev1.VehicleData, err error) {
	now := b.opts.Now()
	o.Data, o.Err, o.Duration = data, err, now.Sub(o.message.at)
	if o.begun.IsZero() {
		o.begun = now
	}
	o.Unpublished = b.settle(b.publish(&o.Served))

	r := &response{Stage: stageOf(err)}
	r.explain(err)
	r.times(o.begun.Sub(o.message.at), now.Sub(o.begun))
	if refresh := data.GetRefresh(); refresh != nil {
		if refresh.Verdict != nil {
			r.Verdict = shared.Word(refresh.GetVerdict())
		}
		r.Source = shared.Word(refresh.GetSource())
		if at := refresh.GetObservedAt(); at > 0 {
			r.ObservedAt = timeText(time.UnixMilli(at))
		}
	}
	b.close(o, r)
}

// close sends the last answer and tells the hub of the command.
func (b *Bridge) close(o *order, r *response) {
	published := o.Unpublished == nil
	r.Published = &published
	answer := b.encode(o, r)
	if o.remembered {
		b.memory.end(o.Vehicle, o.ID, answer)
	}
	b.counts.ended(r.Stage)
	sent := b.respond(o, answer)
	if o.request != nil {
		b.answerRefresh(o.request, r, answer)
	}
	o.Unpublished = cmp.Or(o.Unpublished, b.settle(sent.await))
	b.served(o.Served)
}
