// Command hyundai-plugin is the vehicle plugin for Hyundai, Kia and Genesis. A
// hub starts it; by itself it only says so.
package main

import (
	"fmt"
	"os"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
)

func main() {
	if err := sdk.Serve(plugin.Plugin()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
