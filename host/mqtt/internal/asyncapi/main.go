// Command asyncapi writes docs/asyncapi.yaml, the topics of the bridge for programs, from
// the channels and the types of package mqtt. It runs in the module's root.
package main

import (
	"fmt"
	"os"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
)

func main() {
	if err := write("docs/asyncapi.yaml"); err != nil {
		fmt.Fprintln(os.Stderr, "asyncapi:", err)
		os.Exit(1)
	}
}

func write(file string) error {
	c, err := readComments("host/internal/lifecycle", "host/internal/run", "host/mqtt")
	if err != nil {
		return err
	}
	d, err := documentOf(mqtt.Channels(), c)
	if err != nil {
		return err
	}
	text, err := d.yaml()
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644) //nolint:gosec // documents are for everybody
}
