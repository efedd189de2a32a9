package sdk

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// LogLevelEnv is the environment variable in which a host says which lines it
// wants: debug, info, warn or error.
const LogLevelEnv = "VEHICLE_PLUGIN_LOG_LEVEL"

// ErrNotAPlugin is what Serve returns when a person and not a host started the
// program.
var ErrNotAPlugin = errors.New("this program is a plugin: a hub starts it, it does nothing by itself (host-demo is such a hub)")

// ErrStuck is what Serve returns when so many calls to the vendor would not end that
// only a new process can help.
var ErrStuck = errors.New("too many calls to the vendor do not end; the plugin has to be started anew")

// Serve serves p until the host ends it, and is all that a plugin's main needs:
//
//	func main() {
//		if err := sdk.Serve(thePlugin); err != nil {
//			fmt.Fprintln(os.Stderr, err)
//			os.Exit(1)
//		}
//	}
//
// It contains panics, bounds messages, redacts and levels the log, and ends the
// plugin when its host is gone.
func Serve(p Plugin) error {
	handshake := shared.Handshake()
	debugging := os.Getenv(DebugEnv) == "1"
	if os.Getenv(handshake.MagicCookieKey) != handshake.MagicCookieValue && !debugging {
		return ErrNotAPlugin
	}
	nameProcess(p.Name)
	// go-plugin replaces os.Stderr; the log keeps the true one.
	stderr := os.Stderr
	redactor := &redact.Redactor{}
	log := slog.New(redactor.Handler(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: logLevel()})))
	server, stuck := &stoppable{}, make(chan struct{})
	engine := NewEngine(p, Options{Logger: log, Redactor: redactor, GiveUp: func() {
		close(stuck)
		server.stop()
	}})
	defer closeEngine(engine)
	config := &plugin.ServeConfig{
		HandshakeConfig:  handshake,
		VersionedPlugins: shared.Plugins(engine),
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			opts = append(opts, shared.ServerOptions()...)
			opts = append(opts, grpc.ChainUnaryInterceptor(containUnary(log)), grpc.ChainStreamInterceptor(containStream(log)))
			return server.keep(grpc.NewServer(opts...))
		},
		Logger: hclog.New(&hclog.LoggerOptions{Output: stderr, JSONFormat: true, Level: hclog.Warn}),
	}
	if debugging {
		return serveDebug(config, os.Stdout)
	}
	go func() {
		// The host holds the other end of stdin. Its end is the host's end.
		_, _ = io.Copy(io.Discard, os.Stdin)
		log.Warn("the host is gone, ending")
		server.stop()
	}()
	plugin.Serve(config)
	select {
	case <-stuck:
		log.Error(ErrStuck.Error()) // to the true stderr, which the host reads
		return ErrStuck
	default:
		return nil
	}
}

// closeEngine: the process is about to end whatever the workers do.
func closeEngine(engine *Engine) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = engine.Close(ctx)
}

// nameProcess gives the process its name back: a host may start it from memory,
// where it has none. Only Linux has this file.
func nameProcess(name string) {
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0o600)
}

func logLevel() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(os.Getenv(LogLevelEnv))); err != nil {
		return slog.LevelInfo
	}
	return level
}

// stoppable stops a server that may not exist yet.
type stoppable struct {
	mu      sync.Mutex
	server  *grpc.Server
	stopped bool
}

func (s *stoppable) keep(server *grpc.Server) *grpc.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server = server
	if s.stopped {
		server.Stop()
	}
	return server
}

func (s *stoppable) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.server != nil {
		s.server.Stop()
	}
}

// containUnary turns a panic in a handler into a typed error. Without it one
// panic would end the process for every caller.
func containUnary(log *slog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
		defer func() {
			if p := recover(); p != nil {
				logPanic(log, p, debug.Stack())
				resp, err = nil, shared.ToStatus(shared.NewError(shared.ReasonInternal))
			}
		}()
		return handler(ctx, req)
	}
}

func containStream(log *slog.Logger) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
		defer func() {
			if p := recover(); p != nil {
				logPanic(log, p, debug.Stack())
				err = shared.ToStatus(shared.NewError(shared.ReasonInternal))
			}
		}()
		return handler(srv, stream)
	}
}
