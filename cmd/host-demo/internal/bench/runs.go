package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// burst gives n commands at once, each to another car.
func burst(n int, payload func(i int) string) func(context.Context, *Options, *rig, *load) (Result, error) {
	return func(ctx context.Context, _ *Options, r *rig, l *load) (Result, error) {
		begun := time.Now()
		commands := make([]*command, n)
		for i := range commands {
			commands[i] = l.give(r.ids[len(r.ids)-1-i], payload(i))
		}
		lost := wait(ctx, 3*time.Minute, commands)
		return outcome(commands, lost, time.Since(begun)), nil
	}
}

func cached(int) string { return "cached" }

// oneByOne gives n commands, each when the one before is answered.
func oneByOne(n int) func(context.Context, *Options, *rig, *load) (Result, error) {
	return func(ctx context.Context, _ *Options, r *rig, l *load) (Result, error) {
		begun, lost := time.Now(), 0
		var commands []*command
		for i := range n {
			c := l.give(r.ids[len(r.ids)-1-i], "cached")
			commands = append(commands, c)
			lost += wait(ctx, time.Minute, []*command{c})
		}
		return outcome(commands, lost, time.Since(begun)), nil
	}
}

// besideSleepers wakes cars that do not answer, and then reads others.
func besideSleepers(n, reads int) func(context.Context, *Options, *rig, *load) (Result, error) {
	return func(ctx context.Context, o *Options, r *rig, l *load) (Result, error) {
		var asleep []*command
		for i := range n {
			asleep = append(asleep, l.give(r.ids[i], "force"))
		}
		asleepAtOnce := min(n, r.workers)
		if r.loop {
			asleepAtOnce = 1
		}
		if err := r.asleep(ctx, asleepAtOnce); err != nil {
			return Result{}, err
		}
		result, err := oneByOne(reads)(ctx, o, r, l)
		result.Lost += wait(ctx, 3*time.Minute, asleep)
		result.Note = fmt.Sprintf("%d cars sit in forced reads of %s", n, r.forceDelay)
		return result, err
	}
}

// asleep waits until so many cars are being woken.
func (r *rig) asleep(ctx context.Context, n int) error {
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(20 * time.Millisecond) {
		switch wakes, err := r.cloud.wakes(ctx); {
		case err != nil:
			return err
		case wakes >= n:
			return nil
		}
	}
	return errors.New("the cars are not woken")
}

// stream gives commands at a steady pace, whether or not they are answered.
func stream(perSecond int, payload func(i int) string) func(context.Context, *Options, *rig, *load) (Result, error) {
	return func(ctx context.Context, o *Options, r *rig, l *load) (Result, error) {
		ticker := time.NewTicker(time.Second / time.Duration(perSecond))
		defer ticker.Stop()
		begun, skipped := time.Now(), 0
		var commands []*command
		var first usage
		for i := 0; time.Since(begun) < o.Sustain; i++ {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return Result{}, ctx.Err()
			}
			if first.metrics == nil && time.Since(begun) > min(time.Minute, o.Sustain/4) {
				var err error
				if first, err = r.usage(ctx); err != nil {
					return Result{}, err
				}
			}
			c := l.give(r.ids[i%len(r.ids)], payload(i))
			if c == nil {
				skipped++
				continue
			}
			commands = append(commands, c)
		}
		given := time.Since(begun)
		lost := wait(ctx, time.Minute, commands)
		result := outcome(commands, lost, given)
		last, err := r.usage(ctx)
		result.Note = fmt.Sprintf("memory %.0f → %.0f MiB, goroutines %d → %d of both processes, after %s and at the end",
			first.hub.MemoryMiB+first.plugin.MemoryMiB, last.hub.MemoryMiB+last.plugin.MemoryMiB,
			first.hub.Goroutines+first.plugin.Goroutines, last.hub.Goroutines+last.plugin.Goroutines, min(time.Minute, o.Sustain/4))
		if skipped > 0 {
			result.Note += fmt.Sprintf("; %d were not given because the car still had one", skipped)
		}
		return result, err
	}
}

// startUp starts the service, which reads every car once by itself.
func startUp(ctx context.Context, o *Options, r *rig, l *load) (Result, error) {
	begun := time.Now()
	commands := l.expect(r.ids)
	if err := r.startHub(ctx, o); err != nil {
		return Result{}, err
	}
	lost := wait(ctx, 2*time.Minute, commands)
	result := outcome(commands, lost, time.Since(begun))
	result.Note = fmt.Sprintf("the first after %.0f ms", result.Latency.Least)
	return result, nil
}

// mixed are commands of all modes.
func mixed(i int) string {
	return []string{"cached", "smart:3600", "cached", "smart:60", "force"}[i%5]
}

// failing is a script that refuses one in ten readings of a status.
func failing() string {
	return "steps:\n" + strings.Repeat("- {fault: refusal, code: \"9999\", path: /latest, after: 9}\n", 200)
}
