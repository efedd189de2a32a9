//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

type read = func(ctx context.Context, id string) (*vehiclev1.VehicleData, error)

// callRoles misbehave in a call.
func callRoles() map[string]func() {
	serve := func(f read) func() { return (&behaviour{cached: f}).serve }
	return map[string]func(){
		"huge-reply": serve(func(_ context.Context, id string) (*vehiclev1.VehicleData, error) {
			data := snapshot(id)
			data.Vehicle.Name = proto.String(strings.Repeat("x", 256<<20))
			return data, nil
		}),
		"too-many-cars": (&behaviour{
			initialize: func(*vehiclev1.InitializeRequest) (*vehiclev1.InitializeResponse, error) {
				list := []*vehiclev1.Vehicle{{Id: car}}
				for i := range 100_000 {
					list = append(list, &vehiclev1.Vehicle{Id: strconv.Itoa(i)})
				}
				return &vehiclev1.InitializeResponse{Vehicles: list}, nil
			},
		}).serve,
		"invalid-utf8": (&behaviour{
			cached: func(_ context.Context, id string) (*vehiclev1.VehicleData, error) {
				data := snapshot(id)
				data.Vehicle.Name = proto.String("REPLACED")
				return data, nil
			},
			codec: newCorrupter("REPLACED", "\xff\xfe\xfd\xfc\x80\x81\x82\x83"),
		}).serve,
		"broken-protobuf": (&behaviour{
			cached: func(_ context.Context, id string) (*vehiclev1.VehicleData, error) {
				data := snapshot(id)
				data.Vehicle.Name = proto.String("REPLACED")
				return data, nil
			},
			codec: newCorrupter("REPLACED", "REPLACED AND LONGER"),
		}).serve,
		"unknown-enum": serve(func(_ context.Context, id string) (*vehiclev1.VehicleData, error) {
			data := snapshot(id)
			data.Refresh.Verdict = vehiclev1.Verdict(999).Enum()
			data.Refresh.Source = vehiclev1.Source(-7).Enum()
			return data, nil
		}),
		"missing-parts": serve(func(context.Context, string) (*vehiclev1.VehicleData, error) { return nil, nil }),
		"no-metadata": serve(func(_ context.Context, id string) (*vehiclev1.VehicleData, error) {
			return &vehiclev1.VehicleData{Vehicle: &vehiclev1.Vehicle{Id: id}}, nil
		}),
		"other-car":       serve(func(context.Context, string) (*vehiclev1.VehicleData, error) { return snapshot("another"), nil }),
		"panics":          serve(func(context.Context, string) (*vehiclev1.VehicleData, error) { panic("no map for this car") }),
		"exits-cleanly":   serve(func(context.Context, string) (*vehiclev1.VehicleData, error) { os.Exit(0); return nil, nil }),
		"freezes-in-call": serve(func(context.Context, string) (*vehiclev1.VehicleData, error) { freeze(); rest(); return nil, nil }),
		"never-answers":   serve(func(context.Context, string) (*vehiclev1.VehicleData, error) { rest(); return nil, nil }),
		"error-storm":     serve(storm()),
		"says-unavailable": serve(func(context.Context, string) (*vehiclev1.VehicleData, error) {
			return nil, status.Error(codes.Unavailable, "my word")
		}),
		"says-draining": serve(func(context.Context, string) (*vehiclev1.VehicleData, error) {
			return nil, shared.ToStatus(shared.NewError(shared.ReasonDraining))
		}),
		"tells-secrets": func() {
			var settings atomic.Value
			settings.Store("")
			b := &behaviour{
				initialize: func(req *vehiclev1.InitializeRequest) (*vehiclev1.InitializeResponse, error) {
					settings.Store(req.GetSettingsJson())
					fmt.Fprintln(os.Stderr, "settings are "+req.GetSettingsJson())
					return &vehiclev1.InitializeResponse{Vehicles: []*vehiclev1.Vehicle{{Id: car}}}, nil
				},
				health: func(stream grpc.ServerStreamingServer[vehiclev1.WatchHealthResponse]) error {
					for stream.Context().Err() == nil {
						secret := fmt.Sprint(settings.Load())
						if err := stream.Send(&vehiclev1.WatchHealthResponse{Health: &vehiclev1.Health{
							State: vehiclev1.HealthState_HEALTH_STATE_DEGRADED, Reason: secret, Sentence: secret, Breaker: secret,
							Counters: map[string]int64{secret: 1},
						}}); err != nil {
							return err
						}
						time.Sleep(10 * time.Millisecond)
					}
					return nil
				},
			}
			b.cached = func(context.Context, string) (*vehiclev1.VehicleData, error) {
				secret := fmt.Sprint(settings.Load())
				fmt.Fprintln(os.Stderr, "panic: "+secret)
				go func() {
					time.Sleep(100 * time.Millisecond)
					panic(secret)
				}()
				return nil, shared.ToStatus(shared.Errorf(shared.ReasonAuthFailed, "%s", secret))
			}
			b.serve()
		},
	}
}

func farOff(_ context.Context, id string) (*vehiclev1.VehicleData, error) {
	data := snapshot(id)
	at := time.Now().AddDate(70, 0, 0).UnixMilli()
	data.Refresh.ObservedAt, data.Refresh.PolledAt = &at, &at
	return data, nil
}

// storm answers with every error there is, in turn.
func storm() read {
	var n atomic.Int64
	return func(context.Context, string) (*vehiclev1.VehicleData, error) {
		code := n.Add(1) % 18 // 17 codes, and one that does not exist
		switch n.Load() % 3 {
		case 0:
			return nil, errors.New(strings.Repeat("words ", 1000))
		case 1:
			return nil, shared.ToStatus(shared.Errorf(shared.Reason(fmt.Sprint("made_up_", code)), "made up"))
		}
		return nil, status.Error(codes.Code(code), "storm")
	}
}
