package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/logpipe"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// Bounds of a shutdown, each step after the other.
const (
	drainTimeout    = 2 * time.Second
	gracefulTimeout = time.Second
)

// body is what runs: a process of the host's, or one that a developer has
// started.
type body interface {
	PID() int
	// Exited is closed at its end, Drained when its last words have been read;
	// ExitError says how it ended, nil for well.
	Exited() <-chan struct{}
	Drained() <-chan struct{}
	ExitError() error
	Kill(ctx context.Context) error
}

// blueprint is what an instance is made from.
type blueprint struct {
	spec   PluginSpec
	image  *launch.Image // nil to reattach
	dirs   directories
	number int // of this plugin's processes
	// after is closed when nothing is left of the process before; nil: at once.
	after    <-chan struct{}
	crew     *crew
	redactor *redact.Redactor
	opts     *Options
}

// instance is one run of a plugin: a process and the connection to it. It is
// used up when the process has ended.
type instance struct {
	blueprint
	log     *slog.Logger
	digest  string
	started time.Time
	runtime string // its own directory for temporary files
	// spare ends what kills the process when its start is given up.
	spare  func() bool
	body   body // nil if it never came to that
	client *plugin.Client
	remote *shared.Client
	pipe   *logpipe.Pipe
	stdio  *io.PipeWriter
	// suspect asks for a probe now.
	suspect chan struct{}

	mu    sync.Mutex
	cause CrashCause
	// calls under way, and those that the end of the process has cut off.
	calls, cutOff map[string]int
	// finished is closed and replaced when a call has ended.
	finished chan struct{}

	cleanup sync.Once
	cleaned chan struct{}
}

// startInstance starts a process and connects to it. When ctx ends meanwhile,
// the process is killed. On failure the instance is used up, but can report.
func startInstance(ctx context.Context, b blueprint) (*instance, error) {
	log := b.opts.Logger.With("plugin", b.spec.Name)
	i := &instance{
		blueprint: b, log: slog.New(b.redactor.Handler(log.Handler())), started: b.opts.Now(),
		pipe:    logpipe.New(logpipe.Options{Logger: log, Redactor: b.redactor, Now: b.opts.Now}),
		suspect: make(chan struct{}, 1), calls: map[string]int{}, cutOff: map[string]int{},
		finished: make(chan struct{}), cleaned: make(chan struct{}),
	}
	b.crew.join()
	var err error
	if b.spec.Reattach != "" {
		err = i.reattach()
	} else {
		i.spare = func() bool { return false }
		if err = i.start(ctx); err == nil {
			i.remote, err = i.connectInTime()
		}
		i.spare()
	}
	if err != nil {
		err = i.explain(err)
		i.blame(CauseStart)
		i.discard()
		return i, err
	}
	return i, nil
}

func (i *instance) start(ctx context.Context) (err error) {
	i.digest = i.image.Digest
	if i.runtime, err = i.dirs.run(i.number); err != nil {
		return err
	}
	// What a plugin without our SDK writes after it serves comes this way.
	var stdio *io.PipeReader
	stdio, i.stdio = io.Pipe()
	go i.pipe.Drain(launch.Throttle(stdio)) // ends in discard
	i.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  shared.Handshake(),
		VersionedPlugins: shared.Plugins(nil),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     i.opts.StartTimeout,
		GRPCDialOptions:  shared.DialOptions(),
		SyncStdout:       i.stdio,
		SyncStderr:       i.stdio,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: i.dirs.runtime},
		// On systems without Unix sockets: let the system choose the port.
		MinPort: 0, MaxPort: 1,
		// The supervisor reports starts and ends itself.
		Logger: hclog.NewNullLogger(),
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, sockets string) (runner.Runner, error) {
			if i.dirs.user != nil {
				if err := i.dirs.user.Own(sockets); err != nil {
					return nil, err
				}
			}
			process := launch.New(launch.Spec{
				Image: i.image, Args: i.spec.Args, Dir: i.dirs.state, User: i.dirs.user, Limits: i.spec.limits(i.dirs.alone),
				Env:    environment(i.spec, i.dirs.state, i.runtime, logLevel(i.opts.Logger)),
				Stderr: i.pipe.Drain,
				Stdout: i.pipe.Stdout,
			}, cmd.Env)
			i.body = process
			// go-plugin starts it when this returns; if ctx has ended, it is
			// killed as soon as it runs.
			i.spare = context.AfterFunc(ctx, process.KillWhenStarted)
			return process, nil
		},
	})
	_, err = i.client.Start()
	if process, ok := i.body.(*launch.Process); ok && err == nil {
		if missing := process.CheckLimits(); missing != nil {
			i.log.Warn("the plugin's limits are not all in force", "error", missing)
		}
	}
	return err
}

// connectInTime kills a process that does not answer: what go-plugin does from
// here on knows no context.
func (i *instance) connectInTime() (*shared.Client, error) {
	if process, ok := i.body.(*launch.Process); ok {
		late := time.AfterFunc(i.opts.StartTimeout, process.KillWhenStarted)
		defer late.Stop()
	}
	return i.connect()
}

func (i *instance) connect() (*shared.Client, error) {
	protocol, err := i.client.Client()
	if err != nil {
		return nil, err
	}
	raw, err := protocol.Dispense(shared.PluginName)
	if err != nil {
		return nil, err
	}
	remote, ok := raw.(*shared.Client)
	if !ok {
		return nil, fmt.Errorf("dispensed %T", raw)
	}
	return remote, nil
}

// explain turns go-plugin's text into an error that tells what to do.
func (i *instance) explain(err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "ncompatible API version"), strings.Contains(text, "ncompatible core API version"):
		return shared.Errorf(shared.ReasonIncompatible,
			"Plugin %s does not speak version %d of the protocol. Update the plugin or the hub, whichever is older.", i.spec.Name, shared.ProtocolVersion).Wrap(err)
	case i.spec.Reattach != "":
		return shared.Errorf(shared.ReasonPluginDown, "Plugin %s cannot be reached under its debugger: %v.", i.spec.Name, err).Wrap(err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return shared.Errorf(shared.ReasonPluginDown, "Plugin %s cannot be started: %s may not be executed here.", i.spec.Name, i.spec.Path).Wrap(err)
	case i.exited() && !strings.Contains(text, "timeout while waiting"):
		return shared.Errorf(shared.ReasonPluginDown,
			"Plugin %s did not start: its process ended (%s) before it said where it listens. Its log has the reason; is %s a vehicle plugin?",
			i.spec.Name, i.exit(), i.spec.Path).Wrap(err)
	}
	return shared.Errorf(shared.ReasonPluginDown,
		"Plugin %s did not start: it did not say within %s where it listens. Its log has the reason; is %s a vehicle plugin?",
		i.spec.Name, i.opts.StartTimeout, i.spec.Path).Wrap(err)
}

// shutDown ends the process within a bound whatever it does: drain, ask, kill. A
// developer's process is only let go of.
func (i *instance) shutDown(ctx context.Context) {
	if i.spec.Reattach != "" {
		i.discard()
		return
	}
	drainCtx, cancel := context.WithTimeout(ctx, drainTimeout)
	i.drain(drainCtx)
	cancel()
	ended := make(chan struct{})
	go func() {
		i.client.Kill()
		close(ended)
	}()
	timer := time.NewTimer(gracefulTimeout)
	defer timer.Stop()
	select {
	case <-i.body.Exited():
	case <-timer.C:
	case <-ctx.Done():
	}
	i.discard()
	<-ended
}

// drain lets the plugin finish what it is doing, and the answers arrive.
func (i *instance) drain(ctx context.Context) {
	if err := i.remote.Drain(ctx); err != nil {
		i.log.Debug("plugin was not drained", "error", err)
	}
	for {
		i.mu.Lock()
		busy, finished := len(i.calls) > 0, i.finished
		i.mu.Unlock()
		if !busy {
			return
		}
		select {
		case <-finished:
		case <-i.body.Exited():
			return
		case <-ctx.Done():
			return
		}
	}
}

// discard kills the process if it still runs and gives everything back that
// belonged to it. It returns when that is done.
func (i *instance) discard() {
	i.cleanup.Do(func() {
		defer close(i.cleaned)
		if i.body != nil {
			// Nothing outlives SIGKILL, so this wait ends.
			_ = i.body.Kill(context.Background())
		}
		if i.client != nil {
			// With the process dead this only waits for go-plugin's goroutines
			// and removes its socket directory.
			i.client.Kill()
		}
		if i.stdio != nil {
			_ = i.stdio.Close()
		}
		i.crew.leave()
		if i.runtime != "" {
			_ = remove(i.runtime) // what stays goes with the host's directory
		}
	})
	<-i.cleaned
}

func (i *instance) pid() int {
	if i.body == nil {
		return 0
	}
	return i.body.PID()
}

func (i *instance) exited() bool {
	if i.body == nil {
		return true
	}
	select {
	case <-i.body.Exited():
		return true
	default:
		return false
	}
}

// exit says how the process ended.
func (i *instance) exit() string {
	if i.body == nil {
		return "not started"
	}
	if err := i.body.ExitError(); err != nil {
		return err.Error()
	}
	return "exit status 0"
}

// blame notes why the host is about to kill the process. The first word counts.
func (i *instance) blame(cause CrashCause) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.cause == "" {
		i.cause = cause
	}
}

// kill ends the process for a cause; its end shows like any other.
func (i *instance) kill(cause CrashCause) {
	i.blame(cause)
	_ = i.body.Kill(context.Background()) // nothing outlives it
}

// begin notes a call; finish takes it away and says whether the plugin died of
// it or under it.
func (i *instance) begin(requestID string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls[requestID]++
}

func (i *instance) finish(requestID string, died bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.calls[requestID]--; i.calls[requestID] == 0 {
		delete(i.calls, requestID)
	}
	if died {
		i.cutOff[requestID]++
	}
	close(i.finished)
	i.finished = make(chan struct{})
}

// goPanicStatus is how the Go runtime ends after a panic or a fatal error.
const goPanicStatus = 2

// maxReported bounds the request ids in a crash report.
const maxReported = 100

// report says how the run ended. Only once it has.
func (i *instance) report(now time.Time) CrashReport {
	i.mu.Lock()
	ids := slices.Sorted(maps.Keys(i.calls))
	for id := range i.cutOff {
		if i.calls[id] == 0 {
			ids = append(ids, id)
		}
	}
	cause := i.cause
	i.mu.Unlock()
	slices.Sort(ids)
	r := CrashReport{
		Time: now, Cause: cause, PID: i.pid(), Exit: i.exit(), Uptime: now.Sub(i.started), Digest: i.digest,
		InFlight: ids[:min(len(ids), maxReported)], LastLines: i.pipe.Last(), LastPanic: i.pipe.Panic(),
	}
	if r.Cause == "" {
		var exit *exec.ExitError
		switch {
		case i.body != nil && errors.As(i.body.ExitError(), &exit) && exit.ExitCode() < 0:
			r.Cause = CauseSignal
		case len(r.LastPanic) > 0 && exit != nil && exit.ExitCode() == goPanicStatus:
			r.Cause = CausePanic
		default:
			r.Cause = CauseExit
		}
	}
	return r
}
