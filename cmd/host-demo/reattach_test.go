package main

import (
	"context"
	"encoding/json"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// servePlugin serves the plugin in this process, as under a debugger, and
// returns the line that takes a hub to it.
func servePlugin(t *testing.T) string {
	t.Helper()
	engine := sdk.NewEngine(plugin.Plugin(), sdk.Options{})
	listening, closed := make(chan *goplugin.ReattachConfig, 1), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go goplugin.Serve(&goplugin.ServeConfig{ // ends with ctx
		HandshakeConfig: shared.Handshake(), VersionedPlugins: shared.Plugins(engine), Logger: hclog.NewNullLogger(),
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(o, shared.ServerOptions()...)...)
		},
		Test: &goplugin.ServeTestConfig{Context: ctx, ReattachConfigCh: listening, CloseCh: closed},
	})
	t.Cleanup(func() {
		cancel()
		<-closed
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		assert.NoError(t, engine.Close(ctx))
	})
	at := <-listening
	line, err := json.Marshal(shared.Reattach{
		PID: os.Getpid(), Network: at.Addr.Network(), Address: at.Addr.String(), Version: shared.ProtocolVersion,
	})
	require.NoError(t, err)
	return string(line)
}

// TestPluginUnderADebugger serves the whole demo from a process that the hub has
// not started, and leaves it alone at the end.
func TestPluginUnderADebugger(t *testing.T) {
	line := servePlugin(t)
	p := runDemo(t, []string{shared.ReattachEnv + "=" + line}, "--plugin", "/there/is/no/such/program", "--json", "--log-level", "warn")
	ready, _ := p.find(`"event":"ready","pid":(\d+)`)
	assert.Equal(t, strconv.Itoa(os.Getpid()), ready[1])
	p.end()
	assert.Contains(t, p.stderr.String(), "it runs under a debugger")
}
