package host

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// supervisor runs one plugin: it feeds the machine and does what the machine
// says. Inputs are handled by one goroutine; slow work runs beside it.
type supervisor struct {
	opts     *Options
	dirs     directories
	images   *launch.Images
	crew     *crew
	records  *records
	redactor *redact.Redactor
	log      *slog.Logger
	events   *events
	updates  *updates
	// onVehicles is called, with mu held, when a list of cars is there.
	onVehicles func()
	inputs     chan message
	done       chan struct{} // closed when run has ended
	work       sync.WaitGroup
	// upgrading holds one token: upgrades come one after the other.
	upgrading chan struct{}
	// saving is held while the record is being written.
	saving sync.Mutex
	calls  tally

	mu      sync.Mutex
	spec    PluginSpec
	machine machine
	current *instance
	// former is the run that crashed last.
	former *instance
	// broken is a run whose connection failed under a call; its end is near.
	broken   *instance
	vehicles []*vehiclev1.Vehicle
	// cars are the ids of vehicles; replaced, never changed.
	cars map[string]bool
	// listed: a list of cars has been there once.
	listed bool
	// trouble is why calls cannot be served now; nil while they can or while
	// that is only a matter of time.
	trouble error
	health  *vehiclev1.Health
	figures Figures
	// processes that were begun, of which starts came to life; launching is the
	// number of the one whose start is waited for.
	processes, starts, launching int
	crashes                      map[CrashCause]int
	lastCrash                    *CrashReport
	quarantine                   *quarantine
	since                        time.Time // of the state
	changed                      chan struct{}
	// timer numbers the timers: one that is overtaken by events says nothing.
	timer   int
	retryAt time.Time
	life    context.Context // ends when the plugin is to stop
	end     context.CancelFunc
}

// message is an input with what belongs to it.
type message struct {
	in input
	// handled is closed when the input has been.
	handled  chan struct{}
	image    *launch.Image
	instance *instance // the run that it is about; nil: any
	err      error
	vehicles []*vehiclev1.Vehicle
	health   *vehiclev1.Health
	figures  Figures         // of that health
	timer    int             // of inTimer
	ctx      context.Context // of inStop
}

func newSupervisor(spec PluginSpec, dirs directories, images *launch.Images, o *Options, ev *events, up *updates, onVehicles func()) *supervisor {
	s := &supervisor{
		opts: o, dirs: dirs, images: images, crew: newCrew(dirs), records: &records{path: dirs.record},
		redactor: &redact.Redactor{}, spec: spec, events: ev, updates: up, onVehicles: onVehicles,
		inputs: make(chan message), done: make(chan struct{}), changed: make(chan struct{}), upgrading: make(chan struct{}, 1),
		machine: machine{state: Stopped, limit: o.CrashLimit}, since: o.Now(), crashes: map[CrashCause]int{},
	}
	if spec.Reattach != "" {
		s.machine.limit = 0 // whoever debugs it ends it often
	}
	s.redactor.Learn(redact.Secrets(spec.Settings)...)
	s.log = slog.New(s.redactor.Handler(o.Logger.With("plugin", spec.Name).Handler()))
	s.upgrading <- struct{}{}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// start begins the plugin's life and returns at once; from here on calls wait
// for it.
func (s *supervisor) start() {
	s.spec.loosened(s.log, s.opts)
	s.handle(message{in: inStart})
	go s.run()
}

// stop ends the plugin's life within ctx and waits for its end.
func (s *supervisor) stop(ctx context.Context) {
	s.end()
	<-s.upgrading // an upgrade under way gives up; there will be no other
	s.send(message{in: inStop, ctx: ctx})
	<-s.done
}

// send hands an input to run and waits until it is handled: work that sends one
// must not count as ended before the work that follows from it has begun. After
// run's end it goes nowhere.
func (s *supervisor) send(m message) {
	m.handled = make(chan struct{})
	select {
	case s.inputs <- m:
		<-m.handled
	case <-s.done:
	}
}

// run handles inputs until the plugin has stopped.
func (s *supervisor) run() {
	defer close(s.done)
	for m := range s.inputs {
		stopped := s.handle(m)
		close(m.handled)
		if stopped {
			break
		}
	}
}

// handle takes one input and says whether the plugin has stopped for good.
func (s *supervisor) handle(m message) (stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.instance != nil && m.instance != s.current && !m.in.newcomer() {
		return false // about a run that is over
	}
	if m.in == inTimer && m.timer != s.timer {
		return false
	}
	if (m.in == inLaunched || m.in == inLaunchFailed) && m.instance.number != s.launching {
		// An upgrade has overtaken this start.
		s.background(m.instance.discard)
		return false
	}
	before := s.machine.state
	next, out := s.machine.step(m.in, s.opts.Now(), s.opts.Random())
	s.machine = next
	s.absorb(m, before)
	if next.state != before {
		s.since, s.retryAt = s.opts.Now(), time.Time{}
		s.timer++
		s.announce(m.err)
	}
	s.perform(out, m)
	s.wake()
	return m.in == inStopped && next.state == Stopped
}

// wake lets everybody look again who waits for a change. Called with mu held.
func (s *supervisor) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// absorb keeps what an input brought. Called with mu held.
func (s *supervisor) absorb(m message, before State) { //nolint:gocyclo // one case for each input
	switch m.in {
	case inVerified:
		if before != Verifying {
			s.background(func() { s.release(m.image) }) // stopped or upgraded meanwhile
		}
	case inVerifyFailed, inStillQuarantine:
		if s.machine.state != before {
			s.refuse(m.err)
		}
	case inLaunched:
		if s.machine.state != Initializing {
			// Stopped or upgraded meanwhile: nobody wants this run any more.
			s.background(m.instance.discard)
			return
		}
		s.take(m.instance)
	case inLaunchFailed:
		if s.machine.state != before {
			s.refuse(m.err)
			s.crashed(m.instance)
		}
	case inInitialized:
		s.list(m.vehicles)
	case inInitPostponed, inInitRefused:
		s.trouble = m.err
		s.log.Error("plugin could not be initialized", "error", m.err)
		if m.in == inInitPostponed {
			s.announce(m.err)
		}
	case inUpgraded:
		if s.machine.state == Ready {
			s.upgradeTo(m)
		}
	case inRelease:
		s.quarantine, s.trouble = nil, nil
	case inWell, inUnwell, inHealth:
		if !sameHealth(s.health, m.health) {
			s.emit(Event{Kind: EventHealth, Reason: m.health.GetReason(), Message: healthSentence(m.health)})
		}
		s.health, s.figures = m.health, m.figures
	case inExited:
		if before != Draining {
			s.current, s.health, s.figures, s.former = nil, nil, Figures{}, m.instance
			s.crashed(m.instance)
			s.background(m.instance.discard)
		}
	}
}

// refuse notes why there is no process to serve calls. Called with mu held.
func (s *supervisor) refuse(err error) {
	if s.trouble == nil || s.trouble.Error() != err.Error() {
		s.log.Error("plugin does not start", "error", shared.ErrorChain(err))
	}
	s.trouble = err
}

// take makes a run the one that serves. Called with mu held.
func (s *supervisor) take(i *instance) {
	s.current, s.broken, s.health, s.figures, s.trouble = i, nil, nil, Figures{}, nil
	s.starts++
	s.background(func() { s.watchExit(i) })
	s.background(func() { s.watchLife(i) })
	s.background(func() { s.watchHealth(i) })
	s.background(func() { s.watchUpdates(i) })
}

// maxVehicles of a plugin. Each costs the hub memory, and a read when it is first
// seen.
const maxVehicles = 20_000

// list keeps the cars. Called with mu held.
func (s *supervisor) list(vehicles []*vehiclev1.Vehicle) {
	s.trouble = nil
	if n := len(vehicles); n > maxVehicles {
		s.log.Error("the plugin lists more cars than a hub can look after; those beyond are left out", "cars", n, "limit", maxVehicles)
		vehicles = vehicles[:maxVehicles]
	}
	cars := make(map[string]bool, len(vehicles))
	for _, v := range vehicles {
		cars[v.GetId()] = true
	}
	s.vehicles, s.cars, s.listed = vehicles, cars, true
	s.emit(Event{Kind: EventVehicles})
	s.onVehicles()
}

// crashed reports the end of a run that nobody asked for, after the machine has
// decided what comes next. Called with mu held.
func (s *supervisor) crashed(i *instance) {
	r := i.report(s.opts.Now())
	next := "It starts again by itself."
	if s.machine.state == Quarantined {
		next = "It has done so too often and is not started again; look at its log, then release it or install another version."
	}
	r.Message = r.sentence(next)
	s.crashes[r.Cause]++
	s.lastCrash = &r
	s.log.Error("plugin crashed", "cause", string(r.Cause), "pid", r.PID, "exit", r.Exit, "uptime", r.Uptime.String(),
		"in_flight", r.InFlight, "digest", short(r.Digest), "message", r.Message)
	reason := shared.ReasonPluginDown
	if s.machine.state == Quarantined {
		reason = shared.ReasonPluginQuarantined
		s.trouble = shared.Errorf(reason, "%s", r.Message)
		s.quarantine = &quarantine{Since: r.Time, Why: r.Message}
		s.background(s.saveQuarantine)
	}
	s.events.emit(Event{
		Time: r.Time, Kind: EventCrash, Plugin: s.spec.Name, State: Crashed, PID: r.PID,
		Reason: string(reason), Message: r.Message, Crash: &r,
	})
}

// sameHealth: what has changed, if anything, is counters only.
func sameHealth(a, b *vehiclev1.Health) bool {
	return a != nil && a.GetState() == b.GetState() && a.GetReason() == b.GetReason() &&
		a.GetSentence() == b.GetSentence() && a.GetBreaker() == b.GetBreaker()
}

func healthSentence(h *vehiclev1.Health) string {
	if h.GetSentence() != "" {
		return h.GetSentence()
	}
	return "The plugin is well."
}

// announce tells that the state changed, and why. Called with mu held.
func (s *supervisor) announce(err error) {
	ev := Event{Kind: EventState}
	if err == nil && s.machine.state == Quarantined {
		err = s.trouble
	}
	if err != nil {
		ev.Reason, ev.Message = string(shared.AsAPIError(err).Reason), err.Error()
	}
	s.log.Info("plugin state", "state", string(s.machine.state), "pid", s.pid())
	s.emit(ev)
}

// emit completes an event and sends it. Called with mu held.
func (s *supervisor) emit(ev Event) {
	ev.Time, ev.Plugin, ev.State, ev.PID = s.opts.Now(), s.spec.Name, s.machine.state, s.pid()
	s.events.emit(ev)
}

// pid of the present process; 0 without one. Called with mu held.
func (s *supervisor) pid() int {
	if s.current == nil {
		return 0
	}
	return s.current.pid()
}

// perform does what the machine says. Called with mu held; slow work goes to
// the background.
func (s *supervisor) perform(out output, m message) {
	switch out {
	case outVerify:
		spec := s.spec
		s.background(func() {
			if m.in == inRelease {
				s.saveQuarantine()
			}
			s.verified(s.verify(spec, false))
		})
	case outLaunch:
		plan := s.blueprint(m.image)
		s.launching = plan.number
		if s.former != nil {
			plan.after = s.former.cleaned
		}
		s.background(func() { s.launch(plan) })
	case outInitialize:
		i, settings := s.current, s.spec.Settings
		s.background(func() { s.initialize(i, settings) })
	case outTimer:
		s.setTimer(m)
	case outShutDown:
		i, ctx := s.current, m.ctx
		s.current, s.trouble = nil, shared.NewError(shared.ReasonDraining)
		go func() {
			if i != nil {
				i.shutDown(ctx)
			}
			s.work.Wait()
			s.send(message{in: inStopped})
		}()
	case outNothing:
	}
}

func (s *supervisor) setTimer(m message) {
	delay := s.machine.delay
	if retry := shared.AsAPIError(m.err); m.in == inInitPostponed && retry != nil {
		delay = min(max(delay, retry.RetryAfter), stableAfter)
	}
	s.timer++
	number := s.timer
	s.retryAt = s.opts.Now().Add(delay)
	time.AfterFunc(delay, func() { s.send(message{in: inTimer, timer: number}) })
}

// blueprint of the plugin's next process. Called with mu held.
func (s *supervisor) blueprint(image *launch.Image) blueprint {
	s.processes++
	return blueprint{
		spec: s.spec, image: image, dirs: s.dirs, number: s.processes, crew: s.crew, redactor: s.redactor, opts: s.opts,
	}
}

// background runs work that ends by itself before the plugin counts as stopped.
func (s *supervisor) background(work func()) { s.work.Go(work) }
