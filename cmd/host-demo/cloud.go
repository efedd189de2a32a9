package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hyundai-mqtt/hyundai-plugin/cmd/internal/cli"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic"
)

// cloudFlags of the command line that runs the scripted cloud alone.
type cloudFlags struct {
	listen  string
	brand   string
	cars    int
	scripts []string
	replay  string
	runFor  time.Duration
	options cloudsim.Options
}

// cloudCommand runs the scripted cloud for whoever writes a client, and prints a
// line for each call.
func cloudCommand() *cobra.Command {
	var f cloudFlags
	c := &cobra.Command{Use: "cloud", Short: "Run the scripted cloud alone, for anyone who writes a client", Args: cobra.NoArgs}
	set := c.Flags()
	set.StringVar(&f.listen, "listen", "127.0.0.1:8155", "address of this machine to listen on; port 0 takes a free one")
	set.StringVar(&f.brand, "brand", "", "hyundai, kia or genesis (default: that of the recording, else hyundai)")
	set.IntVar(&f.cars, "cars", 0, "this many parked cars instead of the two of the demo")
	set.StringArrayVar(&f.scripts, "script", nil, "play the fault script of a `file`; may be given more than once")
	set.StringVar(&f.replay, "replay", "", "answer with the recorded traffic of a `file`")
	set.Float64Var(&f.options.Rate, "rate", 1, "how much faster the cloud's clock runs; 0: it stands until it is moved")
	set.Float64Var(&f.options.Speed, "speed", 1, "how much faster the cars live than the clock")
	set.DurationVar(&f.options.Latency, "latency", 0, "added to each answer")
	set.DurationVar(&f.options.ForceDelay, "force-delay", 0, "how long a woken car takes to answer (default 2s)")
	set.DurationVar(&f.options.TokenLife, "token-life", 0, "how long a token of the vehicle API lives (default 24h)")
	set.IntVar(&f.options.Quota, "quota", 0, "calls of the vehicle API an account has a day (default unlimited)")
	set.DurationVar(&f.runFor, "for", 0, "stop after this time (default: run until Ctrl-C)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		switch {
		case f.cars < 0 || f.options.Quota < 0 || f.options.Rate < 0:
			return cli.UsageError{Err: errors.New("a number below zero makes no sense")}
		case f.options.Speed <= 0:
			return cli.UsageError{Err: errors.New("--speed must be more than 0")}
		}
		ctx, stop := untilStopped(c.Context(), f.runFor)
		defer stop()
		return serveCloud(ctx, f, c.OutOrStdout())
	}
	return c
}

// serveCloud runs the cloud until ctx ends.
func serveCloud(ctx context.Context, f cloudFlags, stdout io.Writer) error {
	account := cloudsim.DemoAccount()
	if f.replay != "" {
		replay, err := traffic.OpenReplay(f.replay)
		if err != nil {
			return err
		}
		f.options.Answers = replay
		account.Brand = cmp.Or(profile.Brand(replay.Header().Brand), account.Brand)
	}
	account.Brand = cmp.Or(profile.Brand(f.brand), account.Brand)
	if f.cars > 0 {
		account.Cars = cloudsim.Fleet(f.cars)
	}
	f.options.Accounts, f.options.Stepped = []cloudsim.Account{account}, f.options.Rate == 0
	out := &callLog{to: stdout}
	f.options.OnCall = out.call
	cloud, err := cloudsim.New(f.options)
	if err != nil {
		return err
	}
	for _, name := range f.scripts {
		if err := playFile(cloud, name); err != nil {
			return err
		}
	}
	if err := cloud.Start(f.listen); err != nil {
		return err
	}
	out.welcome(cloud.URL(), account, f.replay)
	<-ctx.Done()
	closing, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return cloud.Close(closing)
}

func playFile(cloud *cloudsim.Cloud, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	script, err := cloudsim.ParseScript(file)
	if err == nil {
		_, err = cloud.Play(script)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// callLog prints what the cloud does. Safe for concurrent use.
type callLog struct {
	mu sync.Mutex
	to io.Writer
}

// welcome tells how to reach the cloud and how to steer it.
func (l *callLog) welcome(url string, a cloudsim.Account, replay string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(l.to, format+"\n", args...) }
	if replay != "" {
		p("Scripted cloud at %s, with the answers of %s", url, replay)
	} else {
		p("Scripted cloud at %s, an account of %s with %d cars:", url, a.Brand, len(a.Cars))
		for i, car := range a.Cars {
			if i == 10 {
				p("  … and %d more", len(a.Cars)-i)
				break
			}
			dialect := "CCS1"
			if car.CCS2 {
				dialect = "CCS2"
			}
			p("  %s  %s  %s", car.ID, dialect, car.Name)
		}
	}
	p("\n%s", a.Environment(url))
	p("To let the next read hang, and to see how everything stands:\n"+
		"  curl -d '{\"steps\":[{\"fault\":\"hang\",\"on\":\"read\"}]}' %[1]s/_cloud/scripts\n"+
		"  curl %[1]s/_cloud/\n", url)
}

// call prints one line.
func (l *callLog) call(c cloudsim.Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintln(l.to, c)
}
