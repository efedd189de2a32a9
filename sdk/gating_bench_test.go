package sdk

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// BenchmarkGate is what a call's permission costs, on a real disk: a read is reserved in
// blocks, a wake is on disk before it goes out.
func BenchmarkGate(b *testing.B) {
	for name, r := range map[string]gate.Request{
		"read": {Class: gate.Read, Vehicle: "car1"},
		"wake": {Class: gate.Wake, Vehicle: "car1"},
	} {
		b.Run(name, func(b *testing.B) {
			store, err := OpenStore(b.TempDir())
			require.NoError(b, err)
			limits := Limits{CallsPerDay: 1 << 40, LoginsPerDay: -1, WakesPerDay: 1 << 40, WakeInterval: -1, Metered: true}
			g := gate.New(gate.Options{
				Policy: limits.policy(), Docs: docs{store}, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
				BreakerFailures: 5, BreakerTimeout: time.Minute, Cars: func() int { return 1 }, Odometer: func(string) float64 { return 0 },
				Closed: func(*shared.APIError) {}, Circuit: func(context.Context, string, string) {}, Decided: func(context.Context, gate.Request, gate.Decision) {},
			})
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, g.Do(b.Context(), r, func() error {
					g.Requested()
					return nil
				}))
			}
		})
	}
}
