package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// Options of Run.
type Options struct {
	// Program is the service, with the plugin beside it.
	Program string
	// Mosquitto is the path of that broker; empty: the embedded one.
	Mosquitto string
	// Sustain is how long the stream of commands lasts. Default one minute.
	Sustain time.Duration
	// Only runs scenarios whose names hold it.
	Only string
	// Profiles is a directory for profiles of the service; empty: none are made.
	Profiles string
	// Progress gets a line for each scenario that begins. Default: nobody.
	Progress io.Writer
}

// FindMosquitto is the path of Mosquitto, if it is installed.
func FindMosquitto() string {
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Result of a scenario.
type Result struct {
	Name     string  `json:"name"`
	Commands int     `json:"commands"`
	Lost     int     `json:"lost"`
	Seconds  float64 `json:"seconds"`
	// Failed commands by reason: answered, with an error.
	Failed    map[string]int `json:"failed,omitempty"`
	PerSecond float64        `json:"per_second"`
	// Latency from the publishing of a command to its answer, milliseconds.
	Latency Percentiles `json:"latency_ms"`
	// Loop is the bound below which 99 % of the client's own messages came back,
	// LoopMax all of them, milliseconds.
	Loop    float64 `json:"loop_p99_ms"`
	LoopMax float64 `json:"loop_max_ms"`
	// Hub and Plugin at the end; CPU is of this scenario alone.
	Hub    Process `json:"hub"`
	Plugin Process `json:"plugin"`
	// CPUPer1000 is both processes' CPU time per thousand commands, seconds.
	CPUPer1000 float64 `json:"cpu_per_1000_s"`
	// Target in words, and whether it was met; empty: none.
	Target string `json:"target,omitempty"`
	Met    bool   `json:"met"`
	// Note says what else there is to know.
	Note string `json:"note,omitempty"`
}

// memory of both processes, MiB.
func (r *Result) memory() float64 { return r.Hub.MemoryMiB + r.Plugin.MemoryMiB }

// scenario is something to measure.
type scenario struct {
	name  string
	world world
	// warm comes before what is measured; nil: nothing does.
	warm, run func(context.Context, *Options, *rig, *load) (Result, error)
	// target in words, met whether it was; nil: there is none, and the figures are there
	// to be compared. against is the scenario whose result the target is about, in the
	// same run; it stands before.
	target  string
	met     func(r, against Result) bool
	against string
}

// judge says whether a scenario has met its target.
func (s scenario) judge(r *Result, against Result) {
	if s.met != nil && (s.against == "" || against.Commands > 0) {
		r.Target = s.target
		r.Met = r.Lost == 0 && len(r.Failed) == 0 && s.met(*r, against)
	}
}

// measured runs a scenario in a world of its own.
func (o *Options) measured(ctx context.Context, s scenario) (result Result, err error) {
	r, err := o.start(ctx, s.world)
	if err != nil {
		return result, fmt.Errorf("%s: %w", s.name, err)
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	l, err := connect(r.broker.url)
	if err != nil {
		return result, err
	}
	defer l.close()
	var before usage
	if !r.initial {
		// Something that everything warms up with.
		if wait(ctx, 10*time.Second, []*command{l.give(r.ids[0], "nonsense")}) > 0 {
			return result, fmt.Errorf("%s: the service does not answer", s.name)
		}
		if s.warm != nil {
			if _, err := s.warm(ctx, o, r, l); err != nil {
				return result, fmt.Errorf("%s: %w", s.name, err)
			}
		}
		if before, err = r.usage(ctx); err != nil {
			return result, err
		}
	}
	profile := o.profile(ctx, r, s.name)
	result, err = s.run(ctx, o, r, l)
	if err = errors.Join(err, profile()); err != nil {
		return result, fmt.Errorf("%s: %w", s.name, err)
	}
	after, err := r.usage(ctx)
	if err != nil {
		return result, err
	}
	result.Name = s.name
	result.Hub, result.Plugin = after.hub, after.plugin
	result.Hub.CPU -= before.hub.CPU
	result.Plugin.CPU -= before.plugin.CPU
	result.CPUPer1000 = (result.Hub.CPU + result.Plugin.CPU).Seconds() * 1000 / float64(max(1, result.Commands))
	result.Loop, result.LoopMax = loopDelay(before.metrics, after.metrics)
	return result, errLost(result)
}
