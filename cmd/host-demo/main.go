// Command host-demo is a small hub. Without settings it shows the whole system on
// embedded parts: an MQTT broker, a scripted cloud, the plugin as a subprocess.
// With an account in its settings it is the real service.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/cli"
	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/config"
	"github.com/hyundai-mqtt/hyundai-plugin/host"
)

func main() {
	if status, first := firstProcess(os.Getpid()); first {
		os.Exit(status)
	}
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

// run returns the exit status, 0 for a clean end. The first argument is the program's name.
func run(args []string, stdout, stderr io.Writer) int {
	name := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	return cli.Run(context.Background(), rootCommand(name), args[1:], stdout, stderr)
}

// options of a run that are no settings.
type options struct {
	runFor     time.Duration
	json, demo bool
	// acceptPlugin and release are what somebody decided after a look at the
	// plugin.
	acceptPlugin, release bool
	// name and settings of a plugin of another make that is run alone.
	name, settings string
}

// rootCommand is the service itself; beside it stand the other commands.
func rootCommand(name string) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   name,
		Short: "Runs hyundai-plugin between an MQTT broker and the vendor's cloud",
		Long: name + " runs hyundai-plugin between an MQTT broker and the vendor's cloud.\n\n" +
			"Its settings are in a file (hub.yaml) or in the environment: " + name + " config list names them all.\n" +
			"If nothing is set it is a demo: it shows invented cars.",
		Version: host.Version(),
	}
	c.PersistentFlags().String("config", "", "path of the file with the settings (default: HYUNDAI_CONFIG, else hub.yaml in ~/.config/hyundai-plugin or /etc/hyundai-plugin)")
	f := c.Flags()
	f.DurationVar(&o.runFor, "for", 0, "stop after this time, for example 30s (default: run until Ctrl-C)")
	f.BoolVar(&o.demo, "demo", false, "show invented cars, on a scripted cloud and a broker of its own (default: if nothing is set)")
	f.BoolVar(&o.json, "json", false, "print events as JSON lines")
	f.BoolVar(&o.acceptPlugin, "accept-plugin", false, "trust the program that now lies at the plugin's path")
	f.BoolVar(&o.release, "release", false, "lift the quarantine that an earlier run has put the plugin into")
	f.StringVar(&o.name, "name", "", "run only the plugin of this name, of another make: --plugin says where it is")
	f.StringVar(&o.settings, "settings", "", "with --name: file with that plugin's settings, in YAML or JSON")
	settingFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		s, err := setupFrom(o, sources(c, o))
		if err != nil {
			return cli.UsageError{Err: err}
		}
		ctx, stop := untilStopped(c.Context(), o.runFor)
		defer stop()
		return serve(ctx, s, c.OutOrStdout(), c.ErrOrStderr())
	}
	c.AddCommand(cloudCommand(), benchCommand(), configCommand(), initCommand())
	return c
}

// settingFlags adds a flag for each setting that has one.
func settingFlags(c *cobra.Command) {
	for _, s := range config.Settings() {
		help := s.Help
		if !strings.HasPrefix(help, "URL") {
			help = strings.ToLower(help[:1]) + help[1:]
		}
		if s.Default != "" && !s.IsSwitch() {
			help += " (default: " + s.Default + ")"
		}
		switch {
		case s.Flag == "":
		case s.IsSwitch():
			c.Flags().Bool(s.Flag, false, help)
		default:
			c.Flags().String(s.Flag, "", help)
		}
	}
}

// sources are where this run's settings are looked for.
func sources(c *cobra.Command, o options) config.Sources {
	file, _ := c.Flags().GetString("config") // it is a flag of every command's
	flags := map[string]string{}             // those of settings, and others that no setting is called by
	c.Flags().Visit(func(f *pflag.Flag) { flags[f.Name] = f.Value.String() })
	return config.Sources{
		File: file, NoFile: o.demo && file == "", Environment: config.ProcessEnvironment(), Flags: flags, UID: os.Geteuid(),
		Foreign: o.name, ForeignSettings: o.settings,
	}
}

// untilStopped ends with the first signal, or after some time if it is given.
func untilStopped(ctx context.Context, runFor time.Duration) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	if runFor <= 0 {
		return ctx, stop
	}
	ctx, cancel := context.WithTimeout(ctx, runFor)
	return ctx, func() {
		cancel()
		stop()
	}
}

func besideThisProgram(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	exe, err := os.Executable()
	if err != nil {
		return name
	}
	if target, err := filepath.EvalSymlinks(exe); err == nil {
		exe = target
	}
	return filepath.Join(filepath.Dir(exe), name)
}
