// Package sdktest has what plugin authors need to test against the engine: a
// Vendor whose behaviour is a set of functions.
package sdktest

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Vendor is an [sdk.Vendor]. A nil function is one that succeeds: it lists the
// car "car1" and reports it as of now. Set the fields before use.
type Vendor struct {
	LoginFunc    func(ctx context.Context) error
	VehiclesFunc func(ctx context.Context) ([]*vehiclev1.Vehicle, error)
	CachedFunc   func(ctx context.Context, id string) (*vehiclev1.VehicleData, error)
	ForceFunc    func(ctx context.Context, id string, since time.Time) (*vehiclev1.VehicleData, error)
}

var _ sdk.Vendor = (*Vendor)(nil)

// Limits leave it to the test how often a car is woken.
func (v *Vendor) Limits() sdk.Limits { return sdk.Limits{WakesPerDay: -1, WakeInterval: -1} }

// Login implements [sdk.Vendor].
func (v *Vendor) Login(ctx context.Context) error {
	if v.LoginFunc == nil {
		return nil
	}
	return v.LoginFunc(ctx)
}

// Vehicles implements [sdk.Vendor].
func (v *Vendor) Vehicles(ctx context.Context) ([]*vehiclev1.Vehicle, error) {
	if v.VehiclesFunc == nil {
		return Cars("car1"), nil
	}
	return v.VehiclesFunc(ctx)
}

// Cached implements [sdk.Vendor].
func (v *Vendor) Cached(ctx context.Context, id string) (*vehiclev1.VehicleData, error) {
	if v.CachedFunc == nil {
		return Snapshot(time.Now(), 50), nil
	}
	return v.CachedFunc(ctx, id)
}

// Force implements [sdk.Vendor].
func (v *Vendor) Force(ctx context.Context, id string, since time.Time) (*vehiclev1.VehicleData, error) {
	if v.ForceFunc == nil {
		return Snapshot(time.Now(), 51), nil
	}
	return v.ForceFunc(ctx, id, since)
}

// RenewingVendor is a Vendor that can also renew its session, and restore a
// stored one. Without a RestoreFunc there is never another one.
type RenewingVendor struct {
	Vendor
	RenewFunc   func(ctx context.Context) error
	RestoreFunc func(ctx context.Context) (bool, error)
}

var (
	_ sdk.Renewer  = (*RenewingVendor)(nil)
	_ sdk.Restorer = (*RenewingVendor)(nil)
)

// Restore implements [sdk.Restorer].
func (v *RenewingVendor) Restore(ctx context.Context) (bool, error) {
	if v.RestoreFunc == nil {
		return false, nil
	}
	return v.RestoreFunc(ctx)
}

// Renew implements [sdk.Renewer].
func (v *RenewingVendor) Renew(ctx context.Context) error { return v.RenewFunc(ctx) }

// Cars makes a list of electric cars.
func Cars(ids ...string) []*vehiclev1.Vehicle {
	cars := make([]*vehiclev1.Vehicle, len(ids))
	for i, id := range ids {
		cars[i] = &vehiclev1.Vehicle{
			Id: id, Name: proto.String("Car " + id), EngineType: vehiclev1.EngineType_ENGINE_TYPE_EV.Enum(),
		}
	}
	return cars
}

// Snapshot is a state that the car reported at observed; a zero time means that
// the car gave none.
func Snapshot(observed time.Time, soc float64) *vehiclev1.VehicleData {
	d := &vehiclev1.VehicleData{Battery: &vehiclev1.Battery{Soc: &soc}}
	if !observed.IsZero() {
		d.Refresh = &vehiclev1.Refresh{ObservedAt: proto.Int64(observed.UnixMilli())}
	}
	return d
}

// Plugin wraps a vendor for [sdk.Serve] or [sdk.NewEngine].
func Plugin(v sdk.Vendor) sdk.Plugin {
	return sdk.Plugin{
		Name: "test-plugin", Version: "1.0.0", Vendor: "Test", SettingsSchema: `{"type":"object"}`,
		New: func(sdk.VendorConfig) (sdk.Vendor, error) { return v, nil },
	}
}
