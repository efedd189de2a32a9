package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/host-demo/internal/bench"
)

// runBench measures the service, and returns the exit status.
func runBench(args []string, stdout, stderr io.Writer) int {
	switch {
	case slices.Equal(args, []string{"loop"}):
		return runPart(stderr, func(ctx context.Context) error { return bench.ServeLoop(ctx, os.Getenv) })
	case slices.Equal(args, []string{"cloud"}):
		return runPart(stderr, func(ctx context.Context) error { return bench.ServeCloud(ctx, os.Getenv, stdout) })
	case slices.Equal(args, bench.EchoArgs()[1:]):
		bench.ServeEcho()
		return 0
	}
	o := bench.Options{Progress: stderr, Mosquitto: bench.FindMosquitto()}
	var jsonFile string
	var embedded bool
	set := flag.NewFlagSet("host-demo bench", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.DurationVar(&o.Sustain, "sustain", time.Minute, "how long the stream of commands lasts")
	set.StringVar(&o.Only, "only", "", "measure only what has this in its name")
	set.StringVar(&jsonFile, "json", "", "write the report as JSON to this `file` as well")
	set.StringVar(&o.Profiles, "profiles", "", "write profiles of the service's processor time to this `directory`, for go tool pprof")
	set.BoolVar(&embedded, "embedded", false, "use the embedded broker, also if Mosquitto is installed")
	set.Usage = func() {
		_, _ = fmt.Fprint(stderr, "host-demo bench measures the service under load; see docs/performance.md.\n\n")
		set.PrintDefaults()
	}
	switch err := set.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil || set.NArg() > 0:
		return 2
	}
	if embedded {
		o.Mosquitto = ""
	}
	ctx, stop := untilStopped(0)
	defer stop()
	var err error
	if o.Program, err = os.Executable(); err != nil {
		_, _ = fmt.Fprintln(stderr, "host-demo:", err)
		return 1
	}
	report, err := bench.Run(ctx, o)
	err = errors.Join(err, report.Table(stdout))
	if jsonFile != "" {
		err = errors.Join(err, writeReport(report, jsonFile))
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "host-demo:", err)
		return 1
	}
	return 0
}

// runPart is a process that the bench has started.
func runPart(stderr io.Writer, serve func(context.Context) error) int {
	ctx, stop := untilStopped(0)
	defer stop()
	if err := serve(ctx); err != nil {
		_, _ = fmt.Fprintln(stderr, "host-demo:", err)
		return 1
	}
	return 0
}

func writeReport(report bench.Report, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(report.JSON(f), f.Close())
}
