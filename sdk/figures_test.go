package sdk_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/gate"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// known checks that a host shows all that the engine tells.
func known(t *testing.T, h *vehiclev1.Health) {
	t.Helper()
	keys := map[shared.FigureKind][]string{}
	for _, f := range shared.Figures() {
		keys[f.Kind] = append(keys[f.Kind], f.Keys()...)
	}
	for key := range h.GetCounters() {
		assert.Contains(t, keys[shared.FigureCounter], key)
	}
	for key := range h.GetGauges() {
		assert.Contains(t, keys[shared.FigureGauge], key)
	}
	for key := range h.GetTimings() {
		assert.Contains(t, keys[shared.FigureTiming], key)
	}
}

// TestFiguresOfACrowd: what waits, what works, and what was shared.
func TestFiguresOfACrowd(t *testing.T) {
	entered, release := make(chan struct{}, 1), make(chan struct{})
	v := &sdktest.Vendor{
		VehiclesFunc: func(context.Context) ([]*vehiclev1.Vehicle, error) { return sdktest.Cars("a", "b", "c"), nil },
		ForceFunc: func(context.Context, string, time.Time) (*vehiclev1.VehicleData, error) {
			entered <- struct{}{}
			<-release
			return sdktest.Snapshot(time.Now(), 60), nil
		},
	}
	e := engine(t, v, sdk.Options{Workers: 1, MinReadInterval: -1})
	var callers sync.WaitGroup
	for _, id := range []string{"a", "a", "a", "b"} {
		callers.Go(func() {
			_, err := e.RefreshForce(t.Context(), id)
			assert.NoError(t, err)
		})
	}
	<-entered
	await.True(t, "all have come", func() bool { return health(t, e).GetGauges()["queue_callers"] == 4 })
	h := health(t, e)
	assert.EqualValues(t, 1, h.GetGauges()["workers_busy.wake"])
	assert.EqualValues(t, 0, h.GetGauges()["workers_busy.read"])
	assert.EqualValues(t, 1, h.GetGauges()["queue_jobs.wake"])
	assert.EqualValues(t, 1, h.GetGauges()["workers"])
	assert.EqualValues(t, -1, h.GetGauges()["budget_left.people"])
	assert.Positive(t, h.GetGauges()["goroutines"])
	close(release)
	<-entered
	callers.Wait()
	_, err := e.RefreshCached(t.Context(), "c")
	require.NoError(t, err)
	h = health(t, e)
	known(t, h)
	assert.EqualValues(t, 2, h.GetCounters()["coalesced"])
	assert.EqualValues(t, 2, h.GetCounters()["vendor_calls.wake"])
	assert.EqualValues(t, 3, h.GetCounters()["vendor_calls.read"], "each wake looks first")
	assert.EqualValues(t, 1, h.GetCounters()["vendor_calls.list"])
	assert.EqualValues(t, 6, h.GetCounters()["gate_decisions.allowed"])
	assert.EqualValues(t, 0, h.GetGauges()["queue_callers"])
	for key, jobs := range map[string]int64{"run.force": 2, "queue_wait.force": 2, "run.cached": 1, "run.other": 1} {
		timing := h.GetTimings()[key]
		require.NotNil(t, timing, key)
		assert.Len(t, timing.GetCounts(), len(timing.GetBounds())+1)
		assert.True(t, slices.IsSorted(timing.GetBounds()))
		n := int64(0)
		for _, c := range timing.GetCounts() {
			n += c
		}
		assert.Equal(t, jobs, n, key)
	}
}

// TestFiguresOfTheBudget are those of what is left.
func TestFiguresOfTheBudget(t *testing.T) {
	l := newLimited(t, sdk.Limits{CallsPerDay: 10, Reserve: 4, ResetAt: 5 * time.Minute})
	e := l.start(t)
	_, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	h := health(t, e)
	known(t, h)
	assert.EqualValues(t, 8, h.GetGauges()["budget_left.people"], "the list and the read are spent")
	assert.EqualValues(t, 4, h.GetGauges()["budget_left.background"])
	assert.EqualValues(t, time.Date(2026, 3, 2, 0, 5, 0, 0, time.UTC).Unix(), h.GetGauges()["budget_reset_timestamp_seconds"])
}

// TestEveryRuleHasItsFigure of the gate's.
func TestEveryRuleHasItsFigure(t *testing.T) {
	for _, f := range shared.Figures() {
		if f.Name == shared.CounterGate {
			for _, rule := range []gate.Rule{
				gate.VendorRefused, gate.CircuitOpen, gate.NoRecord, gate.QuietHours, gate.AuxBattery, gate.AuxTrend, gate.WakeInterval, gate.WakesPerDay, gate.LoginsPerDay, gate.CallsPerDay,
			} {
				assert.Contains(t, f.Values, string(rule))
			}
		}
		if f.Name == shared.CounterCalls {
			for _, class := range []gate.Class{gate.Login, gate.Renewal, gate.List, gate.Read, gate.Wake} {
				assert.Contains(t, f.Values, string(class))
			}
		}
	}
}

// TestBreakerChangesAreTold with the command that brought them.
func TestBreakerChangesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log await.Log
		var down atomic.Bool
		down.Store(true)
		v := &sdktest.Vendor{CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
			if down.Load() {
				return nil, shared.NewError(shared.ReasonVendorUnavailable)
			}
			return sdktest.Snapshot(time.Now(), 1), nil
		}}
		c := newClock()
		e := engine(t, v, sdk.Options{
			BreakerFailures: 1, BreakerTimeout: time.Second, MinReadInterval: -1, Now: c.now,
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		read := func(request string) error {
			ctx := shared.WithCallInfo(t.Context(), shared.CallInfo{RequestID: request})
			_, err := e.RefreshCached(ctx, "car1")
			return err
		}
		require.Error(t, read("first"))
		down.Store(false)
		time.Sleep(time.Second + time.Millisecond)
		require.NoError(t, read("second"), "the trial")
		h := health(t, e)
		for _, state := range []string{"open", "half-open", "closed"} {
			assert.EqualValues(t, 1, h.GetCounters()["breaker_changes."+state], state)
		}
		opened, closed := "", ""
		for line := range strings.Lines(log.String()) {
			switch {
			case !strings.Contains(line, "circuit breaker changed"):
			case strings.Contains(line, "to=open"):
				opened = line
			case strings.Contains(line, "to=closed"):
				closed = line
			}
		}
		assert.Contains(t, opened, "request_id=first")
		assert.Contains(t, opened, "vehicle=car1")
		assert.Contains(t, opened, "mode=cached")
		assert.Contains(t, closed, "request_id=second")
	})
}
