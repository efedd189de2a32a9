package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/cli"
	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/config"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// options of a command.
type options struct {
	config, account, state, mode, record, logLevel, listen string
	json, override, dryRun, history                        bool
}

// terminal is what a command meets of the world. A file that is no terminal gives no
// answers.
type terminal struct {
	env            config.Environment
	in             *os.File
	out, complaint io.Writer
}

// run runs a command for a person and returns the exit status.
func run(ctx context.Context, args []string, env config.Environment, stdin *os.File, stdout, stderr io.Writer) int {
	return cli.Run(ctx, commands(terminal{env, stdin, stdout, stderr}), args, stdout, stderr)
}

// commands for people.
func commands(t terminal) *cobra.Command {
	var o options
	root := &cobra.Command{
		Use:   "hyundai-plugin",
		Short: "The vehicle plugin for Hyundai, Kia and Genesis: a hub starts it; for people it has commands",
		Long: "hyundai-plugin is the vehicle plugin for Hyundai, Kia and Genesis. A hub starts it; for people it has commands.\n\n" +
			"The account is taken from the hub's file (hub.yaml), or from HYUNDAI_USERNAME, HYUNDAI_PASSWORD and HYUNDAI_BRAND, as by the\n" +
			"service; at a terminal login asks for what is not set.",
		Version: plugin.Version(),
		RunE: func(*cobra.Command, []string) error {
			return cli.UsageError{Err: errors.New("a command is missing; see --help")}
		},
	}
	all := root.PersistentFlags()
	all.StringVar(&o.config, "config", "", "path of the hub's file (default: HYUNDAI_CONFIG, else hub.yaml in ~/.config/hyundai-plugin or /etc/hyundai-plugin)")
	all.StringVar(&o.account, "account", "", "name of the account in the file, if there are several")
	all.StringVar(&o.state, "state", "", "the service's state, or the plugin's own directory in it (default: of a service run by this user)")
	all.StringVar(&o.record, "record", "", "record the vendor's traffic to this file, without secrets, ids and positions; see docs/traffic.md")
	all.StringVar(&o.logLevel, "log-level", "", "debug, info, warn or error, on stderr (default: none)")
	all.BoolVar(&o.json, "json", false, "print JSON")

	logIn := &cobra.Command{Use: "login", Short: "Log in, and store the session for the service", Args: cobra.NoArgs}
	logIn.RunE = func(c *cobra.Command, _ []string) error { return withSession(c.Context(), o, true, t, login) }
	list := &cobra.Command{Use: "vehicles", Short: "List the cars of the account", Args: cobra.NoArgs}
	list.RunE = func(c *cobra.Command, _ []string) error { return withSession(c.Context(), o, false, t, vehicles) }
	root.AddCommand(logIn, list, refreshCommand(&o, t), replayCommand(&o, t))
	return root
}

func refreshCommand(o *options, t terminal) *cobra.Command {
	c := &cobra.Command{
		Use: "refresh VEHICLE", Short: "Read a car, by its id or its name", Args: cobra.ExactArgs(1),
		Long: "refresh reads a car, by its id or its name. Mode cached reads the vendor's copy and never wakes the car, force wakes it, and\n" +
			"smart wakes it if the copy is too old.",
	}
	f := c.Flags()
	f.StringVar(&o.mode, "mode", "cached", "cached, smart or force (which wakes the car)")
	f.BoolVar(&o.override, "override", false, "wake the car in spite of the plugin's own limits; see docs/gate.md")
	f.BoolVar(&o.history, "history", false, "ask for driving history and trips as well, at most five more requests")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what it would do and cost, and do nothing")
	c.RunE = func(c *cobra.Command, args []string) error {
		if o.mode != "cached" && o.mode != "smart" && o.mode != "force" {
			return cli.UsageError{Err: fmt.Errorf("mode %q is not known: use cached, smart or force", o.mode)}
		}
		return withSession(c.Context(), *o, false, t, func(ctx context.Context, s *session, o options, w io.Writer) error {
			id, err := s.find(args[0])
			if err != nil {
				return err
			}
			return refresh(ctx, s, id, o, w)
		})
	}
	return c
}

func replayCommand(o *options, t terminal) *cobra.Command {
	c := &cobra.Command{Use: "replay FILE", Short: "Answer as a recording says, for whoever looks into a report", Args: cobra.ExactArgs(1)}
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8155", "address of this machine")
	c.RunE = func(c *cobra.Command, args []string) error { return replay(c.Context(), args[0], *o, t) }
	return c
}

// session is an engine on the service's own state.
type session struct {
	engine *sdk.Engine
	cars   []*vehiclev1.Vehicle
	// record of the traffic; nil for none.
	record *traffic.Recorder
}

// command of an account.
type command func(context.Context, *session, options, io.Writer) error

// find returns the id of a car, by its id or by a name that no other car has. What is
// neither is taken for an id.
func (s *session) find(idOrName string) (string, error) {
	var named []string
	for _, car := range s.cars {
		switch {
		case car.GetId() == idOrName:
			return idOrName, nil
		case strings.EqualFold(car.GetName(), idOrName), strings.EqualFold(car.GetModel(), idOrName):
			named = append(named, car.GetId())
		}
	}
	switch len(named) {
	case 0:
		return idOrName, nil
	case 1:
		return named[0], nil
	}
	return "", fmt.Errorf("several cars are called %q: use the id of one: %s", idOrName, strings.Join(named, ", "))
}

// withSession runs a command for an account. person says that somebody asked to be logged
// in, and may be asked for what is missing.
func withSession(ctx context.Context, o options, person bool, t terminal, do command) error {
	s, err := open(ctx, o, person, t)
	if err != nil {
		return err
	}
	defer s.close()
	return do(ctx, s, o, t.out)
}

// open logs in if that is needed. person says that somebody asked for just that.
func open(ctx context.Context, o options, person bool, t terminal) (*session, error) {
	account, state, err := accountFrom(ctx, o, person, t)
	if err != nil {
		return nil, err
	}
	redactor := &redact.Redactor{}
	log := slog.New(slog.DiscardHandler)
	if o.logLevel != "" {
		var level slog.Level
		if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
			return nil, fmt.Errorf("log level %q is not known: use debug, info, warn or error", o.logLevel)
		}
		log = slog.New(redactor.Handler(slog.NewTextHandler(t.complaint, &slog.HandlerOptions{Level: level})))
	}
	s, wiring := &session{}, plugin.Options{HistoryAtOnce: o.history}
	if o.record != "" { // as who gave the command
		if s.record, err = record(o.record, account, log); err != nil {
			return nil, err
		}
		wiring.Transport = s.record.Wrap
	}
	if err := become(state); err != nil {
		s.close()
		return nil, err
	}
	recall := sdk.RecallNever
	if o.dryRun {
		recall = sdk.RecallOnly // it does nothing, so it makes no call either
	}
	engine := sdk.NewEngine(plugin.New(wiring), sdk.Options{Logger: log, Redactor: redactor, Person: person, Recall: recall, NoSchedule: true})
	s.engine = engine
	if s.cars, err = engine.Initialize(ctx, shared.Config{Settings: account.JSON(), StateDir: state}); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// record begins a recording of the account's traffic.
func record(file string, account settings.Settings, log *slog.Logger) (*traffic.Recorder, error) {
	p, err := account.ResolveProfile()
	if err != nil {
		return nil, err
	}
	r, err := plugin.NewRecorder(traffic.RecorderOptions{File: file, Logger: log}, p, account.JSON())
	if err != nil {
		return nil, fmt.Errorf("--record: %w", err)
	}
	return r, nil
}

func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if s.engine != nil {
		_ = s.engine.Close(ctx) // the process ends anyway
	}
	if s.record != nil {
		_ = s.record.Close() // every line is written already
	}
}

// accountFrom reads the settings as the service does, and says where the service keeps the
// plugin's session.
func accountFrom(ctx context.Context, o options, person bool, t terminal) (account settings.Settings, state string, err error) {
	c, err := config.Load(config.Sources{File: o.config, Environment: t.env, UID: os.Geteuid()})
	if err != nil {
		return account, "", cli.UsageError{Err: err}
	}
	for _, note := range c.Notes {
		_, _ = fmt.Fprintln(t.complaint, "note:", note)
	}
	named, err := c.Account(o.account)
	if err != nil {
		return account, "", cli.UsageError{Err: err}
	}
	if named.Foreign != nil {
		return account, "", cli.UsageError{Err: fmt.Errorf("account %s is one of another make", named.Name)}
	}
	if person {
		if err := complete(ctx, &named.Own, t.in, t); err != nil {
			return account, "", err
		}
	}
	if err := named.Check(); err != nil {
		return account, "", cli.UsageError{Err: err}
	}
	state, err = stateOf(o, c, named.Name)
	return named.Own, state, err
}

// stateOf is the directory of an account's plugin: in the service's state, or what the
// command line says is it.
func stateOf(o options, c *config.Config, account string) (string, error) {
	if o.state == "" {
		state, err := c.StateDir()
		return filepath.Join(state, account), err
	}
	if info, err := os.Stat(filepath.Join(o.state, hubDir)); err == nil && info.IsDir() {
		return filepath.Join(o.state, account), nil
	}
	return o.state, nil
}

// hubDir is what the service calls its own directory in its state.
const hubDir = ".host"
