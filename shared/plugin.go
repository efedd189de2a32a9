package shared

import (
	"context"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// MaxMessageSize bounds every message, both ways. The largest honest one, an
// account of a thousand cars, is below 1 MiB.
const MaxMessageSize = 4 << 20

// ProtocolVersion is the version of the contract that this module speaks. It
// rises only with a change that an older peer cannot bear; additions are found
// through DescribeResponse.capabilities.
const ProtocolVersion = 1

// PluginName is what a host dispenses.
const PluginName = "vehicle_refresher"

// Handshake tells a plugin apart from any other program, for people's sake. It
// is no secret and no protection. The values never change.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{
		MagicCookieKey:   "VEHICLE_REFRESHER_PLUGIN",
		MagicCookieValue: "6a1f0f0e3c1f4d7a9a55b7a3c6d2e8f1",
	}
}

// Plugins is the set of each protocol version. A plugin serves r; a host passes
// nil and dispenses a [*Client].
func Plugins(r VehicleRefresher) map[int]plugin.PluginSet {
	return map[int]plugin.PluginSet{ProtocolVersion: {PluginName: &grpcPlugin{refresher: r}}}
}

// maxHeaders bounds what a plugin may send beside messages: details of an error,
// which hold a snapshot at most, in base64.
const maxHeaders = 256 << 10

// DialOptions are the limits of the host's end.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessageSize), grpc.MaxCallSendMsgSize(MaxMessageSize)),
		grpc.WithMaxHeaderListSize(maxHeaders),
	}
}

// ServerOptions are the limits of the plugin's end.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.MaxRecvMsgSize(MaxMessageSize), grpc.MaxSendMsgSize(MaxMessageSize)}
}

type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	refresher VehicleRefresher
}

func (p *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	RegisterServer(s, p.refresher)
	return nil
}

func (p *grpcPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return NewClient(conn), nil
}
