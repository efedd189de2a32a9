//go:build unix

package main

import (
	"fmt"
	"strings"

	"google.golang.org/grpc"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// healthRoles misuse the health stream.
func healthRoles() map[string]func() {
	type stream = grpc.ServerStreamingServer[vehiclev1.WatchHealthResponse]
	serve := func(f func(stream) error) func() { return (&behaviour{health: f}).serve }
	return map[string]func(){
		"silent-health": serve(func(s stream) error { <-s.Context().Done(); return nil }),
		"ending-health": serve(func(stream) error { return nil }),
		// As fast as the connection takes it, each time the other way.
		"flapping-health": serve(func(s stream) error {
			for n := 0; ; n++ {
				h := &vehiclev1.Health{
					State: vehiclev1.HealthState(n % 7), Reason: strings.Repeat("r", 100_000),
					Sentence: strings.Repeat("é", 100_000), Counters: map[string]int64{},
				}
				for c := range 5000 {
					h.Counters[fmt.Sprintf("counter %d of %d", c, n)] = int64(c)
				}
				if err := s.Send(&vehiclev1.WatchHealthResponse{Health: h}); err != nil {
					return err
				}
			}
		}),
		"stuck-workers": serve(func(s stream) error {
			err := s.Send(&vehiclev1.WatchHealthResponse{Health: &vehiclev1.Health{
				State: vehiclev1.HealthState_HEALTH_STATE_READY, Gauges: map[string]int64{"workers": 32, "workers_stuck": 32},
			}})
			<-s.Context().Done()
			return err
		}),
		"empty-health": serve(func(s stream) error {
			err := s.Send(&vehiclev1.WatchHealthResponse{})
			<-s.Context().Done()
			return err
		}),
	}
}
