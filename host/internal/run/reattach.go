package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// reattach connects to a process that somebody else has started, for example a
// debugger. Its connection is plain gRPC, which needs nothing of go-plugin's.
func (i *Instance) reattach() error {
	var at shared.Reattach
	if err := json.Unmarshal([]byte(i.plan.Reattach), &at); err != nil {
		return fmt.Errorf("the line to reattach is not understood: %w", err)
	}
	target := ""
	switch {
	case at.Version != shared.ProtocolVersion:
		return fmt.Errorf("it speaks version %d of the protocol, this hub version %d", at.Version, shared.ProtocolVersion)
	case at.Network == "unix":
		target = "unix:" + at.Address
	case at.Network == "tcp":
		target = "passthrough:///" + at.Address
	default:
		return fmt.Errorf("the line to reattach names network %q: use unix or tcp", at.Network)
	}
	conn, err := grpc.NewClient(target, append(shared.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		return err
	}
	i.remote, i.body = shared.NewClient(conn), newAttached(at.PID, conn)
	ctx, cancel := context.WithTimeout(context.Background(), i.plan.StartTimeout)
	defer cancel()
	if _, err := i.remote.Describe(ctx); errors.Is(err, shared.ReasonPluginDown) || errors.Is(err, shared.ReasonDeadlineExceeded) {
		return fmt.Errorf("nobody answers at %s; start the plugin again and take the line that it prints: %w", at.Address, err)
	}
	return nil
}

// attached is a process of somebody else's: it counts as ended when its
// connection breaks, and it is let go of, not killed.
type attached struct {
	pid    int
	conn   *grpc.ClientConn
	exited chan struct{}
	once   sync.Once
}

func newAttached(pid int, conn *grpc.ClientConn) *attached {
	a := &attached{pid: pid, conn: conn, exited: make(chan struct{})}
	go a.watch()
	return a
}

// watch ends with the connection.
func (a *attached) watch() {
	for state := a.conn.GetState(); ; state = a.conn.GetState() {
		switch state {
		case connectivity.TransientFailure, connectivity.Shutdown:
			a.letGo()
			return
		case connectivity.Idle:
			a.conn.Connect()
		}
		a.conn.WaitForStateChange(context.Background(), state)
	}
}

func (a *attached) letGo() {
	a.once.Do(func() {
		_ = a.conn.Close()
		close(a.exited)
	})
}

func (a *attached) PID() int                 { return a.pid }
func (a *attached) Exited() <-chan struct{}  { return a.exited }
func (a *attached) Drained() <-chan struct{} { return a.exited }
func (a *attached) ExitError() error         { return errors.New("its connection ended") }

// Kill lets go of the process.
func (a *attached) Kill(context.Context) error {
	a.letGo()
	return nil
}

var _ body = (*attached)(nil)
