//go:build unix

package main

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// watchRoles bring snapshots that nobody asked for.
func watchRoles() map[string]func() {
	serve := func(bring func(n int) *vehiclev1.VehicleData) func() {
		return (&behaviour{watch: func(stream grpc.ServerStreamingServer[vehiclev1.WatchResponse]) error {
			for n := 0; ; n++ {
				if err := stream.Send(&vehiclev1.WatchResponse{Data: bring(n)}); err != nil {
					return err
				}
			}
		}}).serve
	}
	return map[string]func(){
		// As fast as the connection takes them, large, of its own car and of others'.
		"floods-updates": serve(func(n int) *vehiclev1.VehicleData {
			d := snapshot([]string{car, fmt.Sprint("another", n)}[n%2])
			d.Vehicle.Name = proto.String(strings.Repeat("x", 100<<10))
			return d
		}),
		"false-updates": serve(func(int) *vehiclev1.VehicleData {
			d := snapshot(car)
			at := time.Now().AddDate(70, 0, 0).UnixMilli()
			d.Refresh.ObservedAt = &at
			return d
		}),
	}
}
