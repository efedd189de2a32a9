package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report of a run.
type Report struct {
	// Time, and what it was measured on.
	Time       time.Time `json:"time"`
	Machine    string    `json:"machine"`
	Processors int       `json:"processors"`
	Go         string    `json:"go"`
	Broker     string    `json:"broker"`
	Results    []Result  `json:"results"`
	// RoundTrip is the way to the plugin and back beside go-plugin's own; nil if it
	// was not measured.
	RoundTrip *RoundTrip `json:"round_trip,omitempty"`
}

// Run measures everything. It returns what it has, also if something failed.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Sustain <= 0 {
		o.Sustain = time.Minute
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	report := Report{Time: time.Now(), Machine: runtime.GOOS + "/" + runtime.GOARCH, Processors: runtime.NumCPU(), Go: runtime.Version(), Broker: "embedded"}
	if o.Mosquitto != "" {
		report.Broker = "Mosquitto"
	}
	var all []error
	results := map[string]Result{}
	for _, s := range selected(scenarios(), o.Only) {
		if ctx.Err() != nil {
			break
		}
		_, _ = fmt.Fprintln(o.Progress, "measuring:", s.name)
		result, err := o.measured(ctx, s)
		if err != nil {
			all = append(all, err)
		}
		if result.Commands > 0 {
			s.judge(&result, results[s.against])
			results[s.name] = result
			report.Results = append(report.Results, result)
		}
	}
	measured := func(name string) bool {
		if !strings.Contains(name, o.Only) || ctx.Err() != nil {
			return false
		}
		_, _ = fmt.Fprintln(o.Progress, "measuring:", name)
		return true
	}
	if measured("round trip") {
		trip, err := o.roundTrip(ctx)
		report.RoundTrip, all = &trip, append(all, err)
	}
	if len(report.Results) == 0 && report.RoundTrip == nil && len(all) == 0 {
		all = append(all, fmt.Errorf("nothing has %q in its name", o.Only))
	}
	return report, errors.Join(append(all, ctx.Err())...)
}

// selected are the scenarios whose names hold a word, and those that they are measured
// against.
func selected(all []scenario, only string) []scenario {
	wanted := map[string]bool{}
	for _, s := range all {
		if strings.Contains(s.name, only) {
			wanted[s.name], wanted[s.against] = true, true
		}
	}
	return slices.DeleteFunc(all, func(s scenario) bool { return !wanted[s.name] })
}

// Table writes the report for people.
func (r Report) Table(w io.Writer) error {
	_, _ = fmt.Fprintf(w, "%s, %d processors, %s, broker %s\n\n", r.Machine, r.Processors, r.Go, r.Broker)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "commands\tlost\tfailed\ts\tper s\tp50 ms\tp90\tp99\tmax\tloop ms\tMiB\tgoroutines\tCPU s/1000\t  \tscenario\t")
	for i := range r.Results {
		x, mark := &r.Results[i], ""
		if x.Target != "" {
			mark = verdict(x.Met)
		}
		_, _ = fmt.Fprintf(t, "%d\t%d\t%d\t%.2f\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.4g\t%.0f\t%d\t%.2f\t%s\t%s\t\n", x.Commands, x.Lost, sum(x.Failed), x.Seconds,
			x.PerSecond, x.Latency.P50, x.Latency.P90, x.Latency.P99, x.Latency.Max, x.LoopMax, x.memory(),
			x.Hub.Goroutines+x.Plugin.Goroutines, x.CPUPer1000, mark, x.Name)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, x := range r.Results {
		if x.Target != "" {
			_, _ = fmt.Fprintf(w, "\n%s: target %s", x.Name, x.Target)
		}
		if x.Note != "" {
			_, _ = fmt.Fprintf(w, "\n%s: %s", x.Name, x.Note)
		}
	}
	if t := r.RoundTrip; t != nil {
		_, _ = fmt.Fprintf(w, "\nround trip to the plugin: p50 %.3f, p99 %.3f ms; through plain go-plugin: p50 %.3f, p99 %.3f ms; ratio %.2f, target 1.3 (%s)",
			t.Host.P50, t.Host.P99, t.GoPlugin.P50, t.GoPlugin.P99, t.Ratio, verdict(t.Ratio <= 1.3))
	}
	_, err := fmt.Fprintln(w)
	return err
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

// JSON writes the report for programs.
func (r Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
