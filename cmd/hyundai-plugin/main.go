// Command hyundai-plugin is the vehicle plugin for Hyundai, Kia and Genesis. A
// hub starts it; for people it has the commands login, vehicles, refresh and replay.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/config"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
)

func main() {
	if len(os.Args) > 1 {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		status := run(ctx, os.Args[1:], config.ProcessEnvironment(), os.Stdin, os.Stdout, os.Stderr)
		stop()
		os.Exit(status)
	}
	if err := sdk.Serve(plugin.Plugin()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, sdk.ErrNotAPlugin) {
			fmt.Fprintln(os.Stderr, "For people: hyundai-plugin --help")
		}
		os.Exit(1)
	}
}
