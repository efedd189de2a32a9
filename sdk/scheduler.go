package sdk

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/snapshot"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// How often the scheduler looks at its cars: at least, because a car that stands
// becomes one that has stood for long without a word, and at most.
const looksAtLeast, looksAtMost = time.Minute, time.Second

// maxScheduled is how many refreshes of the schedule's run at a time. Commands of
// people do not wait behind a fleet.
const maxScheduled = 8

// scheduler refreshes an account's cars by itself. Safe for concurrent use.
type scheduler struct {
	engine  *Engine
	account *account
	// settings is the schedule of the settings.
	settings Schedule

	// changed says that something may be due earlier than was thought.
	changed chan struct{}
	slots   chan struct{}
	work    sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
	once    sync.Once

	mu sync.Mutex
	// set is what was changed at run time.
	set    setSchedules
	turns  map[string]*turn
	active map[string]bool // a refresh is under way
	// next is the car that there was no room for.
	next string
}

// scheduleDoc keeps what was changed at run time.
const scheduleDoc = "schedule"

// setSchedules is the stored form.
type setSchedules struct {
	// Settings is the schedule of the settings as it was when All was set: other
	// settings go before it.
	Settings json.RawMessage `json:"settings"`
	All      *Schedule       `json:"all,omitempty"`
	// Vehicles have schedules of their own, by id.
	Vehicles map[string]Schedule `json:"vehicles,omitempty"`
}

func newScheduler(e *Engine, a *account) *scheduler {
	s := &scheduler{
		engine: e, account: a, changed: make(chan struct{}, 1), slots: make(chan struct{}, maxScheduled),
		turns: map[string]*turn{}, active: map[string]bool{},
	}
	if scheduled, ok := a.vendor.(Scheduled); ok {
		s.settings = scheduled.Schedule()
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if _, err := a.store.Get(scheduleDoc, &s.set); err != nil {
		a.log.Warn("the schedule that was set cannot be read, that of the settings is in force", "error", err)
		s.set = setSchedules{}
	}
	if !bytes.Equal(s.set.Settings, s.settingsJSON()) {
		s.set.All = nil
	}
	return s
}

func (s *scheduler) settingsJSON() json.RawMessage {
	b, _ := json.Marshal(s.settings) // plain fields
	return b
}

// start lets the schedule begin; stop ends it, and wait waits for its end.
func (s *scheduler) start() { s.once.Do(func() { s.work.Go(s.run) }) }

func (s *scheduler) stop() { s.cancel() }

func (s *scheduler) wait(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		s.work.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// of is the schedule of a car. Called with mu held.
func (s *scheduler) of(vehicleID string) Schedule {
	if own, ok := s.set.Vehicles[vehicleID]; ok {
		return own
	}
	if s.set.All != nil {
		return *s.set.All
	}
	return s.settings
}

// change sets the schedule of a car or of all, as what SetSchedule got says. It returns
// what is in force now.
func (s *scheduler) change(vehicleID string, as json.RawMessage) (Schedule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to, err := s.of(vehicleID).changed(as)
	if err != nil {
		return Schedule{}, shared.Errorf(shared.ReasonInvalidCommand, "The schedule is not understood: %v. See docs/schedule.md.", err)
	}

	next := s.set
	next.Settings, next.Vehicles = s.settingsJSON(), maps.Clone(s.set.Vehicles)
	switch {
	case vehicleID == "":
		next.All = to
	case to == nil:
		delete(next.Vehicles, vehicleID)
	default:
		if next.Vehicles == nil {
			next.Vehicles = map[string]Schedule{}
		}
		next.Vehicles[vehicleID] = *to
	}
	if err := s.account.store.Put(scheduleDoc, next); err != nil {
		return Schedule{}, shared.Errorf(shared.ReasonConfigInvalid, "The schedule cannot be stored in the plugin's state directory. Check its permissions and free space.").Wrap(err)
	}
	s.set = next
	for _, t := range s.turns {
		t.lookAt = time.Time{}
	}
	s.poke()
	return s.of(vehicleID), nil
}

// note takes a snapshot of a car, whoever asked for it.
func (s *scheduler) note(vehicleID string, d *vehiclev1.VehicleData) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(vehicleID).note(d)
	s.poke()
}

// turn is called with mu held.
func (s *scheduler) turn(vehicleID string) *turn {
	t := s.turns[vehicleID]
	if t == nil {
		t = &turn{begun: s.engine.opts.Now()}
		if last := s.account.last(vehicleID); last != nil {
			t.note(last)
		}
		s.turns[vehicleID] = t
	}
	return t
}

func (s *scheduler) poke() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// run looks which cars have their turn until the scheduler is stopped.
func (s *scheduler) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		changed := s.changed
		select {
		case <-s.ctx.Done():
			return
		case <-changed:
			// A crowd of commands is no reason to look for each of them.
			timer.Reset(looksAtMost)
			select {
			case <-s.ctx.Done():
				return
			case <-timer.C:
			}
		case <-timer.C:
		}
		if pause, planned := s.look(); planned {
			timer.Reset(pause)
		}
	}
}

// look starts what is due, and says when to look again; planned is false if nothing is
// scheduled at all.
func (s *scheduler) look() (pause time.Duration, planned bool) {
	now := s.engine.opts.Now()
	fleet := s.account.ids()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(fleet)
	pause = looksAtLeast
	first := max(0, slices.Index(fleet, s.next))
	for i := range fleet {
		id := fleet[(first+i)%len(fleet)]
		plan := s.of(id)
		if plan.off() {
			continue
		}
		planned = true
		t := s.turn(id)
		if s.active[id] {
			continue
		}
		if !t.lookAt.After(now) && !s.lookAtCar(id, plan, t, now) {
			s.next = id
			return looksAtMost, true // all slots are taken
		}
		pause = min(pause, max(t.lookAt.Sub(now), looksAtMost))
	}
	return pause, planned
}

// lookAtCar starts a refresh of the car if it is its turn, or says when to look
// again. It is false if there is no room for it. Called with mu held.
func (s *scheduler) lookAtCar(id string, plan Schedule, t *turn, now time.Time) bool {
	last := s.account.last(id)
	due, fresh, ok := plan.next(id, t, last, s.account.zoneOr(id, time.UTC), now)
	t.lookAt = now.Add(looksAtLeast)
	switch {
	case !ok:
	case due.After(now):
		if due.Before(t.lookAt) {
			t.lookAt = due
		}
	default:
		t.lookAt = time.Time{}
		return s.launch(id, plan, t, last, fresh, now)
	}
	return true
}

// forget what is known of cars that are gone. Called with mu held.
func (s *scheduler) forget(fleet []string) {
	if len(s.turns) <= len(fleet) {
		return
	}
	known := make(map[string]bool, len(fleet))
	for _, id := range fleet {
		known[id] = true
	}
	maps.DeleteFunc(s.turns, func(id string, _ *turn) bool { return !known[id] })
}

// launch starts a refresh if there is room. Called with mu held.
func (s *scheduler) launch(id string, plan Schedule, t *turn, last *vehiclev1.VehicleData, fresh bool, now time.Time) bool {
	select {
	case s.slots <- struct{}{}:
	default:
		return false
	}
	s.active[id], t.tried = true, now
	var ended time.Time // the report whose charging has ended
	if last.GetCharging().GetCharging() && !now.Before(chargedAt(last)) {
		ended = snapshot.ObservedAt(last)
	}
	maxAge := plan.WakeIfOlder
	if fresh {
		local := now.In(s.account.zoneOr(id, time.UTC))
		if day := local.Format(time.DateOnly); t.freshDay != day {
			t.freshDay, t.fresh = day, 0
		}
		t.fresh++
		t.freshTried, maxAge = now, plan.freshAge(local)
	}
	s.work.Go(func() {
		defer func() { <-s.slots }()
		data, err := s.refresh(id, maxAge)
		s.done(id, ended, data, err)
	})
	return true
}

// refresh is one of the schedule's, under the limits like any other; maxAge 0 is a
// cached one.
func (s *scheduler) refresh(id string, maxAge time.Duration) (*vehiclev1.VehicleData, error) {
	ctx := shared.WithCallInfo(s.ctx, shared.CallInfo{RequestID: "schedule-" + rand.Text()[:8], Attempt: 1, Background: true})
	mode := shared.ModeCached
	if maxAge > 0 {
		mode = shared.ModeSmart
	}
	ctx, cancel := context.WithTimeout(ctx, mode.Deadline())
	defer cancel()
	return shared.Refresh(ctx, s.engine, mode, id, maxAge)
}

// done notes how a refresh ended, and hands on what it brought. A refusal that says when
// to ask again leaves the reading after a charging to be done.
func (s *scheduler) done(id string, ended time.Time, data *vehiclev1.VehicleData, err error) {
	wait, outcome := time.Duration(0), shared.FigureDone
	switch {
	case err == nil:
		s.engine.feed.put(data)
	case errors.Is(err, shared.ReasonCanceled):
		outcome = "" // the schedule has ended
	default:
		wait, outcome = shared.AsAPIError(err).RetryAfter, shared.FigureFailed
		if wait > 0 {
			outcome = shared.FigurePostponed
		}
	}
	if outcome != "" {
		s.engine.health.count(shared.CounterScheduled, outcome)
	}
	now := s.engine.opts.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.active, id)
	if t := s.turns[id]; t != nil {
		t.lookAt = time.Time{}
		if !ended.IsZero() && wait == 0 {
			t.endRead = ended
		}
		if err != nil {
			t.notBefore = now.Add(min(wait, gate.LongestClosure))
		}
	}
	s.poke()
}

// Watch implements [shared.Watcher].
func (e *Engine) Watch(ctx context.Context, report func(*vehiclev1.VehicleData) error) error {
	return e.feed.watch(ctx, report)
}

// SetSchedule implements [shared.Scheduler].
func (e *Engine) SetSchedule(_ context.Context, vehicleID string, schedule json.RawMessage) (json.RawMessage, error) {
	a, err := e.scheduled(vehicleID)
	if err != nil {
		return nil, err
	}
	now, err := a.scheduler.change(vehicleID, schedule)
	if err != nil {
		return nil, err
	}
	return json.Marshal(now)
}

// Schedule implements [shared.Scheduler].
func (e *Engine) Schedule(_ context.Context, vehicleID string) (shared.Schedule, error) {
	a, err := e.scheduled(vehicleID)
	if err != nil {
		return shared.Schedule{}, err
	}
	a.scheduler.mu.Lock()
	now := a.scheduler.of(vehicleID)
	a.scheduler.mu.Unlock()
	body, err := json.Marshal(now)
	return shared.Schedule{JSON: body, Preset: now.preset()}, err
}

// scheduled is the account whose schedule is meant: a car's, or that of all.
func (e *Engine) scheduled(vehicleID string) (*account, error) {
	a, err := e.ready()
	if err == nil && vehicleID != "" {
		err = a.find(vehicleID)
	}
	return a, err
}
