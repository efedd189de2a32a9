//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// startRoles misbehave before they are ready, or behave well.
func startRoles() map[string]func() {
	return map[string]func(){
		"good":          (&behaviour{}).serve,
		"no-handshake":  rest,
		"exits":         func() { fmt.Fprintln(os.Stderr, "no license found"); os.Exit(3) },
		"other-version": (&behaviour{version: 99}).serve,
		// A handshake that leads nowhere.
		"false-handshake": func() { fmt.Println("1|1|unix|/nonexistent/socket|grpc|"); rest() },
		// One that leads to a file that is not the plugin's to name.
		"handshake-elsewhere": func() { fmt.Println("1|1|tcp|127.0.0.1:9|grpc|"); rest() },
		"freezes-at-start":    func() { freeze(); rest() },
		"exits-in-initialize": (&behaviour{initialize: func(*vehiclev1.InitializeRequest) (*vehiclev1.InitializeResponse, error) {
			os.Exit(0)
			return nil, nil
		}}).serve,
		"hangs-in-initialize": (&behaviour{initialize: func(*vehiclev1.InitializeRequest) (*vehiclev1.InitializeResponse, error) {
			rest()
			return nil, nil
		}}).serve,
		"refuses-settings": (&behaviour{initialize: func(*vehiclev1.InitializeRequest) (*vehiclev1.InitializeResponse, error) {
			return nil, shared.ToStatus(shared.Errorf(shared.ReasonConfigInvalid, "Not these."))
		}}).serve,
		"many-cars": (&behaviour{initialize: manyCars}).serve,
	}
}

func manyCars(*vehiclev1.InitializeRequest) (*vehiclev1.InitializeResponse, error) {
	out := &vehiclev1.InitializeResponse{}
	for n := range 20_000 {
		out.Vehicles = append(out.Vehicles, &vehiclev1.Vehicle{Id: fmt.Sprintf("car%d", n), Name: proto.String("\x00\x1b[2J")})
	}
	return out, nil
}

// rest does nothing for ever.
func rest() {
	for {
		time.Sleep(time.Hour)
	}
}

// freeze stops this process as Ctrl-Z or a debugger would, and cannot be refused.
func freeze() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) }
