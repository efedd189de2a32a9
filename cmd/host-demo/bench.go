package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/host-demo/internal/bench"
)

// benchCommand measures the service. Its own commands are processes that it starts.
func benchCommand() *cobra.Command {
	var o bench.Options
	var jsonFile string
	var embedded bool
	c := &cobra.Command{Use: "bench", Short: "Measure the service under load; see docs/performance.md", Args: cobra.NoArgs}
	set := c.Flags()
	set.DurationVar(&o.Sustain, "sustain", time.Minute, "how long the stream of commands lasts")
	set.StringVar(&o.Only, "only", "", "measure only what has this in its name")
	set.StringVar(&jsonFile, "json", "", "write the report as JSON to this `file` as well")
	set.StringVar(&o.Profiles, "profiles", "", "write profiles of the service's processor time to this `directory`, for go tool pprof")
	set.BoolVar(&embedded, "embedded", false, "use the embedded broker, also if Mosquitto is installed")
	c.RunE = func(c *cobra.Command, _ []string) (err error) {
		if !embedded {
			o.Mosquitto = bench.FindMosquitto()
		}
		ctx, stop := untilStopped(c.Context(), 0)
		defer stop()
		o.Progress = c.ErrOrStderr()
		if o.Program, err = os.Executable(); err != nil {
			return err
		}
		report, err := bench.Run(ctx, o)
		err = errors.Join(err, report.Table(c.OutOrStdout()))
		if jsonFile != "" {
			err = errors.Join(err, writeReport(report, jsonFile))
		}
		return err
	}
	c.AddCommand(
		benchPart("loop", func(ctx context.Context, _ io.Writer) error { return bench.ServeLoop(ctx, os.Getenv) }),
		benchPart("cloud", func(ctx context.Context, stdout io.Writer) error { return bench.ServeCloud(ctx, os.Getenv, stdout) }),
		benchPart("echo", func(context.Context, io.Writer) error {
			bench.ServeEcho()
			return nil
		}),
	)
	return c
}

// benchPart is a process that the bench starts.
func benchPart(name string, serve func(context.Context, io.Writer) error) *cobra.Command {
	return &cobra.Command{Use: name, Hidden: true, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		ctx, stop := untilStopped(c.Context(), 0)
		defer stop()
		return serve(ctx, c.OutOrStdout())
	}}
}

func writeReport(report bench.Report, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(report.JSON(f), f.Close())
}
