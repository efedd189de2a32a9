package sdk_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// result is what one caller got.
type result struct {
	data *vehiclev1.VehicleData
	err  error
}

type refresh func(ctx context.Context, vehicleID string) (*vehiclev1.VehicleData, error)

func smart(e *sdk.Engine) refresh {
	return func(ctx context.Context, id string) (*vehiclev1.VehicleData, error) {
		return e.RefreshSmart(ctx, id, time.Minute)
	}
}

func ask(r refresh, vehicleID string) <-chan result {
	out := make(chan result, 1)
	go func() {
		data, err := r(context.Background(), vehicleID)
		out <- result{data, err}
	}()
	return out
}

func coalesced(t *testing.T, e *sdk.Engine, n int) {
	t.Helper()
	await.True(t, "callers have joined", func() bool { return health(t, e).GetCounters()["coalesced"] == int64(n) })
}

func requireFailed(t *testing.T, callers ...<-chan result) {
	t.Helper()
	for _, c := range callers {
		require.ErrorIs(t, (<-c).err, shared.ReasonVehicleUnreachable)
	}
}

func requireStale(t *testing.T, callers ...<-chan result) {
	t.Helper()
	for _, c := range callers {
		got := <-c
		require.NoError(t, got.err)
		assert.Equal(t, vehiclev1.Verdict_VERDICT_STALE, got.data.GetRefresh().GetVerdict())
		assert.Equal(t, string(shared.ReasonVehicleUnreachable), got.data.GetRefresh().GetReason())
		assert.InDelta(t, 50, got.data.GetBattery().GetSoc(), 0.001, "the cloud's copy")
	}
}

// TestJoinersOfAFailedWakeDoNotWakeAgain: a car that did not answer once is not
// asked again for each who waited.
func TestJoinersOfAFailedWakeDoNotWakeAgain(t *testing.T) {
	c := newClock()
	s := newScripted(c, time.Hour)
	entered, release := make(chan struct{}, 16), make(chan struct{})
	force := s.ForceFunc
	s.onWake = func(time.Time) (*vehiclev1.VehicleData, error) {
		return nil, shared.NewError(shared.ReasonVehicleUnreachable)
	}
	s.ForceFunc = func(ctx context.Context, id string, since time.Time) (*vehiclev1.VehicleData, error) {
		entered <- struct{}{}
		<-release
		return force(ctx, id, since)
	}
	e := engine(t, s, sdk.Options{Now: c.now})
	forces := []<-chan result{ask(e.RefreshForce, "car1")}
	<-entered
	for range 5 {
		forces = append(forces, ask(e.RefreshForce, "car1"))
	}
	smarts := []<-chan result{ask(smart(e), "car1"), ask(smart(e), "car1")}
	coalesced(t, e, 7)
	c.advance(time.Minute) // the copy has to be read again
	close(release)
	requireFailed(t, forces...)
	requireStale(t, smarts...)
	assert.EqualValues(t, 1, s.wakes.Load())

	_, err := e.RefreshForce(t.Context(), "car1")
	require.Error(t, err)
	assert.EqualValues(t, 2, s.wakes.Load(), "who comes later may try")
}

// TestWakesThatWaitAreOne: also callers of different modes, who meet before the
// wake has begun.
func TestWakesThatWaitAreOne(t *testing.T) {
	c := newClock()
	s := newScripted(c, time.Hour)
	s.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return sdktest.Cars("car1", "blocker"), nil }
	entered, release := make(chan struct{}), make(chan struct{})
	s.ForceFunc = func(_ context.Context, id string, _ time.Time) (*vehiclev1.VehicleData, error) {
		if id == "blocker" {
			close(entered)
			<-release
		} else {
			s.wakes.Add(1)
		}
		return nil, shared.NewError(shared.ReasonVehicleUnreachable)
	}
	e := engine(t, s, sdk.Options{Now: c.now, Workers: 1})
	blocker := ask(e.RefreshForce, "blocker")
	<-entered
	first := ask(smart(e), "car1")
	await.True(t, "the copy was read", func() bool { return s.reads.Load() == 2 })
	forces := []<-chan result{ask(e.RefreshForce, "car1"), ask(e.RefreshForce, "car1")}
	second := ask(smart(e), "car1")
	coalesced(t, e, 3)
	close(release)
	requireFailed(t, append(forces, blocker)...)
	requireStale(t, first, second)
	assert.EqualValues(t, 1, s.wakes.Load())
}

// TestForceIsNotContentWithASmartCallersCopy: a smart caller's job that found
// young data is no answer to a force.
func TestForceIsNotContentWithASmartCallersCopy(t *testing.T) {
	c := newClock()
	s := newScripted(c, 2*time.Minute)
	s.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return sdktest.Cars("car1", "blocker"), nil }
	force := s.ForceFunc
	entered, release := make(chan struct{}), make(chan struct{})
	s.ForceFunc = func(ctx context.Context, id string, since time.Time) (*vehiclev1.VehicleData, error) {
		if id == "blocker" {
			close(entered)
			<-release
			return sdktest.Snapshot(c.now(), 1), nil
		}
		return force(ctx, id, since)
	}
	e := engine(t, s, sdk.Options{Now: c.now, Workers: 1})
	blocker := ask(e.RefreshForce, "blocker")
	<-entered
	smarter := ask(smart(e), "car1")
	await.True(t, "the copy was read", func() bool { return s.reads.Load() == 2 })
	await.True(t, "the smart wake waits", func() bool { return e.Waiting() == 1 })
	forced := ask(e.RefreshForce, "car1")
	coalesced(t, e, 1)
	// The car reports by itself while all wait.
	s.mu.Lock()
	s.observed = c.now()
	s.mu.Unlock()
	c.advance(10 * time.Second)
	_, err := e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	close(release)
	require.NoError(t, (<-blocker).err)
	got := <-smarter
	require.NoError(t, got.err)
	assert.Equal(t, vehiclev1.Verdict_VERDICT_FRESH, got.data.GetRefresh().GetVerdict())
	got = <-forced
	require.NoError(t, got.err)
	assert.Equal(t, vehiclev1.Source_SOURCE_FRESH, got.data.GetRefresh().GetSource())
	assert.EqualValues(t, 1, s.wakes.Load())
}
