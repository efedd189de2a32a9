//go:build unix

package main

import (
	"bytes"
	"context"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec that is made to lie
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// behaviour of a plugin below the SDK: nothing protects it from itself. A nil
// member behaves well.
type behaviour struct {
	vehiclev1.UnimplementedVehicleServiceServer
	vehiclev1.UnimplementedPluginServiceServer

	initialize func(*vehiclev1.InitializeRequest) (*vehiclev1.InitializeResponse, error)
	cached     func(ctx context.Context, id string) (*vehiclev1.VehicleData, error)
	describe   func() error
	health     func(grpc.ServerStreamingServer[vehiclev1.WatchHealthResponse]) error
	drain      func()
	watch      func(grpc.ServerStreamingServer[vehiclev1.WatchResponse]) error
	// server is told of the server before it serves.
	server func(*grpc.Server)
	// codec changes what goes over the wire.
	codec encoding.CodecV2
	// version of the protocol; 0 for the right one.
	version int
}

// car is the one car of a plugin that behaves.
const car = "car1"

func snapshot(id string) *vehiclev1.VehicleData {
	now := time.Now().UnixMilli()
	soc := 50.0
	return &vehiclev1.VehicleData{
		Vehicle: &vehiclev1.Vehicle{Id: id, Name: proto.String("Car")},
		Battery: &vehiclev1.Battery{Soc: &soc},
		Refresh: &vehiclev1.Refresh{
			ObservedAt: &now, PolledAt: &now,
			Source: vehiclev1.Source_SOURCE_CACHED.Enum(), Method: vehiclev1.Method_METHOD_CACHED.Enum(),
			Verdict: vehiclev1.Verdict_VERDICT_UNCHANGED.Enum(),
		},
	}
}

func (b *behaviour) Initialize(_ context.Context, req *vehiclev1.InitializeRequest) (*vehiclev1.InitializeResponse, error) {
	if b.initialize != nil {
		return b.initialize(req)
	}
	return &vehiclev1.InitializeResponse{Vehicles: []*vehiclev1.Vehicle{{Id: car, Name: proto.String("Car")}}}, nil
}

func (b *behaviour) RefreshCached(ctx context.Context, req *vehiclev1.RefreshCachedRequest) (*vehiclev1.RefreshCachedResponse, error) {
	if b.cached == nil {
		return &vehiclev1.RefreshCachedResponse{Data: snapshot(req.GetVehicleId())}, nil
	}
	data, err := b.cached(ctx, req.GetVehicleId())
	if err != nil {
		return nil, err
	}
	return &vehiclev1.RefreshCachedResponse{Data: data}, nil
}

// RefreshForce waits for a car that does not answer.
func (b *behaviour) RefreshForce(ctx context.Context, _ *vehiclev1.RefreshForceRequest) (*vehiclev1.RefreshForceResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (b *behaviour) Describe(context.Context, *vehiclev1.DescribeRequest) (*vehiclev1.DescribeResponse, error) {
	if b.describe != nil {
		if err := b.describe(); err != nil {
			return nil, err
		}
	}
	return &vehiclev1.DescribeResponse{Name: "hostile"}, nil
}

func (b *behaviour) WatchHealth(_ *vehiclev1.WatchHealthRequest, stream grpc.ServerStreamingServer[vehiclev1.WatchHealthResponse]) error {
	if b.health != nil {
		return b.health(stream)
	}
	err := stream.Send(&vehiclev1.WatchHealthResponse{Health: &vehiclev1.Health{State: vehiclev1.HealthState_HEALTH_STATE_READY}})
	<-stream.Context().Done()
	return err
}

func (b *behaviour) Watch(_ *vehiclev1.WatchRequest, stream grpc.ServerStreamingServer[vehiclev1.WatchResponse]) error {
	if b.watch != nil {
		return b.watch(stream)
	}
	<-stream.Context().Done()
	return nil
}

func (b *behaviour) Drain(context.Context, *vehiclev1.DrainRequest) (*vehiclev1.DrainResponse, error) {
	if b.drain != nil {
		b.drain()
	}
	return &vehiclev1.DrainResponse{}, nil
}

func (b *behaviour) serve() {
	version := b.version
	if version == 0 {
		version = shared.ProtocolVersion
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  shared.Handshake(),
		VersionedPlugins: map[int]plugin.PluginSet{version: {shared.PluginName: grpcPlugin{behaviour: b}}},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			if b.codec != nil {
				opts = append(opts, grpc.ForceServerCodecV2(b.codec))
			}
			server := grpc.NewServer(opts...)
			if b.server != nil {
				b.server(server)
			}
			return server
		},
		Logger: hclog.NewNullLogger(),
	})
}

type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	behaviour *behaviour
}

func (p grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error { //nolint:unparam // go-plugin's interface
	vehiclev1.RegisterVehicleServiceServer(s, p.behaviour)
	vehiclev1.RegisterPluginServiceServer(s, p.behaviour)
	return nil
}

func (grpcPlugin) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}

// corrupter is protobuf's codec, but for words in the messages that it replaces.
type corrupter struct {
	encoding.CodecV2
	word, by []byte
}

func newCorrupter(word, by string) corrupter {
	return corrupter{CodecV2: encoding.GetCodecV2("proto"), word: []byte(word), by: []byte(by)}
}

func (c corrupter) Marshal(v any) (mem.BufferSlice, error) {
	clean, err := c.CodecV2.Marshal(v)
	if err != nil {
		return nil, err
	}
	return mem.BufferSlice{mem.SliceBuffer(bytes.ReplaceAll(clean.Materialize(), c.word, c.by))}, nil
}
