package host

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// supervisor runs one plugin: it feeds the machine and does what the machine
// says. Inputs are handled by one goroutine; slow work runs beside it.
type supervisor struct {
	opts   *Options
	dirs   directories
	log    *slog.Logger
	events *events
	// onVehicles is called, with mu held, when a list of cars is there.
	onVehicles func()
	inputs     chan message
	done       chan struct{} // closed when run has ended
	work       sync.WaitGroup

	mu      sync.Mutex
	spec    PluginSpec
	machine machine
	current *instance
	// broken is a run whose connection failed under a call; its end is near.
	broken   *instance
	vehicles []*vehiclev1.Vehicle
	// listed: a list of cars has been there once.
	listed bool
	// trouble is why calls cannot be served now; nil while they can or while
	// that is only a matter of time.
	trouble error
	health  *vehiclev1.Health
	starts  int
	crashes int
	since   time.Time // of the state
	changed chan struct{}
	// timer numbers the timers: one that is overtaken by events says nothing.
	timer int
	life  context.Context // ends when the plugin is to stop
	end   context.CancelFunc
}

// message is an input with what belongs to it.
type message struct {
	in       input
	instance *instance // the run that it is about; nil: any
	err      error
	vehicles []*vehiclev1.Vehicle
	health   *vehiclev1.Health
	timer    int             // of inTimer
	ctx      context.Context // of inStop
}

func newSupervisor(spec PluginSpec, dirs directories, o *Options, ev *events, onVehicles func()) *supervisor {
	s := &supervisor{
		opts: o, dirs: dirs, spec: spec, log: o.Logger.With("plugin", spec.Name), events: ev, onVehicles: onVehicles,
		inputs: make(chan message), done: make(chan struct{}), changed: make(chan struct{}),
		machine: machine{state: Stopped}, since: o.Now(),
	}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// start begins the plugin's life and returns at once; from here on calls wait
// for it.
func (s *supervisor) start() {
	s.handle(message{in: inStart})
	go s.run()
}

// stop ends the plugin's life within ctx and waits for its end.
func (s *supervisor) stop(ctx context.Context) {
	s.end()
	s.send(message{in: inStop, ctx: ctx})
	<-s.done
}

// send hands an input to run; after its end it goes nowhere.
func (s *supervisor) send(m message) {
	select {
	case s.inputs <- m:
	case <-s.done:
	}
}

// run handles inputs until the plugin has stopped.
func (s *supervisor) run() {
	defer close(s.done)
	for m := range s.inputs {
		if s.handle(m) {
			break
		}
	}
}

// handle takes one input and says whether the plugin has stopped for good.
func (s *supervisor) handle(m message) (stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.instance != nil && m.instance != s.current && m.in != inLaunched {
		return false // about a run that is over
	}
	if m.in == inTimer && m.timer != s.timer {
		return false
	}
	before := s.machine.state
	next, out := s.machine.step(m.in, s.opts.Now(), s.opts.Random())
	s.machine = next
	s.absorb(m, before)
	if next.state != before {
		s.since = s.opts.Now()
		s.timer++
		s.announce(m)
	}
	s.perform(out, m)
	close(s.changed)
	s.changed = make(chan struct{})
	return m.in == inStopped && next.state == Stopped
}

// absorb keeps what an input brought. Called with mu held.
func (s *supervisor) absorb(m message, before State) {
	switch m.in {
	case inLaunched:
		if s.machine.state != Initializing {
			// Stopped meanwhile: nobody wants this run any more.
			s.background(m.instance.discard)
			return
		}
		s.current, s.trouble = m.instance, nil
		s.starts++
		s.background(func() { s.watchExit(m.instance) })
		s.background(func() { s.watchHealth(m.instance) })
	case inLaunchFailed:
		s.trouble = m.err
	case inInitialized:
		s.trouble = nil
		s.vehicles, s.listed = m.vehicles, true
		s.events.emit(Event{Time: s.opts.Now(), Kind: EventVehicles, Plugin: s.spec.Name, State: s.machine.state})
		s.onVehicles()
	case inInitPostponed, inInitRefused:
		s.trouble = m.err
		s.log.Error("plugin could not be initialized", "error", m.err)
		if m.in == inInitPostponed {
			s.announce(m)
		}
	case inWell, inUnwell, inHealth:
		s.health = m.health
		s.events.emit(Event{
			Time: s.opts.Now(), Kind: EventHealth, Plugin: s.spec.Name, State: s.machine.state, PID: s.current.pid(),
			Reason: m.health.GetReason(), Message: healthSentence(m.health),
		})
	case inExited:
		if before != Draining {
			s.crashed(m.instance)
		}
	}
}

// crashed reports the end of a run that nobody asked for. Called with mu held.
func (s *supervisor) crashed(i *instance) {
	s.crashes++
	s.current, s.health = nil, nil
	how := "exit status 0"
	if err := i.process.ExitError(); err != nil {
		how = err.Error()
	}
	lines := i.pipe.Last()
	s.log.Error("plugin ended unexpectedly", "pid", i.pid(), "how", how, "restart_in", s.machine.delay.String())
	s.events.emit(Event{
		Time: s.opts.Now(), Kind: EventCrash, Plugin: s.spec.Name, State: Crashed, PID: i.pid(), Reason: string(shared.ReasonPluginDown),
		Message: "The plugin process ended: " + how + ". It starts again by itself.", LastLines: lines,
	})
	s.background(i.discard)
}

func healthSentence(h *vehiclev1.Health) string {
	if h.GetSentence() != "" {
		return h.GetSentence()
	}
	return "The plugin is well."
}

// announce tells that the state changed. Called with mu held.
func (s *supervisor) announce(m message) {
	ev := Event{Time: s.opts.Now(), Kind: EventState, Plugin: s.spec.Name, State: s.machine.state}
	if s.current != nil {
		ev.PID = s.current.pid()
	}
	if m.err != nil {
		ev.Reason, ev.Message = string(shared.AsAPIError(m.err).Reason), m.err.Error()
	}
	s.log.Info("plugin state", "state", string(ev.State), "pid", ev.PID)
	s.events.emit(ev)
}

// perform does what the machine says. Called with mu held; slow work goes to
// the background.
func (s *supervisor) perform(out output, m message) {
	switch out {
	case outLaunch:
		s.background(s.launch)
	case outInitialize:
		i, spec := s.current, s.spec
		s.background(func() { s.initialize(i, spec) })
	case outTimer:
		delay := s.machine.delay
		if retry := shared.AsAPIError(m.err); m.in == inInitPostponed && retry != nil {
			delay = min(max(delay, retry.RetryAfter), stableAfter)
		}
		s.timer++
		number := s.timer
		time.AfterFunc(delay, func() { s.send(message{in: inTimer, timer: number}) })
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

// background runs work that ends by itself before the plugin counts as stopped.
func (s *supervisor) background(work func()) { s.work.Go(work) }

func (s *supervisor) launch() {
	s.mu.Lock()
	spec := s.spec
	s.mu.Unlock()
	i, err := startInstance(s.life, spec, s.dirs, s.opts)
	if err != nil {
		s.log.Error("plugin did not start", "error", shared.ErrorChain(err))
		s.send(message{in: inLaunchFailed, err: err})
		return
	}
	s.send(message{in: inLaunched, instance: i})
}

func (s *supervisor) initialize(i *instance, spec PluginSpec) {
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.InitializeTimeout)
	defer cancel()
	ctx = shared.WithCallInfo(ctx, shared.CallInfo{RequestID: "init-" + newID(), Attempt: 1})
	vehicles, err := i.remote.Initialize(ctx, shared.Config{Settings: spec.Settings, StateDir: s.dirs.state})
	switch {
	case err == nil:
		s.send(message{in: inInitialized, instance: i, vehicles: vehicles})
	case errors.Is(err, shared.ReasonPluginDown):
		// The end of the process tells the rest.
		s.lost(i)
	case shared.AsAPIError(err).Temporary:
		s.send(message{in: inInitPostponed, instance: i, err: err})
	default:
		s.send(message{in: inInitRefused, instance: i, err: err})
	}
}

func (s *supervisor) watchExit(i *instance) {
	<-i.process.Exited()
	s.send(message{in: inExited, instance: i})
}

// watchHealth follows the health stream until it or the process ends. A plugin
// without one counts as healthy.
func (s *supervisor) watchHealth(i *instance) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-i.process.Exited()
		cancel()
	}()
	err := i.remote.WatchHealth(ctx, func(h *vehiclev1.Health) error {
		in := inHealth
		switch h.GetState() {
		case vehiclev1.HealthState_HEALTH_STATE_READY:
			in = inWell
		case vehiclev1.HealthState_HEALTH_STATE_DEGRADED, vehiclev1.HealthState_HEALTH_STATE_NEEDS_HUMAN:
			in = inUnwell
		}
		s.send(message{in: in, instance: i, health: h})
		return nil
	})
	if err != nil && ctx.Err() == nil && !errors.Is(err, shared.ReasonUnsupported) {
		s.log.Debug("health stream ended", "error", err)
	}
}
