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
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestARequestPastTheGate is not sent: neither while a client is made nor with another
// context than the call's. Those of calls are counted by what they are for.
func TestARequestPastTheGate(t *testing.T) {
	var config sdk.VendorConfig
	v := &sdktest.Vendor{
		VehiclesFunc: func(ctx context.Context) ([]*vehiclev1.Vehicle, error) {
			return sdktest.Cars("car1"), config.Requested(ctx)
		},
		CachedFunc: func(ctx context.Context, _ string) (*vehiclev1.VehicleData, error) {
			if err := config.Requested(ctx); err != nil {
				return nil, err
			}
			return sdktest.Snapshot(time.Now(), 50), config.Requested(ctx)
		},
	}
	e := sdk.NewEngine(sdk.Plugin{Name: "test", New: func(cfg sdk.VendorConfig) (sdk.Vendor, error) {
		config = cfg
		require.ErrorIs(t, cfg.Requested(t.Context()), shared.ReasonInternal)
		return v, nil
	}}, sdk.Options{})
	defer func() { require.NoError(t, e.Close(t.Context())) }()
	_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: t.TempDir()})
	require.NoError(t, err)
	_, err = e.RefreshCached(t.Context(), "car1")
	require.NoError(t, err)
	require.ErrorIs(t, config.Requested(t.Context()), shared.ReasonInternal)

	counters := health(t, e).GetCounters()
	assert.EqualValues(t, 1, counters[shared.CounterRequests+".list"])
	assert.EqualValues(t, 2, counters[shared.CounterRequests+".read"])
}
