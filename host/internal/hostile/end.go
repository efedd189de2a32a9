//go:build unix

package main

import (
	"context"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// endRoles end when they should not, or do not when they should.
func endRoles() map[string]func() {
	return map[string]func(){
		"freezes-in-stop": (&behaviour{drain: func() { freeze(); rest() }}).serve,
		"hangs-in-drain":  (&behaviour{drain: rest}).serve,
		"ignores-signals": func() {
			signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
			(&behaviour{drain: rest}).serve()
			rest()
		},
		"panics-in-goroutine": (&behaviour{initialize: func(*vehiclev1.InitializeRequest) (*vehiclev1.InitializeResponse, error) {
			time.AfterFunc(50*time.Millisecond, func() { panic("in the background") })
			return &vehiclev1.InitializeResponse{}, nil
		}}).serve,
		"crashes-always": func() {
			go func() {
				time.Sleep(10 * time.Millisecond)
				panic("as always")
			}()
			(&behaviour{}).serve()
		},
		"closes-its-socket": closing,
	}
}

// closing answers once, closes its socket and lives on.
func closing() {
	var server *grpc.Server
	var once sync.Once
	b := &behaviour{server: func(s *grpc.Server) { server = s }}
	b.cached = func(_ context.Context, id string) (*vehiclev1.VehicleData, error) {
		once.Do(func() { time.AfterFunc(20*time.Millisecond, server.Stop) })
		return snapshot(id), nil
	}
	b.serve()
	rest()
}
