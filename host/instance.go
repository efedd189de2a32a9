package host

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/logpipe"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Bounds of a shutdown, each step after the other.
const (
	drainTimeout    = 2 * time.Second
	gracefulTimeout = time.Second
)

// instance is one run of a plugin: a process and the connection to it. It is
// used up when the process has ended.
type instance struct {
	spec    PluginSpec
	log     *slog.Logger
	process *launch.Process // nil if it never came to that
	client  *plugin.Client
	remote  *shared.Client
	pipe    *logpipe.Pipe

	cleanup sync.Once
	cleaned chan struct{}
}

// startInstance starts a process and connects to it. When ctx ends meanwhile,
// the process is killed.
func startInstance(ctx context.Context, spec PluginSpec, dirs directories, o *Options) (*instance, error) {
	log := o.Logger.With("plugin", spec.Name)
	i := &instance{spec: spec, log: log, pipe: logpipe.New(log), cleaned: make(chan struct{})}
	killOnEnd := func() bool { return false }
	i.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  shared.Handshake(),
		VersionedPlugins: shared.Plugins(nil),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     o.StartTimeout,
		GRPCDialOptions:  shared.DialOptions(),
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: dirs.runtime},
		// On systems without Unix sockets: let the system choose the port.
		MinPort: 0, MaxPort: 1,
		// The supervisor reports starts and ends itself.
		Logger: hclog.NewNullLogger(),
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			i.process = launch.New(launch.Spec{
				Path: spec.Path, Args: spec.Args, Dir: dirs.state,
				Env:    environment(spec, dirs.state, dirs.runtime, logLevel(o.Logger)),
				Stderr: i.pipe.Drain,
				Stdout: func(line string) { log.Debug("plugin wrote to stdout", "bytes", len(line)) },
			}, cmd.Env)
			// go-plugin starts it when this returns; if ctx has ended, it is
			// killed as soon as it runs.
			killOnEnd = context.AfterFunc(ctx, func() { i.process.KillWhenStarted() })
			return i.process, nil
		},
	})
	defer func() { killOnEnd() }()
	remote, err := i.connect()
	if err != nil {
		i.discard()
		return nil, i.explain(err)
	}
	i.remote = remote
	return i, nil
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
	case os.IsNotExist(err):
		return shared.Errorf(shared.ReasonPluginDown, "Plugin %s cannot be started: there is no file %s.", i.spec.Name, i.spec.Path).Wrap(err)
	case os.IsPermission(err):
		return shared.Errorf(shared.ReasonPluginDown, "Plugin %s cannot be started: %s may not be executed.", i.spec.Name, i.spec.Path).Wrap(err)
	}
	return shared.Errorf(shared.ReasonPluginDown,
		"Plugin %s did not start. Its log has the reason; is %s a vehicle plugin?", i.spec.Name, i.spec.Path).Wrap(err)
}

// shutDown ends the process within a bound whatever it does: drain, ask, kill.
func (i *instance) shutDown(ctx context.Context) {
	drainCtx, cancel := context.WithTimeout(ctx, drainTimeout)
	if err := i.remote.Drain(drainCtx); err != nil {
		i.log.Debug("plugin was not drained", "error", err)
	}
	cancel()
	ended := make(chan struct{})
	go func() {
		i.client.Kill()
		close(ended)
	}()
	timer := time.NewTimer(gracefulTimeout)
	defer timer.Stop()
	select {
	case <-i.process.Exited():
	case <-timer.C:
	case <-ctx.Done():
	}
	i.discard()
	<-ended
}

// discard kills the process if it still runs and gives everything back that
// belonged to it. It returns when that is done.
func (i *instance) discard() {
	i.cleanup.Do(func() {
		defer close(i.cleaned)
		if i.process != nil {
			// Nothing outlives SIGKILL, so this wait ends.
			_ = i.process.Kill(context.Background())
		}
		// With the process dead this only waits for go-plugin's goroutines and
		// removes its socket directory.
		i.client.Kill()
	})
	<-i.cleaned
}

func (i *instance) pid() int {
	if i.process == nil {
		return 0
	}
	return i.process.PID()
}
