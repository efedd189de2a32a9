package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/settings"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

const usage = `Commands for people:
  hyundai-plugin login                       log in, and store the session for the service
  hyundai-plugin vehicles                    list the cars of the account
  hyundai-plugin refresh [--mode M] VEHICLE  read a car: cached, smart or force (which wakes it)
  hyundai-plugin replay FILE                 answer as a recording says, for whoever looks into a report

The account is taken from HYUNDAI_USERNAME, HYUNDAI_PASSWORD and HYUNDAI_BRAND, as by the service; at a terminal
login asks for what is not set. Flags:
  --state DIR     the service's state, or the plugin's own directory in it (default: of a service run by this user)
  --json          print JSON
  --override      of refresh: wake the car in spite of the plugin's own limits; see docs/gate.md
  --history       of refresh: ask for driving history and trips as well, at most five more requests
  --dry-run       of refresh: say what it would do and cost, and do nothing
  --record FILE   record the vendor's traffic, without secrets, ids and positions; see docs/traffic.md
  --listen ADDR   of replay: address of this machine (default 127.0.0.1:8155)
  --log-level L   debug, info, warn or error, on stderr (default: none)
`

// options of a command.
type options struct {
	state, mode, record, logLevel, listen string
	json, override, dryRun, history       bool
	args                                  []string
}

// terminal is what a command meets of the world. A file that is no terminal gives no
// answers.
type terminal struct {
	lookup         settings.Lookup
	in             *os.File
	out, complaint io.Writer
}

// run runs a command for a person and returns the exit status: 0, 1 for a
// failure, 2 for words that are not understood.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdin *os.File, stdout, stderr io.Writer) int {
	commands := map[string]struct {
		args int
		do   func(context.Context, options, terminal) error
	}{
		"login":    {0, asPerson(login)},
		"vehicles": {0, onAccount(vehicles)},
		"refresh":  {1, onAccount(refresh)},
		"replay":   {1, replay},
	}
	chosen, known := commands[args[0]]
	o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp) || slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]):
		_, _ = io.WriteString(stdout, usage)
		return 0
	case !known:
		_, _ = fmt.Fprintf(stderr, "hyundai-plugin: there is no command %q\n\n%s", args[0], usage)
		return 2
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "hyundai-plugin: %v\n\n%s", err, usage)
		return 2
	case len(o.args) != chosen.args:
		_, _ = fmt.Fprintf(stderr, "hyundai-plugin: %s takes %d argument(s) and got %d\n\n%s", args[0], chosen.args, len(o.args), usage)
		return 2
	}
	if err := chosen.do(ctx, o, terminal{lookup, stdin, stdout, stderr}); err != nil {
		_, _ = fmt.Fprintf(stderr, "hyundai-plugin: %v\n", err)
		if wait := shared.AsAPIError(err).Wait(); wait > 0 {
			_, _ = fmt.Fprintf(stderr, "Next try: in %s.\n", wait)
		}
		return 1
	}
	return 0
}

func parse(args []string) (options, error) {
	var o options
	set := flag.NewFlagSet("hyundai-plugin "+args[0], flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&o.state, "state", "", "")
	set.StringVar(&o.mode, "mode", "cached", "")
	set.StringVar(&o.record, "record", "", "")
	set.StringVar(&o.listen, "listen", "127.0.0.1:8155", "")
	set.StringVar(&o.logLevel, "log-level", "", "")
	set.BoolVar(&o.json, "json", false, "")
	set.BoolVar(&o.override, "override", false, "")
	set.BoolVar(&o.dryRun, "dry-run", false, "")
	set.BoolVar(&o.history, "history", false, "")
	err := set.Parse(args[1:])
	// Flags may stand behind the car, too.
	for err == nil && set.NArg() > 0 {
		o.args = append(o.args, set.Arg(0))
		err = set.Parse(set.Args()[1:])
	}
	if err == nil && o.mode != "cached" && o.mode != "smart" && o.mode != "force" {
		err = fmt.Errorf("mode %q is not known: use cached, smart or force", o.mode)
	}
	return o, err
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

// onAccount is a command for an account. asPerson is one of a person who asked to be
// logged in, and may be asked for what is missing.
func onAccount(do command) func(context.Context, options, terminal) error {
	return func(ctx context.Context, o options, t terminal) error {
		return withSession(ctx, o, false, t, do)
	}
}

func asPerson(do command) func(context.Context, options, terminal) error {
	return func(ctx context.Context, o options, t terminal) (err error) {
		if t.lookup, err = asking(ctx, t.lookup, t.in, t.complaint); err != nil {
			return err
		}
		return withSession(ctx, o, true, t, do)
	}
}

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
	account, state, err := settingsFrom(o, t.lookup)
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

// settingsFrom reads the environment as the service does, and says where the
// service keeps the plugin's session.
func settingsFrom(o options, env settings.Lookup) (account settings.Settings, state string, err error) {
	if account, err = settings.FromEnv(env); err != nil {
		return account, "", err
	}
	if account.Username == "" || account.Password == "" {
		return account, "", errors.New("HYUNDAI_USERNAME and HYUNDAI_PASSWORD are needed, and HYUNDAI_BRAND unless it is a Kia")
	}

	if o.state == "" {
		if state, err = settings.StateDir(env, os.Geteuid()); err != nil {
			return account, "", err
		}
		return account, filepath.Join(state, pluginDir), nil
	}
	if info, err := os.Stat(filepath.Join(o.state, hubDir)); err == nil && info.IsDir() {
		return account, filepath.Join(o.state, pluginDir), nil
	}
	return account, o.state, nil
}

// pluginDir is what the service calls the plugin's directory in its state, hubDir its
// own.
const pluginDir, hubDir = "hyundai", ".host"
