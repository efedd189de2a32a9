package mqtt

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// topicSchedule holds the schedule that is in force, once it was set.
const topicSchedule = "schedule"

// maxSchedule bounds a schedule's payload.
const maxSchedule = 4 << 10

// schedule serves a command that sets when a car is refreshed by itself. The payload
// is JSON, or one of the words recommended, off, and default: back to what the
// plugin's settings say.
func (b *Bridge) schedule(o *order) {
	now, err := b.setSchedule(o.message, o.Served)
	if err != nil {
		b.finish(o, nil, err)
		return
	}
	o.Duration = b.opts.Now().Sub(o.message.at)
	b.log.Info("schedule set", "vehicle", o.Vehicle, "request_id", o.RequestID, "schedule", string(now))
	o.Unpublished = b.settle(b.publisher.schedule(o.Vehicle, now))
	b.close(o, &response{Stage: StageDone})
}

func (b *Bridge) setSchedule(m message, served Served) (json.RawMessage, error) {
	if err := m.refused(served.Vehicle); err != nil {
		return nil, err
	}
	text := strings.TrimSpace(string(m.payload))
	var schedule json.RawMessage
	switch {
	case len(m.payload) > maxSchedule:
		return nil, faulty(CodeTooLong, "", "The schedule is longer than %d bytes.", maxSchedule)
	case text == "":
		return nil, faulty(CodeEmpty, "", "The schedule is empty. Use default to go back to the settings, or off.")
	case text == "default":
	case text == "recommended" || text == "off":
		schedule = json.RawMessage(strconv.Quote(text))
	case !strings.HasPrefix(text, "{") || !json.Valid([]byte(text)):
		return nil, faulty(CodeSyntax, "", "The schedule is no JSON object. Use one such as {\"idle\":\"4h\"}, or recommended, off, or default.")
	default:
		schedule = json.RawMessage(text)
	}
	ctx := shared.WithCallInfo(b.ctx, shared.CallInfo{RequestID: served.RequestID})
	ctx, cancel := context.WithTimeout(ctx, shared.ModeCached.DefaultTimeout())
	defer cancel()
	scheduler, err := findAs[shared.Scheduler](ctx, b.opts.Fleet, served.Vehicle)
	if err != nil {
		return nil, err
	}
	return scheduler.SetSchedule(ctx, served.Vehicle, schedule)
}
