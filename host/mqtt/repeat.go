package mqtt

import (
	"encoding/json"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// echoTime is how long after its end a command may come again because the way to the
// broker or from it was interrupted; nobody wants a second answer then.
const echoTime = time.Minute

// repeats says whether a command's id has come before: then it is not carried out
// again. Its sender gets the answer once more, if it is there.
func (b *Bridge) repeats(o *order) bool {
	before, err := b.memory.begin(o.Vehicle, o.ID)
	if err != nil {
		b.log.Error("the id of a command cannot be kept; it may act again after a restart", "request_id", o.RequestID, "error", err)
	}
	o.remembered = before == nil || before.Answer == nil
	switch {
	case before == nil:
		return false
	case before.Answer != nil:
		if b.opts.Now().Sub(before.Ended) > echoTime {
			sent := b.respond(o, before.Answer)
			if o.request != nil {
				var last response
				_ = json.Unmarshal(before.Answer, &last) // the bridge's own
				b.answerRefresh(o.request, &last, before.Answer)
			}
			_ = b.settle(sent.await) // whoever has lost it asks again
		}
	case before.earlier:
		interrupted := shared.Errorf(shared.ReasonCanceled, "The hub was stopped while the command was under way. Look at the car's state before you send it again.")
		interrupted.MayHaveHappened = o.cmd.Mode != shared.ModeCached
		b.finish(o, nil, &shared.RefreshError{Mode: o.cmd.Mode, VehicleID: o.Vehicle, Err: interrupted})
	}
	b.log.Info("command came again, and was not carried out again", "vehicle", o.Vehicle, "command", o.Command, "request_id", o.RequestID)
	return true
}
