package main

import (
	"slices"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// benchCars is how many cars take turns, so that each read reaches the cloud and
// none is answered from memory.
const benchCars = 5000

// report prints percentiles of what was measured.
func report(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	at := func(p float64) float64 {
		return float64(took[min(len(took)-1, int(p*float64(len(took))))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.50), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(at(1), "max-ms")
}

// sleepers is a fleet of which the first n are woken and do not answer, and the
// rest are parked.
func sleepers(b *testing.B, n int) (*system, []cloudsim.Car) {
	b.Helper()
	cars := cloudsim.Fleet(n + benchCars)
	for i := range cars[:n] {
		cars[i].ForceDelay = time.Hour
	}
	s := newSystem(b, cloudsim.Options{Accounts: []cloudsim.Account{{
		Brand: profile.Kia, Email: "fleet@example.com", Password: "fleet-password", Cars: cars,
	}}}, `["1h"]`, true)
	for _, c := range cars[:n] {
		s.command(c.ID, "force")
	}
	wakes := min(n, 28)
	require.Eventually(b, func() bool { return s.cloud.Calls(cloudsim.Wake) == wakes }, 30*time.Second, time.Millisecond)
	return s, cars[n:]
}

// BenchmarkCachedWhileCarsSleep is a cached command over MQTT, from the
// publication of the command to the answer, alone and while forty cars sit in
// forced reads that do not end. Both include the cloud's two calls over HTTP.
func BenchmarkCachedWhileCarsSleep(b *testing.B) {
	for _, bc := range []struct {
		name   string
		asleep int
	}{{"none", 0}, {"forty", 40}} {
		b.Run(bc.name, func(b *testing.B) {
			s, cars := sleepers(b, bc.asleep)
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				started := time.Now()
				s.command(cars[i%len(cars)].ID, "cached")
				require.NoError(b, s.next().Err)
				took = append(took, time.Since(started))
			}
			report(b, took)
		})
	}
}

// BenchmarkCommandToState is a cached command until a listener on the broker has
// status/last_updated, and with it the whole state.
func BenchmarkCommandToState(b *testing.B) {
	s, cars := sleepers(b, 0)
	marker := make(chan struct{}, 100)
	token := s.client.Subscribe("hyundai/+/status/last_updated", 1, func(paho.Client, paho.Message) { marker <- struct{}{} })
	require.True(b, token.WaitTimeout(10*time.Second))
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		started := time.Now()
		s.command(cars[i%len(cars)].ID, "cached")
		<-marker
		took = append(took, time.Since(started))
		require.NoError(b, s.next().Err)
	}
	report(b, took)
}
