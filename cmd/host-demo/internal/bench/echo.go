package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/hyundai-mqtt/hyundai-plugin/host"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// echo is a plugin that answers at once with a state that has every attribute: what
// is left is the way there and back.
type echo struct{ state *vehiclev1.VehicleData }

// EchoArgs are the arguments with which the program is that plugin.
func EchoArgs() []string { return []string{"bench", "echo"} }

const echoCar = "car1"

// ServeEcho is the process of that plugin.
func ServeEcho() {
	state := &vehiclev1.VehicleData{}
	fill(state.ProtoReflect())
	state.Vehicle = &vehiclev1.Vehicle{Id: echoCar}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: shared.Handshake(), VersionedPlugins: shared.Plugins(echo{state}),
		GRPCServer: plugin.DefaultGRPCServer, Logger: hclog.NewNullLogger(),
	})
}

// fill gives every field a value, of which lists and maps have none.
func fill(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsList() || f.IsMap():
		case f.Kind() == protoreflect.MessageKind:
			fill(m.Mutable(f).Message())
		default:
			m.Set(f, sample(f))
		}
	}
}

func sample(f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(1)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("of some length")
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(42.5)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(1_700_000_000_000)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(42)
	default:
		return f.Default()
	}
}

func (e echo) Initialize(context.Context, shared.Config) ([]*vehiclev1.Vehicle, error) {
	return []*vehiclev1.Vehicle{e.state.GetVehicle()}, nil
}

func (e echo) RefreshCached(context.Context, string) (*vehiclev1.VehicleData, error) {
	return e.state, nil
}

func (e echo) RefreshForce(context.Context, string) (*vehiclev1.VehicleData, error) {
	return e.state, nil
}

func (e echo) RefreshSmart(context.Context, string, time.Duration) (*vehiclev1.VehicleData, error) {
	return e.state, nil
}

// RoundTrip is how long a call of the echo takes, through the host and through
// go-plugin as it is shipped, gRPC and mTLS as well, in turns.
type RoundTrip struct {
	Host     Percentiles `json:"host_ms"`
	GoPlugin Percentiles `json:"go_plugin_ms"`
	// Ratio of the medians; Target at most 1.3.
	Ratio float64 `json:"ratio"`
}

// roundTrips of each way in a turn, and turns.
const roundTrips, turns = 500, 10

func (o *Options) roundTrip(ctx context.Context) (result RoundTrip, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return result, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ours, err := host.New(host.Options{
		StateDir: filepath.Join(dir, "state"),
		Plugins:  []host.PluginSpec{{Name: "echo", Path: o.Program, Args: EchoArgs(), SameUser: true, AcceptChanges: true}},
	})
	if err != nil {
		return result, err
	}
	if err := ours.Start(ctx); err != nil {
		return result, err
	}
	defer func() { _ = ours.Stop(context.WithoutCancel(ctx)) }()
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: shared.Handshake(), VersionedPlugins: shared.Plugins(nil), Cmd: exec.Command(o.Program, EchoArgs()...), //nolint:gosec,noctx // this program itself
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, AutoMTLS: true, Logger: hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		return result, err
	}
	raw, err := protocol.Dispense(shared.PluginName)
	if err != nil {
		return result, err
	}
	bare, ok := raw.(shared.VehicleRefresher)
	if !ok {
		return result, fmt.Errorf("go-plugin gave a %T", raw)
	}
	if _, err := bare.Initialize(ctx, shared.Config{}); err != nil {
		return result, err
	}
	var times [2][]time.Duration
	for range turns {
		for i, side := range []shared.VehicleRefresher{ours.Plugin("echo"), bare} {
			for range roundTrips {
				begun := time.Now()
				if _, err := side.RefreshCached(ctx, echoCar); err != nil {
					return result, err
				}
				times[i] = append(times[i], time.Since(begun))
			}
		}
	}
	result.Host, result.GoPlugin = percentiles(times[0]), percentiles(times[1])
	result.Ratio = result.Host.P50 / result.GoPlugin.P50
	return result, nil
}
