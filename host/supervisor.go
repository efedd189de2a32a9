package host

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/lifecycle"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/run"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/trust"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/workspace"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// supervisor runs one plugin: it feeds the machine with messages and does what the
// machine says. Messages are handled by one goroutine; slow work runs beside it.
type supervisor struct {
	supervisorDeps
	processes *run.Processes
	programs  *programs
	redactor  *redact.Redactor
	log       *slog.Logger

	inbox chan delivery
	done  chan struct{} // closed when run has ended
	work  sync.WaitGroup
	// upgrading holds one token: upgrades come one after the other.
	upgrading chan struct{}
	// saving is held while the record is being written.
	saving sync.Mutex
	calls  callCounters
	life   context.Context // ends when the plugin is to stop
	end    context.CancelFunc

	mu      sync.Mutex
	spec    PluginSpec
	machine lifecycle.Machine
	since   time.Time // of the machine's state
	// timer numbers the timers: one that is overtaken by events says nothing.
	timer   int
	retryAt time.Time
	// changed is closed and replaced after every message.
	changed chan struct{}
	// trouble is why calls cannot be served now; nil while they can or while
	// that is only a matter of time.
	trouble    error
	quarantine *trust.Quarantine
	runs       runs
	fleet      fleet
	reported   report
	described  description
	history    history
	// atPath is what lay at the plugin's path at the last look.
	atPath Program
}

// supervisorDeps is what a supervisor shares with others.
type supervisorDeps struct {
	opts *Options
	// place of the plugin in the options.
	place   int
	dirs    workspace.Dirs
	events  *events
	updates *updates
	owners  *owners
	// onVehicles is called, with mu held, when a list of cars is there.
	onVehicles func()
}

// runs are the plugin's processes.
type runs struct {
	// current serves the calls; nil while there is none.
	current *run.Instance
	// former is the one that crashed last.
	former *run.Instance
	// broken is one whose connection failed under a call; its end is near.
	broken *run.Instance
	// begun counts them; launching is the number of the one whose start is
	// waited for.
	begun, launching int
}

// history of the plugin since the host started.
type history struct {
	// starts of processes that came to life.
	starts    int
	crashes   map[CrashCause]int
	lastCrash *CrashReport
}

func newSupervisor(spec PluginSpec, images *launch.Images, deps supervisorDeps) *supervisor {
	limit := deps.opts.CrashLimit
	if spec.Reattach != "" {
		limit = 0 // whoever debugs it ends it often
	}

	s := &supervisor{
		supervisorDeps: deps,
		processes:      run.NewProcesses(deps.dirs),
		redactor:       &redact.Redactor{},
		spec:           spec,
		inbox:          make(chan delivery),
		done:           make(chan struct{}),
		changed:        make(chan struct{}),
		upgrading:      make(chan struct{}, 1),
		machine:        lifecycle.New(limit),
		since:          deps.opts.Now(),
		history:        history{crashes: map[CrashCause]int{}},
	}
	s.redactor.Learn(redact.Secrets(spec.Settings)...)
	s.log = slog.New(s.redactor.Handler(deps.opts.Logger.With("plugin", spec.Name).Handler()))
	s.programs = &programs{images, trust.NewFile(deps.dirs.Record), deps.dirs, s.log, deps.opts.Now}
	s.upgrading <- struct{}{}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// start begins the plugin's life and returns at once; from here on calls wait
// for it.
func (s *supervisor) start() {
	s.spec.logUnprotected(s.log, s.opts)
	s.handle(startWanted{})
	go s.run()
	if s.spec.Reattach == "" {
		go s.watchProgram() // ends with life
	}
}

// stop ends the plugin's life within ctx and waits for its end.
func (s *supervisor) stop(ctx context.Context) {
	s.end()
	<-s.upgrading // an upgrade under way gives up; there will be no other
	s.send(stopWanted{ctx})
	<-s.done
}

// message is something that has happened to the plugin. It is handled by the
// supervisor's goroutine, with mu held.
type message interface{ handle(s *supervisor) }

// delivery of a message.
type delivery struct {
	message message
	handled chan struct{} // closed when it has been
}

// send hands a message to run and waits until it is handled: work that sends one
// must not count as ended before the work that follows from it has begun. After
// run's end it goes nowhere.
func (s *supervisor) send(m message) {
	d := delivery{m, make(chan struct{})}
	select {
	case s.inbox <- d:
		<-d.handled
	case <-s.done:
	}
}

// run handles messages until the plugin has stopped.
func (s *supervisor) run() {
	defer close(s.done)
	for d := range s.inbox {
		s.handle(d.message)
		close(d.handled)
		if _, last := d.message.(hasStopped); last {
			return
		}
	}
}

func (s *supervisor) handle(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()

	if about, ok := m.(interface{ instance() *run.Instance }); ok && about.instance() != s.runs.current {
		return // about a run that is over
	}
	m.handle(s)
	s.wakeLocked()
}

// wakeLocked lets everybody look again who waits for a change.
func (s *supervisor) wakeLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// transition is a step of the machine whose consequences are still to come.
type transition struct {
	before lifecycle.State
	output lifecycle.Output
}

// stepLocked feeds the machine. The caller notes what the input brought and then
// calls settleLocked.
func (s *supervisor) stepLocked(in lifecycle.Input) transition {
	t := transition{before: s.machine.State}
	s.machine, t.output = s.machine.Step(in, s.opts.Now(), s.opts.Random())
	return t
}

// settleLocked tells of a new state, and why it came, and does what the machine
// says. Launch and ShutDown need more than it knows: their messages do them.
func (s *supervisor) settleLocked(t transition, why error) {
	if s.machine.State != t.before {
		s.since, s.retryAt = s.opts.Now(), time.Time{}
		s.timer++
		s.announceLocked(why)
	}

	switch t.output {
	case lifecycle.Verify:
		spec, released := s.spec, t.before == Quarantined
		s.background(func() {
			if released {
				s.saveQuarantine() // or the program would be found quarantined again
			}
			s.verifyProgram(spec)
		})
	case lifecycle.Initialize:
		i, settings := s.runs.current, s.spec.Settings
		s.background(func() { s.initialize(i, settings) })
	case lifecycle.StartTimer:
		s.startTimerLocked()
	case lifecycle.Nothing, lifecycle.Launch, lifecycle.ShutDown:
	}
}

func (s *supervisor) startTimerLocked() {
	s.timer++
	number, delay := s.timer, s.machine.Delay
	s.retryAt = s.opts.Now().Add(delay)
	time.AfterFunc(delay, func() { s.send(timerFired{number}) })
}

// background runs work that ends by itself before the plugin counts as stopped.
func (s *supervisor) background(work func()) { s.work.Go(work) }

// announceLocked tells that the state changed, and why.
func (s *supervisor) announceLocked(why error) {
	ev := Event{Kind: EventState}
	if why == nil && s.machine.State == Quarantined {
		why = s.trouble
	}
	if why != nil {
		ev.Reason, ev.Message = string(reasonOf(why)), why.Error()
	}
	s.log.Info("plugin state", "state", string(s.machine.State), "pid", s.pidLocked())
	s.emitLocked(ev)
}

// emitLocked completes an event and sends it.
func (s *supervisor) emitLocked(ev Event) {
	ev.Time, ev.Plugin, ev.State, ev.PID = s.opts.Now(), s.spec.Name, s.machine.State, s.pidLocked()
	s.events.emit(ev)
}

// pidLocked is the present process; 0 without one.
func (s *supervisor) pidLocked() int {
	if s.runs.current == nil {
		return 0
	}
	return s.runs.current.PID()
}

// name of the plugin, which never changes.
func (s *supervisor) name() string { return s.spec.Name }
