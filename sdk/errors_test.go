package sdk_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestABareReasonReachesTheHost, wherever an author returns it.
func TestABareReasonReachesTheHost(t *testing.T) {
	for name, give := range map[string]func(v *sdktest.RenewingVendor, p *sdk.Plugin, err error){
		"new": func(_ *sdktest.RenewingVendor, p *sdk.Plugin, err error) {
			p.New = func(sdk.VendorConfig) (sdk.Vendor, error) { return nil, err }
		},
		"list": func(v *sdktest.RenewingVendor, _ *sdk.Plugin, err error) {
			v.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return nil, err }
		},
		"login": func(v *sdktest.RenewingVendor, _ *sdk.Plugin, err error) {
			v.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return nil, sdk.ErrSessionExpired }
			v.RenewFunc = func(context.Context) error { return sdk.ErrSessionExpired }
			v.LoginFunc = func(context.Context) error { return err }
		},
		"renew": func(v *sdktest.RenewingVendor, _ *sdk.Plugin, err error) {
			v.VehiclesFunc = func(context.Context) ([]*vehiclev1.Vehicle, error) { return nil, sdk.ErrSessionExpired }
			v.RenewFunc = func(context.Context) error { return err }
		},
		"cached": func(v *sdktest.RenewingVendor, _ *sdk.Plugin, err error) {
			v.CachedFunc = func(context.Context, string) (*vehiclev1.VehicleData, error) { return nil, err }
		},
		"force": func(v *sdktest.RenewingVendor, _ *sdk.Plugin, err error) {
			v.ForceFunc = func(context.Context, string, time.Time) (*vehiclev1.VehicleData, error) { return nil, err }
		},
	} {
		t.Run(name, func(t *testing.T) {
			const reason = shared.ReasonRateLimited
			for _, bare := range []error{reason, fmt.Errorf("the cloud says 429: %w", reason)} {
				v := &sdktest.RenewingVendor{}
				p := sdktest.Plugin(v)
				give(v, &p, bare)
				e := sdk.NewEngine(p, sdk.Options{})
				_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x")})
				if err == nil {
					_, err = e.RefreshCached(t.Context(), "car1")
				}
				if err == nil {
					_, err = e.RefreshForce(t.Context(), "car1")
				}
				there := shared.FromStatus(shared.ToStatus(err))
				require.ErrorIs(t, there, reason)
				assert.Equal(t, reason.Sentence(), shared.AsAPIError(there).Error())
				assert.True(t, shared.AsAPIError(there).Temporary)
				require.NoError(t, e.Close(context.Background()))
			}
		})
	}
}
