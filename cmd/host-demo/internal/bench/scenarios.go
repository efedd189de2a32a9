package bench

import "time"

// The yardsticks that others are measured against.
const (
	publishOneByOne = "publish only: one after the other"
	publishAtOnce   = "publish only: 1000 at once"
)

// scenarios are what is measured, each yardstick before what is measured against it.
func scenarios() []scenario {
	const fewCars = "one after the other, vendor 0 ms"
	return []scenario{
		// What a service could do that did nothing but publish.
		{name: publishOneByOne, world: world{cars: 600, loop: true, publishOnly: true}, run: oneByOne(500)},
		{name: publishAtOnce, world: world{cars: 1000, loop: true, publishOnly: true}, run: burst(1000, cached)},

		{
			name: "start to first car", world: world{cars: 1, initial: true}, run: startUp,
			target: "≤ 0.3 s, ≤ 40 MiB", met: func(r, _ Result) bool { return r.Latency.Max <= 300 && r.memory() <= 40 },
		},
		{
			name: "start to 200 cars, vendor 50 ms", world: world{cars: 200, workers: 32, vendor: 50 * time.Millisecond, initial: true}, run: startUp,
			target: "≤ 1 s", met: func(r, _ Result) bool { return r.Latency.Max <= 1000 },
		},
		{
			name: "start to 10000 cars", world: world{cars: 10000, workers: 32, initial: true}, run: startUp,
			target: "all ≤ 40 s, the first ≤ 1 s", met: func(r, _ Result) bool { return r.Latency.Max <= 40_000 && r.Latency.Least <= 1000 },
		},
		{
			name: fewCars, world: world{cars: 600, workers: 32}, run: oneByOne(500),
			target: "p50 ≤ 2.5 ms and p99 ≤ 8 ms over publish only", against: publishOneByOne,
			met: func(r, yard Result) bool {
				return r.Latency.P50 <= yard.Latency.P50+2.5 && r.Latency.P99 <= yard.Latency.P99+8
			},
		},
		{
			name: "one after the other, 10000 cars", world: world{cars: 10000, workers: 32}, run: oneByOne(500),
			target: "CPU ≤ 1.2 × that with 600 cars", against: fewCars, met: func(r, yard Result) bool { return r.CPUPer1000 <= 1.2*yard.CPUPer1000 },
		},
		{name: "one after the other, vendor 50 ms", world: world{cars: 100, workers: 32, vendor: 50 * time.Millisecond}, run: oneByOne(60)},
		{name: "one after the other, vendor 1000 ms", world: world{cars: 20, workers: 32, vendor: time.Second}, run: oneByOne(8)},
		{name: "10 at once, vendor 0 ms", world: world{cars: 10, workers: 32}, run: burst(10, cached)},
		{name: "50 at once, vendor 0 ms", world: world{cars: 50, workers: 32}, run: burst(50, cached)},
		{name: "200 at once, vendor 0 ms", world: world{cars: 200, workers: 32}, run: burst(200, cached)},
		{name: "200 at once, vendor 50 ms", world: world{cars: 200, workers: 32, vendor: 50 * time.Millisecond}, run: burst(200, cached)},
		{
			name: "1000 at once, vendor 0 ms", world: world{cars: 1000, workers: 32}, run: burst(1000, cached),
			target: "≥ 0.8 × and CPU ≤ 1.5 × publish only, loop ≤ 10 ms, peak ≤ 120 MiB", against: publishAtOnce,
			met: func(r, yard Result) bool {
				return r.PerSecond >= .8*yard.PerSecond && r.CPUPer1000 <= 1.5*yard.CPUPer1000 && r.LoopMax <= 10 && r.Hub.PeakMiB+r.Plugin.PeakMiB <= 120
			},
		},
		{
			// A car that was read some seconds ago is answered from memory.
			name: "500 at once, nothing new", world: world{cars: 500, workers: 32}, warm: burst(500, cached), run: burst(500, cached),
			target: "≥ 1000/s", met: func(r, _ Result) bool { return r.PerSecond >= 1000 },
		},
		{
			name: "1000 at once, vendor 1000 ms, 1024 workers", world: world{cars: 1000, workers: 1024, vendor: time.Second}, run: burst(1000, cached),
			target: "all in ≤ 2 s", met: func(r, _ Result) bool { return r.Seconds <= 2 },
		},
		{
			// More than the workers can serve within the 30 s that a command has when one is free.
			name: "1000 at once, vendor 1000 ms", world: world{cars: 1000, workers: 32, vendor: time.Second}, run: burst(1000, cached),
			target: "all served, as fast as 32 workers can", met: func(r, _ Result) bool { return len(r.Failed) == 0 && r.Seconds <= 34 },
		},
		{
			name: "cached beside 40 sleeping cars", world: world{cars: 400, workers: 64, sleepers: 40, forceDelay: 30 * time.Second}, run: besideSleepers(40, 300),
			target: "p99 ≤ 10 ms over the vendor", met: func(r, _ Result) bool { return r.Latency.P99 <= 10 },
		},
		{
			name: "pings beside 1000 cars, vendor 5 s", world: world{cars: 1000, workers: 1024, vendor: 5 * time.Second}, run: pingBeside(1000),
			target: "p99 ≤ 10 ms", met: func(r, _ Result) bool { return r.Latency.P99 <= 10 },
		},
		{name: "mixed modes, 10 % failures", world: world{cars: 500, workers: 64, vendor: 20 * time.Millisecond, script: failing()}, run: burst(500, mixed)},
		{name: "stream of 100/s", world: world{cars: 1000, workers: 32}, run: stream(100, cached)},

		// The fault that the project exists to remove, at a scale that it can bear.
		{name: "in-process loop: one after the other, vendor 0 ms", world: world{cars: 600, loop: true}, run: oneByOne(500)},
		{name: "in-process loop: 200 at once, vendor 0 ms", world: world{cars: 200, loop: true}, run: burst(200, cached)},
		{name: "in-process loop: 200 at once, vendor 50 ms", world: world{cars: 200, vendor: 50 * time.Millisecond, loop: true}, run: burst(200, cached)},
		{name: "in-process loop: cached beside 8 sleeping cars", world: world{cars: 20, sleepers: 8, forceDelay: 2 * time.Second, loop: true}, run: besideSleepers(8, 5)},
	}
}
