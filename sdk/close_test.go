package sdk_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestCloseDoesNotWaitForADeafVendor: Close keeps to its own time whatever the
// vendor makes of a cancelled context.
func TestCloseDoesNotWaitForADeafVendor(t *testing.T) {
	for name, call := range map[string]func(*sdk.Engine) error{
		"login": func(e *sdk.Engine) error {
			_, err := e.Initialize(context.Background(), shared.Config{Settings: settings("stuck")})
			return err
		},
		"login of the present account": func(e *sdk.Engine) error {
			_, err := e.RefreshCached(context.Background(), "expired")
			return err
		},
		"wake": func(e *sdk.Engine) error {
			_, err := e.RefreshForce(context.Background(), "car1")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var listable atomic.Bool
			listable.Store(true)
			entered, release := make(chan struct{}), make(chan struct{})
			stuck := func() {
				close(entered)
				<-release
			}
			working := &sdktest.Vendor{
				VehiclesFunc: func(context.Context) ([]*vehiclev1.Vehicle, error) {
					if !listable.Load() {
						return nil, sdk.ErrSessionExpired
					}
					return sdktest.Cars("car1", "expired"), nil
				},
				CachedFunc: func(_ context.Context, id string) (*vehiclev1.VehicleData, error) {
					if id == "expired" {
						return nil, sdk.ErrSessionExpired
					}
					return sdktest.Snapshot(time.Now(), 1), nil
				},
				LoginFunc: func(context.Context) error { stuck(); return nil },
				ForceFunc: func(context.Context, string, time.Time) (*vehiclev1.VehicleData, error) {
					stuck()
					return sdktest.Snapshot(time.Now(), 1), nil
				},
			}
			e := sdk.NewEngine(sdktest.Plugin(working), sdk.Options{})
			_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x")})
			require.NoError(t, err)
			listable.Store(false)
			answered := make(chan struct{})
			go func() {
				defer close(answered)
				_ = call(e)
			}()
			<-entered

			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			closed := make(chan error, 1)
			go func() { closed <- e.Close(ctx) }()
			require.ErrorIs(t, await.Value(t, "Close returns while the vendor is stuck", closed), context.Canceled)

			close(release)
			<-answered
			require.NoError(t, e.Close(context.Background()))
		})
	}
}
