package mqtt

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// topicSchedule holds the schedule that is in force, and topicPreset the word for it.
const topicSchedule, topicPreset = "schedule", "schedule/preset"

// schedules keep a schedule that was read from being shown in place of one that is set
// meanwhile.
type schedules struct {
	mu sync.Mutex
	// set counts the commands that set one.
	set uint64
}

// wasSet comes between the setting of one and its showing: who has read before that must
// not show after it.
func (s *schedules) wasSet() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set++
}

// count of the commands so far.
func (s *schedules) count() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set
}

// unless shows one, unless a command has come since a count.
func (s *schedules) unless(count uint64, show func()) (shown bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == count {
		show()
	}
	return s.set == count
}

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
	b.log.Info("schedule set", "vehicle", o.Vehicle, "request_id", o.RequestID, "schedule", string(now.JSON))
	o.Unpublished = b.settle(b.showSchedule(o.Vehicle, now, true))
	b.close(o, &response{Stage: StageDone})
}

func (b *Bridge) setSchedule(m message, served Served) (now shared.Schedule, err error) {
	if err := m.refused(served.Vehicle); err != nil {
		return now, err
	}
	text := strings.TrimSpace(string(m.payload))
	var schedule json.RawMessage
	switch {
	case len(m.payload) > maxSchedule:
		return now, faulty(CodeTooLong, "", "The schedule is longer than %d bytes.", maxSchedule)
	case text == "":
		return now, faulty(CodeEmpty, "", "The schedule is empty. Use default to go back to the settings, or off.")
	case text == "default":
	case text == shared.PresetCustom:
		return now, faulty(CodeSyntax, "", `Which one? Publish the schedule, or what of it becomes another: {"change":{"idle":"4h"}}.`)
	case text == shared.PresetRecommended || text == shared.PresetOff:
		schedule = json.RawMessage(strconv.Quote(text))
	case !strings.HasPrefix(text, "{") || !json.Valid([]byte(text)):
		return now, faulty(CodeSyntax, "", "The schedule is no JSON object. Use one such as {\"idle\":\"4h\"}, or recommended, off, or default.")
	default:
		schedule = json.RawMessage(text)
	}
	ctx := shared.WithCallInfo(b.ctx, shared.CallInfo{RequestID: served.RequestID})
	ctx, cancel := context.WithTimeout(ctx, shared.ModeCached.DefaultTimeout())
	defer cancel()
	scheduler, err := findAs[shared.Scheduler](ctx, b.opts.Fleet, served.Vehicle)
	if err != nil {
		return now, err
	}
	set, err := scheduler.SetSchedule(ctx, served.Vehicle, schedule)
	if err != nil {
		return now, err
	}
	b.schedules.wasSet()
	now, err = scheduler.Schedule(ctx, served.Vehicle)
	if err != nil { // a plugin that is older than the question
		now = shared.Schedule{JSON: set, Preset: shared.PresetCustom}
	}
	return now, nil
}

// readSchedule shows the schedule of a car, if its plugin can tell it.
func (b *Bridge) readSchedule(vehicle string) {
	ctx, cancel := context.WithTimeout(b.ctx, shared.ModeCached.DefaultTimeout())
	defer cancel()
	scheduler, err := findAs[shared.Scheduler](ctx, b.opts.Fleet, vehicle)
	if err != nil {
		return
	}
	for shown := false; !shown; {
		count := b.schedules.count()
		now, err := scheduler.Schedule(ctx, vehicle)
		if err != nil {
			b.log.Debug("the plugin does not tell the car's schedule", "vehicle", vehicle, "error", err)
			return
		}
		shown = b.schedules.unless(count, func() { b.showSchedule(vehicle, now, false) })
	}
}

// readSchedulesAgain reads those of cars that were listed anew: their plugin may have other
// settings.
func (b *Bridge) readSchedulesAgain(listedAnew <-chan []string) {
	for {
		select {
		case <-b.ctx.Done():
			return
		case cars := <-listedAnew:
			for _, id := range cars {
				if mayServe(id) && b.ctx.Err() == nil {
					b.readSchedule(id)
				}
			}
		}
	}
}

// showSchedule publishes a car's schedule. answers says that it is the answer to a command,
// so that the last failure is over.
func (b *Bridge) showSchedule(vehicle string, now shared.Schedule, answers bool) acknowledged {
	b.announced.sawCar(vehicle, Sight{Scheduled: vehicle})
	return b.publisher.schedule(vehicle, now, answers)
}
