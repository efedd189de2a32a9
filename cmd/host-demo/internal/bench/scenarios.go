package bench

import "time"

// scenarios are what is measured. Figures without a target are there to be compared.
func scenarios() []scenario {
	none := func(Result) bool { return true }
	return []scenario{
		{
			name: "start to first car", world: world{cars: 1, initial: true}, run: startUp,
			target: "≤ 0.3 s", met: func(r Result) bool { return r.Latency.Max <= 300 },
		},
		{
			name: "start to 200 cars, vendor 50 ms", world: world{cars: 200, workers: 32, vendor: 50 * time.Millisecond, initial: true}, run: startUp,
			target: "≤ 1 s", met: func(r Result) bool { return r.Latency.Max <= 1000 },
		},
		{
			name: "one after the other, vendor 0 ms", world: world{cars: 600, workers: 32}, run: oneByOne(500),
			target: "p50 ≤ 2 ms, p99 ≤ 10 ms", met: func(r Result) bool { return r.Latency.P50 <= 2 && r.Latency.P99 <= 10 },
		},
		{name: "one after the other, vendor 50 ms", world: world{cars: 100, workers: 32, vendor: 50 * time.Millisecond}, run: oneByOne(60), met: none},
		{name: "one after the other, vendor 1000 ms", world: world{cars: 20, workers: 32, vendor: time.Second}, run: oneByOne(8), met: none},
		{name: "10 at once, vendor 0 ms", world: world{cars: 10, workers: 32}, run: burst(10, cached), met: none},
		{name: "50 at once, vendor 0 ms", world: world{cars: 50, workers: 32}, run: burst(50, cached), met: none},
		{name: "200 at once, vendor 0 ms", world: world{cars: 200, workers: 32}, run: burst(200, cached), met: none},
		{name: "200 at once, vendor 50 ms", world: world{cars: 200, workers: 32, vendor: 50 * time.Millisecond}, run: burst(200, cached), met: none},
		{
			name: "1000 at once, vendor 0 ms", world: world{cars: 1000, workers: 32}, run: burst(1000, cached),
			target: "≥ 2000/s, loop ≤ 10 ms", met: func(r Result) bool { return r.PerSecond >= 2000 && r.LoopMax <= 10 },
		},
		{
			name: "1000 at once, vendor 1000 ms, 1024 workers", world: world{cars: 1000, workers: 1024, vendor: time.Second}, run: burst(1000, cached),
			target: "all in ≤ 1.3 s", met: func(r Result) bool { return r.Seconds <= 1.3 },
		},
		{
			name: "cached beside 40 sleeping cars", world: world{cars: 400, workers: 32, sleepers: 40, forceDelay: 30 * time.Second}, run: besideSleepers(40, 300),
			target: "p99 ≤ 10 ms over the vendor", met: func(r Result) bool { return r.Latency.P99 <= 10 },
		},
		{
			name: "pings beside 1000 cars, vendor 5 s", world: world{cars: 1000, workers: 1024, vendor: 5 * time.Second}, run: pingBeside(1000),
			target: "p99 ≤ 10 ms", met: func(r Result) bool { return r.Latency.P99 <= 10 },
		},
		{name: "mixed modes, 10 % failures", world: world{cars: 500, workers: 64, vendor: 20 * time.Millisecond, script: failing()}, run: burst(500, mixed), met: none},
		{
			name: "stream of 100/s", world: world{cars: 1000, workers: 32}, run: stream(100, cached),
			target: "≤ 60 MiB, ≤ 1 s CPU per 1000", met: func(r Result) bool {
				return r.Hub.MemoryMiB+r.Plugin.MemoryMiB <= 60 && r.CPUPer1000 <= 1
			},
		},

		// The fault that the project exists to remove, at a scale that it can bear.
		{name: "in-process loop: one after the other, vendor 0 ms", world: world{cars: 600, loop: true}, run: oneByOne(500), met: none},
		{name: "in-process loop: 200 at once, vendor 0 ms", world: world{cars: 200, loop: true}, run: burst(200, cached), met: none},
		{name: "in-process loop: 200 at once, vendor 50 ms", world: world{cars: 200, vendor: 50 * time.Millisecond, loop: true}, run: burst(200, cached), met: none},
		{name: "in-process loop: cached beside 8 sleeping cars", world: world{cars: 20, sleepers: 8, forceDelay: 2 * time.Second, loop: true}, run: besideSleepers(8, 5), met: none},
	}
}
