package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-plugin"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// DebugEnv makes Serve wait for a hub instead of being started by one, if it is
// 1: start the plugin under a debugger with it, and give the line that it prints
// to the hub. The connection is then neither encrypted nor protected.
const DebugEnv = "VEHICLE_PLUGIN_DEBUG"

// maxSocketDir leaves room for a socket's name in the 104 bytes that macOS allows.
const maxSocketDir = 80

// serveDebug serves until Ctrl-C and says on out how a hub gets here.
func serveDebug(config *plugin.ServeConfig, out io.Writer) error {
	// The path of a socket has to be short, whatever the directory for temporary
	// files is.
	if len(os.TempDir()) > maxSocketDir && os.Getenv(plugin.EnvUnixSocketDir) == "" {
		if err := os.Setenv(plugin.EnvUnixSocketDir, "/tmp"); err != nil {
			return err
		}
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	listening, closed := make(chan *plugin.ReattachConfig, 1), make(chan struct{})
	config.Test = &plugin.ServeTestConfig{Context: ctx, ReattachConfigCh: listening, CloseCh: closed}
	go plugin.Serve(config)
	select {
	case at := <-listening:
		line, err := json.Marshal(shared.Reattach{
			PID: at.Pid, Network: at.Addr.Network(), Address: at.Addr.String(), Version: at.ProtocolVersion,
		})
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "The plugin waits for a hub. Start the hub with this in its environment:\n\n%s='%s'\n\n", shared.ReattachEnv, line)
	case <-closed:
		return fmt.Errorf("the plugin cannot listen; its log has the reason")
	}
	<-closed
	return nil
}
