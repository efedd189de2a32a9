// Command host-demo is a small hub. Without settings it shows the whole system on
// embedded parts: an MQTT broker, a scripted cloud, the plugin as a subprocess.
// With credentials in the environment it is the real service.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
)

// flags of the command line.
type flags struct {
	runFor   time.Duration
	json     bool
	broker   string
	plugin   string
	state    string
	logLevel string
	http     string
	profiles bool
	demo     bool
	// acceptPlugin and release are what somebody decided after a look at the
	// plugin.
	acceptPlugin, release bool
	// record the vendor's traffic.
	record bool
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// exitFailure is the exit status for what failed, and exitUsage for a command line or
// settings that are not understood or not complete: another start changes nothing.
const exitFailure, exitUsage = 1, 2

// run returns the exit status, 0 for a clean end.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "cloud" {
		return runCloud(args[1:], stdout, stderr)
	}
	if len(args) > 0 && args[0] == "bench" {
		return runBench(args[1:], stdout, stderr)
	}
	f, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return exitUsage
	}
	s, err := configFrom(f, processEnvironment(), os.Geteuid())
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "host-demo:", err)
		return exitUsage
	}

	ctx, stop := untilStopped(f.runFor)
	defer stop()
	if err := serve(ctx, s, stdout, stderr); err != nil {
		_, _ = fmt.Fprintln(stderr, "host-demo:", err)
		return exitFailure
	}
	return 0
}

// untilStopped ends with the first signal, or after some time if it is given.
func untilStopped(runFor time.Duration) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if runFor <= 0 {
		return ctx, stop
	}
	ctx, cancel := context.WithTimeout(ctx, runFor)
	return ctx, func() {
		cancel()
		stop()
	}
}

func parseFlags(args []string, stderr io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("host-demo", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.DurationVar(&f.runFor, "for", 0, "stop after this time, for example 30s (default: run until Ctrl-C)")
	set.BoolVar(&f.demo, "demo", false, "show invented cars, on a scripted cloud and a broker of its own (default: if nothing is set)")
	set.BoolVar(&f.json, "json", false, "print events as JSON lines")
	set.StringVar(&f.broker, "broker", "", "URL of an MQTT broker, for example tcp://192.168.1.5:1883 (default: MQTT_BROKER_HOST, else an embedded broker)")
	set.StringVar(&f.plugin, "plugin", "", "path of the plugin (default: hyundai-plugin beside this program)")
	set.StringVar(&f.state, "state", "", "directory that keeps the session between starts (default with credentials: the user's state directory, for root "+settings.RootState+")")
	set.StringVar(&f.logLevel, "log-level", "", "debug, info, warn or error (default: LOG_LEVEL, else info with credentials, none without)")
	set.BoolVar(&f.record, "record", false, "record the vendor's traffic, without secrets, to files in the state directory; see docs/reporting.md (default: HYUNDAI_RECORD)")
	set.StringVar(&f.http, "http", "", "serve /metrics, /healthz and /readyz on PORT of this machine, or on HOST:PORT (default: off)")
	set.BoolVar(&f.profiles, "profiles", false, "serve /debug/pprof/ beside /metrics, for go tool pprof on this machine")
	set.BoolVar(&f.acceptPlugin, "accept-plugin", false, "trust the program that now lies at the plugin's path")
	set.BoolVar(&f.release, "release", false, "lift the quarantine that an earlier run has put the plugin into")
	set.Usage = func() {
		_, _ = fmt.Fprint(stderr, "host-demo runs hyundai-plugin between an MQTT broker and the vendor's cloud.\n"+
			"Its settings are in the environment, see README.md. If nothing is set it is a demo: it shows invented cars.\n"+
			"host-demo cloud runs that cloud alone, host-demo bench measures the service under load; see their -h.\n\n")
		set.PrintDefaults()
	}
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		_, _ = fmt.Fprintf(stderr, "host-demo: %q is not understood; see host-demo -h\n", set.Arg(0))
		return f, errors.New("arguments")
	}
	if f.plugin == "" {
		f.plugin = besideThisProgram("hyundai-plugin")
	}
	return f, nil
}

func besideThisProgram(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	exe, err := os.Executable()
	if err != nil {
		return name
	}
	return filepath.Join(filepath.Dir(exe), name)
}
