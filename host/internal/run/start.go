package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os/exec"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/logpipe"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Start starts a process and connects to it. When ctx ends meanwhile, the process
// is killed. On failure the instance is used up, but can report.
func Start(ctx context.Context, p Plan) (*Instance, error) {
	i := &Instance{
		plan: p, log: slog.New(p.Redactor.Handler(p.Logger.Handler())), started: p.Now(),
		pipe:       logpipe.New(logpipe.Options{Logger: p.Logger, Redactor: p.Redactor, Now: p.Now}),
		suspect:    make(chan struct{}, 1),
		calls:      map[string]int{},
		cutOff:     map[string]int{},
		finished:   make(chan struct{}),
		discarded:  make(chan struct{}),
		cancelKill: func() bool { return false },
	}
	p.Processes.join()

	var err error
	if p.Reattach != "" {
		err = i.reattach()
	} else {
		if err = i.start(ctx); err == nil {
			i.remote, err = i.connectInTime()
		}
		i.cancelKill()
	}
	if err != nil {
		err = i.explain(ctx, err)
		i.blame(CauseStart)
		i.Discard()
		return i, err
	}
	return i, nil
}

func (i *Instance) start(ctx context.Context) (err error) {
	i.digest = i.plan.Image.Digest
	if i.tmp, err = i.plan.Dirs.Run(i.plan.Number); err != nil {
		return err
	}

	// What a plugin without our SDK writes after it serves comes this way.
	var stdio *io.PipeReader
	stdio, i.stdio = io.Pipe()
	go i.pipe.Drain(launch.Throttle(stdio)) // ends in Discard

	i.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  shared.Handshake(),
		VersionedPlugins: shared.Plugins(nil),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     i.plan.StartTimeout,
		GRPCDialOptions:  append(shared.DialOptions(), grpc.WithChainStreamInterceptor(i.keepConn)),
		SyncStdout:       i.stdio,
		SyncStderr:       i.stdio,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: i.plan.Dirs.Runtime},
		// On systems without Unix sockets: let the system choose the port.
		MinPort: 0, MaxPort: 1,
		// The supervisor reports starts and ends itself.
		Logger: hclog.NewNullLogger(),
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, sockets string) (runner.Runner, error) {
			return i.process(ctx, cmd.Env, sockets)
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

// keepConn keeps each connection that go-plugin makes: it forgets one if the process ends
// before all of its streams are there, and makes another to end the process. Nobody else
// would close them.
func (i *Instance) keepConn(
	ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	i.conns.Store(conn, true)
	return open(ctx, desc, conn, method, opts...)
}

// process makes what go-plugin starts. If ctx has ended, it is killed as soon as it
// runs.
func (i *Instance) process(ctx context.Context, pluginEnv []string, sockets string) (runner.Runner, error) {
	p := &i.plan
	if p.Dirs.User != nil {
		if err := p.Dirs.User.Own(sockets); err != nil {
			return nil, err
		}
	}

	process := launch.New(launch.Spec{
		Image: p.Image, Args: p.Args, Dir: p.Dirs.State, User: p.Dirs.User, Limits: p.limits(),
		Env: p.environment(i.tmp), Stderr: i.pipe.Drain, Stdout: i.pipe.Stdout,
	}, pluginEnv)
	i.body = process
	i.cancelKill = context.AfterFunc(ctx, process.KillWhenStarted)
	return process, nil
}

// connectInTime kills a process that does not answer: what go-plugin does from
// here on knows no context.
func (i *Instance) connectInTime() (*shared.Client, error) {
	if process, ok := i.body.(*launch.Process); ok {
		late := time.AfterFunc(i.plan.StartTimeout, process.KillWhenStarted)
		defer late.Stop()
	}
	return i.connect()
}

func (i *Instance) connect() (*shared.Client, error) {
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

// explain turns go-plugin's text into an error that tells what to do. If ctx was
// canceled, that is why the process did not start.
func (i *Instance) explain(ctx context.Context, err error) error {
	text, name, path := err.Error(), i.plan.Plugin, i.plan.Path
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return shared.NewError(shared.ReasonCanceled).Wrap(errors.Join(ctx.Err(), err))
	case strings.Contains(text, "ncompatible API version"), strings.Contains(text, "ncompatible core API version"):
		return shared.Errorf(shared.ReasonIncompatible,
			"Plugin %s does not speak version %d of the protocol. Update the plugin or the hub, whichever is older.",
			name, shared.ProtocolVersion).Wrap(err)
	case i.plan.Reattach != "":
		return shared.Errorf(shared.ReasonPluginDown, "Plugin %s cannot be reached under its debugger: %v.", name, err).Wrap(err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return shared.Errorf(shared.ReasonPluginDown, "Plugin %s cannot be started: %s may not be executed here.", name, path).Wrap(err)
	case i.Exited() && !strings.Contains(text, "timeout while waiting"):
		return shared.Errorf(shared.ReasonPluginDown,
			"Plugin %s did not start: its process ended (%s) before it said where it listens. Its log has the reason; is %s a vehicle plugin?",
			name, i.exit(), path).Wrap(err)
	}
	return shared.Errorf(shared.ReasonPluginDown,
		"Plugin %s did not start: it did not say within %s where it listens. Its log has the reason; is %s a vehicle plugin?",
		name, i.plan.StartTimeout, path).Wrap(err)
}
