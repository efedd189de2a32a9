package mqtt

import "github.com/hyundai-mqtt/hyundai-plugin/shared"

// turnAway answers a message that comes while the bridge stops: the client has
// acknowledged it, so that it will not come again. It does not wait.
func (b *Bridge) turnAway(m message) {
	if m.retained {
		return // the broker keeps it for the next hub to answer
	}
	err := shared.Errorf(shared.ReasonDraining, "The hub is stopping. Send it again when the hub is back.")
	if kind, ok := requestTo(m.topic, b.opts.BaseTopic); ok {
		r := &request{kind: kind, requestID: newRequestID(), message: m}
		_ = r.parse() // for the transaction; it is refused anyway
		b.answer(r, nil, err)
		return
	}
	o, ok := b.orderOf(m)
	if !ok {
		return
	}

	if cmd, wrong := ParseCommand(m.payload); o.kind == commandRefresh {
		if o.ID = cmd.ID; wrong == nil {
			o.Command = cmd.String()
		}
	}
	r := &response{Stage: stageOf(err)}
	r.explain(err)
	b.counts.ended(r.Stage)
	b.tell(o, r)
}
