package sdk_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// BenchmarkEngine is what the engine itself takes for a cached refresh, on a real disk and
// with a plugin's log, of fleets of several sizes: from memory, and with news each time.
func BenchmarkEngine(b *testing.B) {
	for name, least := range map[string]time.Duration{"memory": time.Hour, "news": -1} {
		for _, cars := range []int{10, 1000, 10000} {
			b.Run(fmt.Sprintf("%s/%d", name, cars), func(b *testing.B) { benchmarkEngine(b, cars, least) })
		}
	}
}

func benchmarkEngine(b *testing.B, cars int, least time.Duration) {
	b.Helper()
	body, err := os.ReadFile(filepath.Join("..", "shared", "testdata", "cars", "eu_kia_ev9_2024_ccs2.json"))
	require.NoError(b, err)
	car := &vehiclev1.VehicleData{}
	require.NoError(b, protojson.Unmarshal(body, car))
	car.Vehicle = nil
	observed := atomic.Int64{}
	observed.Store(car.GetRefresh().GetObservedAt())
	vendor := &sdktest.Vendor{
		VehiclesFunc: func(context.Context) ([]*vehiclev1.Vehicle, error) {
			ids := make([]string, cars)
			for i := range ids {
				ids[i] = fmt.Sprint("car", i)
			}
			return sdktest.Cars(ids...), nil
		},
		CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
			data := proto.CloneOf(car)
			data.Refresh.ObservedAt = proto.Int64(observed.Add(1000))
			return data, nil
		},
	}
	redactor := &redact.Redactor{}
	log := slog.New(redactor.Handler(slog.NewJSONHandler(io.Discard, nil))) // as a plugin's
	e := sdk.NewEngine(sdktest.Plugin(vendor), sdk.Options{MinReadInterval: least, NoSchedule: true, Logger: log, Redactor: redactor})
	_, err = e.Initialize(b.Context(), shared.Config{Settings: settings("secret-1"), StateDir: b.TempDir()})
	require.NoError(b, err)
	defer func() { require.NoError(b, e.Close(await.Context(b, "the engine closes"))) }()
	n := atomic.Int64{}
	refresh := func() error {
		ctx := shared.WithCallInfo(b.Context(), shared.CallInfo{RequestID: "3f2a9c0d1e", Attempt: 1})
		_, err := e.RefreshCached(ctx, fmt.Sprint("car", n.Add(1)%int64(cars)))
		return err
	}
	for range cars {
		require.NoError(b, refresh())
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := refresh(); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "refreshes/s")
}
