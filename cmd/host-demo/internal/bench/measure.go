package bench

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Percentiles in milliseconds.
type Percentiles struct {
	Least float64 `json:"least"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

func percentiles(times []time.Duration) Percentiles {
	if len(times) == 0 {
		return Percentiles{}
	}
	slices.Sort(times)
	at := func(p float64) float64 {
		return float64(times[min(len(times)-1, int(p*float64(len(times))))].Microseconds()) / 1000
	}
	return Percentiles{Least: at(0), P50: at(.5), P90: at(.9), P99: at(.99), Max: at(1)}
}

// Process is what a process holds and has used.
type Process struct {
	// MemoryMiB it holds in RAM, its share of what others hold as well (PSS), and what it has
	// held at most so far (RSS); Goroutines now.
	MemoryMiB, PeakMiB float64
	Goroutines         int
	// CPU time used so far.
	CPU time.Duration
}

// processOf reads /proc; zeros where there is none.
func processOf(pid int) (p Process) {
	status := kilobytes(fmt.Sprintf("/proc/%d/status", pid))
	p.MemoryMiB, p.PeakMiB = status["VmRSS"]/1024, status["VmHWM"]/1024
	if share, ok := kilobytes(fmt.Sprintf("/proc/%d/smaps_rollup", pid))["Pss"]; ok {
		p.MemoryMiB = share / 1024
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p
	}
	// Behind the name, which may hold anything, field 3 is the first.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) > 12 {
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		p.CPU = time.Duration(user+system) * time.Second / clockTicks
	}
	return p
}

// kilobytes reads a file of /proc with a line such as "Key: 12 kB" for each figure; none if
// it is not there.
func kilobytes(path string) map[string]float64 {
	body, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	figures := map[string]float64{}
	for line := range strings.Lines(string(body)) {
		key, value, _ := strings.Cut(line, ":")
		if kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64); err == nil {
			figures[key] = kib
		}
	}
	return figures
}

// clockTicks a second: what Linux tells programs, whatever its own clock does.
const clockTicks = 100

// samples are those of the service's page by their text, name and labels.
type samples map[string]float64

func (r *rig) metrics(ctx context.Context) (samples, error) {
	body, err := get(ctx, r.http+"/metrics")
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	all := samples{}
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		name, value, found := strings.Cut(lines.Text(), "} ")
		if found {
			name += "}"
		} else {
			name, value, _ = strings.Cut(lines.Text(), " ")
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			all[name] = v
		}
	}
	return all, lines.Err()
}

// usage is what the service's two processes hold and have used.
type usage struct {
	hub, plugin Process
	metrics     samples
}

func (r *rig) usage(ctx context.Context) (u usage, err error) {
	if u.metrics, err = r.metrics(ctx); err != nil {
		return u, err
	}
	u.hub, u.plugin = processOf(r.hub.Process.Pid), processOf(childOf(r.hub.Process.Pid))
	u.hub.Goroutines = int(u.metrics["go_goroutines"])
	u.plugin.Goroutines = int(u.metrics[`vehicle_plugin_goroutines{plugin="hyundai"}`])
	return u, nil
}

// childOf is the process that another one has started; 0 if there is none.
func childOf(pid int) int {
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		if fields := strings.Fields(string(children)); len(fields) > 0 {
			child, _ := strconv.Atoi(fields[0])
			return child
		}
	}
	return 0
}

// loopDelay is how long the hub's MQTT client took for its own messages between two
// looks: the bound that 99 % and all of them kept to, in milliseconds.
func loopDelay(before, after samples) (p99, most float64) {
	const prefix = `vehicle_bridge_loop_delay_seconds_bucket{le="`
	type bucket struct{ bound, n float64 }
	var buckets []bucket
	for name, v := range after {
		text, found := strings.CutPrefix(name, prefix)
		if !found {
			continue
		}
		bound, err := strconv.ParseFloat(strings.TrimSuffix(text, `"}`), 64)
		if err != nil {
			continue
		}
		buckets = append(buckets, bucket{bound * 1000, v - before[name]})
	}
	slices.SortFunc(buckets, func(a, b bucket) int { return cmp.Compare(a.bound, b.bound) })
	if len(buckets) == 0 {
		return 0, 0
	}
	// What is under way, too: it may be the longest.
	waiting := after["vehicle_bridge_loop_delay_current_seconds"] * 1000
	total := buckets[len(buckets)-1].n
	if total == 0 {
		return waiting, waiting
	}
	for _, b := range buckets {
		if b.n >= .99*total && p99 == 0 {
			p99 = b.bound
		}
		if b.n >= total {
			return p99, max(b.bound, waiting)
		}
	}
	return p99, most
}
