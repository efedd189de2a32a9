package run

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/logpipe"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/workspace"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
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

// Instance is one run of a plugin. It is used up when the process has ended. Safe
// for concurrent use.
type Instance struct {
	plan    Plan
	log     *slog.Logger
	digest  string
	started time.Time
	tmp     string // its own directory for temporary files
	// cancelKill ends what kills the process when its start is given up.
	cancelKill func() bool
	body       body // nil if it never came to that
	client     *plugin.Client
	conns      sync.Map // *grpc.ClientConn of go-plugin's, see keepConn
	remote     *shared.Client
	pipe       *logpipe.Pipe
	stdio      *io.PipeWriter
	// suspect asks for a probe now.
	suspect chan struct{}

	mu    sync.Mutex
	cause CrashCause
	// calls under way, and those that the end of the process has cut off, by
	// request id.
	calls, cutOff map[string]int
	// finished is closed and replaced when a call has ended.
	finished chan struct{}

	discard   sync.Once
	discarded chan struct{}
}

// Number of this process among the plugin's.
func (i *Instance) Number() int { return i.plan.Number }

// Remote is the connection to the plugin.
func (i *Instance) Remote() *shared.Client { return i.remote }

// Digest is the SHA-256 of the program; empty if it was reattached.
func (i *Instance) Digest() string { return i.digest }

// Started is when the start of the process began.
func (i *Instance) Started() time.Time { return i.started }

// PID of the process; 0 if there never was one.
func (i *Instance) PID() int {
	if i.body == nil {
		return 0
	}
	return i.body.PID()
}

// Exited reports whether the process has ended, or never ran.
func (i *Instance) Exited() bool {
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

// Wait returns when the process has ended and its last words have been read.
func (i *Instance) Wait() {
	<-i.body.Exited()
	<-i.body.Drained()
}

// exit says how the process ended.
func (i *Instance) exit() string {
	if i.body == nil {
		return "not started"
	}
	if err := i.body.ExitError(); err != nil {
		return err.Error()
	}
	return "exit status 0"
}

// BeginCall notes a call until EndCall.
func (i *Instance) BeginCall(requestID string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls[requestID]++
}

// EndCall takes a call away; cutOff says that the process died of it or under it.
func (i *Instance) EndCall(requestID string, cutOff bool) {
	i.mu.Lock()
	defer i.mu.Unlock()

	if i.calls[requestID]--; i.calls[requestID] == 0 {
		delete(i.calls, requestID)
	}
	if cutOff {
		i.cutOff[requestID]++
	}
	close(i.finished)
	i.finished = make(chan struct{})
}

// Discard kills the process if it still runs and gives everything back that
// belonged to it. It returns when that is done, also to a second caller.
func (i *Instance) Discard() {
	i.discard.Do(func() {
		defer close(i.discarded)
		if i.body != nil {
			// Nothing outlives SIGKILL, so this wait ends.
			_ = i.body.Kill(context.Background())
		}
		if i.client != nil {
			// With the process dead this only waits for go-plugin's goroutines
			// and removes its socket directory.
			i.client.Kill()
		}
		for kept := range i.conns.Range {
			if conn, ok := kept.(*grpc.ClientConn); ok {
				_ = conn.Close() // unless go-plugin has
			}
		}
		if i.stdio != nil {
			_ = i.stdio.Close()
		}

		i.plan.Processes.leave()
		if i.tmp != "" {
			_ = workspace.Remove(i.tmp) // what stays goes with the host's directory
		}
	})
	<-i.discarded
}

// Discarded is closed when nothing is left of the process.
func (i *Instance) Discarded() <-chan struct{} { return i.discarded }
