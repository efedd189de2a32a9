package shared

import (
	"context"
	"encoding/json"
	"time"

	"google.golang.org/grpc"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// RegisterServer serves r on s. What r implements beyond [VehicleRefresher] is
// found by type assertion; the rest answers [ReasonUnsupported].
func RegisterServer(s grpc.ServiceRegistrar, r VehicleRefresher) {
	vehiclev1.RegisterVehicleServiceServer(s, vehicleServer{refresher: r})
	vehiclev1.RegisterPluginServiceServer(s, pluginServer{refresher: r})
}

type vehicleServer struct {
	vehiclev1.UnimplementedVehicleServiceServer
	refresher VehicleRefresher
}

func (s vehicleServer) Initialize(ctx context.Context, req *vehiclev1.InitializeRequest) (*vehiclev1.InitializeResponse, error) {
	vehicles, err := s.refresher.Initialize(incoming(ctx), Config{
		Settings: json.RawMessage(req.GetSettingsJson()), StateDir: req.GetStateDir(),
	})
	if err != nil {
		return nil, ToStatus(err)
	}
	return &vehiclev1.InitializeResponse{Vehicles: vehicles}, nil
}

func (s vehicleServer) ListVehicles(ctx context.Context, _ *vehiclev1.ListVehiclesRequest) (*vehiclev1.ListVehiclesResponse, error) {
	lister, ok := s.refresher.(VehicleLister)
	if !ok {
		return nil, ToStatus(NewError(ReasonUnsupported))
	}
	vehicles, err := lister.ListVehicles(incoming(ctx))
	if err != nil {
		return nil, ToStatus(err)
	}
	return &vehiclev1.ListVehiclesResponse{Vehicles: vehicles}, nil
}

func (s vehicleServer) RefreshCached(ctx context.Context, req *vehiclev1.RefreshCachedRequest) (*vehiclev1.RefreshCachedResponse, error) {
	data, err := s.refresher.RefreshCached(incoming(ctx), req.GetVehicleId())
	if err != nil {
		return nil, ToStatus(err)
	}
	return &vehiclev1.RefreshCachedResponse{Data: data}, nil
}

func (s vehicleServer) RefreshForce(ctx context.Context, req *vehiclev1.RefreshForceRequest) (*vehiclev1.RefreshForceResponse, error) {
	data, err := s.refresher.RefreshForce(incoming(ctx), req.GetVehicleId())
	if err != nil {
		return nil, ToStatus(err)
	}
	return &vehiclev1.RefreshForceResponse{Data: data}, nil
}

func (s vehicleServer) RefreshSmart(ctx context.Context, req *vehiclev1.RefreshSmartRequest) (*vehiclev1.RefreshSmartResponse, error) {
	age, err := maxAge(req.MaxAgeSeconds)
	if err != nil {
		return nil, ToStatus(&RefreshError{Mode: ModeSmart, VehicleID: req.GetVehicleId(), Err: err})
	}
	data, err := s.refresher.RefreshSmart(incoming(ctx), req.GetVehicleId(), age)
	if err != nil {
		return nil, ToStatus(err)
	}
	return &vehiclev1.RefreshSmartResponse{Data: data}, nil
}

// maxAge of a request; one that it does not say is the default.
func maxAge(said *int64) (time.Duration, error) {
	const maxSeconds = 1 << 31
	switch {
	case said == nil:
		return DefaultMaxAge, nil
	case *said < 1 || *said > maxSeconds:
		return 0, Errorf(ReasonInvalidCommand, "The maximum age must be at least one second.")
	}
	return time.Duration(*said) * time.Second, nil
}

func (s vehicleServer) Preview(ctx context.Context, req *vehiclev1.PreviewRequest) (*vehiclev1.PreviewResponse, error) {
	previewer, ok := s.refresher.(Previewer)
	if !ok {
		return nil, ToStatus(NewError(ReasonUnsupported))
	}
	age, err := maxAge(req.MaxAgeSeconds)
	if err != nil {
		return nil, ToStatus(err)
	}
	preview, err := previewer.Preview(incoming(ctx), Mode(req.GetMode()), req.GetVehicleId(), age)
	if err != nil {
		return nil, ToStatus(err)
	}
	return &vehiclev1.PreviewResponse{Preview: preview}, nil
}

func (s vehicleServer) Watch(_ *vehiclev1.WatchRequest, stream grpc.ServerStreamingServer[vehiclev1.WatchResponse]) error {
	watcher, ok := s.refresher.(Watcher)
	if !ok {
		return ToStatus(NewError(ReasonUnsupported))
	}
	return ToStatus(watcher.Watch(incoming(stream.Context()), func(d *vehiclev1.VehicleData) error {
		return stream.Send(&vehiclev1.WatchResponse{Data: d})
	}))
}

func (s vehicleServer) SetSchedule(ctx context.Context, req *vehiclev1.SetScheduleRequest) (*vehiclev1.SetScheduleResponse, error) {
	scheduler, ok := s.refresher.(Scheduler)
	if !ok {
		return nil, ToStatus(NewError(ReasonUnsupported))
	}
	now, err := scheduler.SetSchedule(incoming(ctx), req.GetVehicleId(), json.RawMessage(req.GetScheduleJson()))
	if err != nil {
		return nil, ToStatus(err)
	}
	return &vehiclev1.SetScheduleResponse{ScheduleJson: string(now)}, nil
}

func (s vehicleServer) GetSchedule(ctx context.Context, req *vehiclev1.GetScheduleRequest) (*vehiclev1.GetScheduleResponse, error) {
	scheduler, ok := s.refresher.(Scheduler)
	if !ok {
		return nil, ToStatus(NewError(ReasonUnsupported))
	}
	now, err := scheduler.Schedule(incoming(ctx), req.GetVehicleId())
	if err != nil {
		return nil, ToStatus(err)
	}
	return &vehiclev1.GetScheduleResponse{ScheduleJson: string(now.JSON), Preset: now.Preset}, nil
}

func (s vehicleServer) Unlock(ctx context.Context, _ *vehiclev1.UnlockRequest) (*vehiclev1.UnlockResponse, error) {
	unlocker, ok := s.refresher.(Unlocker)
	if !ok {
		return nil, ToStatus(NewError(ReasonUnsupported))
	}
	if err := unlocker.Unlock(incoming(ctx)); err != nil {
		return nil, ToStatus(err)
	}
	return &vehiclev1.UnlockResponse{}, nil
}

type pluginServer struct {
	vehiclev1.UnimplementedPluginServiceServer
	refresher VehicleRefresher
}

func (s pluginServer) Describe(ctx context.Context, _ *vehiclev1.DescribeRequest) (*vehiclev1.DescribeResponse, error) {
	describer, ok := s.refresher.(Describer)
	if !ok {
		return nil, ToStatus(NewError(ReasonUnsupported))
	}
	resp, err := describer.Describe(incoming(ctx))
	return resp, ToStatus(err)
}

func (s pluginServer) WatchHealth(_ *vehiclev1.WatchHealthRequest, stream grpc.ServerStreamingServer[vehiclev1.WatchHealthResponse]) error {
	watcher, ok := s.refresher.(HealthWatcher)
	if !ok {
		return ToStatus(NewError(ReasonUnsupported))
	}
	return ToStatus(watcher.WatchHealth(incoming(stream.Context()), func(h *vehiclev1.Health) error {
		return stream.Send(&vehiclev1.WatchHealthResponse{Health: h})
	}))
}

func (s pluginServer) Drain(ctx context.Context, _ *vehiclev1.DrainRequest) (*vehiclev1.DrainResponse, error) {
	drainer, ok := s.refresher.(Drainer)
	if !ok {
		return nil, ToStatus(NewError(ReasonUnsupported))
	}
	if err := drainer.Drain(incoming(ctx)); err != nil {
		return nil, ToStatus(err)
	}
	return &vehiclev1.DrainResponse{}, nil
}
