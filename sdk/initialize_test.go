package sdk_test

import (
	"context"
	"encoding/json"
	"sync"
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

// accounts makes a vendor for each password, which is also its car's id.
type accounts struct {
	mu      sync.Mutex
	vendors map[string]*sessions
	made    int
}

func (a *accounts) plugin() sdk.Plugin {
	p := sdktest.Plugin(nil)
	p.New = func(cfg sdk.VendorConfig) (sdk.Vendor, error) {
		var s struct {
			Password string `json:"password"`
		}
		if err := json.Unmarshal(cfg.Settings, &s); err != nil {
			return nil, err
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.made++
		return a.vendor(s.Password), nil
	}
	return p
}

func (a *accounts) vendor(password string) *sessions {
	if a.vendors == nil {
		a.vendors = map[string]*sessions{}
	}
	if a.vendors[password] == nil {
		s := newSessions()
		list := s.VehiclesFunc
		s.VehiclesFunc = func(ctx context.Context) ([]*vehiclev1.Vehicle, error) {
			_, err := list(ctx)
			return sdktest.Cars(password), err
		}
		a.vendors[password] = s
	}
	return a.vendors[password]
}

func TestTheAccountServesUntilAnotherOneHasItsCars(t *testing.T) {
	for name, failure := range map[string]error{
		"cloud down":       shared.NewError(shared.ReasonVendorUnavailable),
		"password refused": shared.NewError(shared.ReasonAuthFailed),
	} {
		t.Run(name, func(t *testing.T) {
			all := &accounts{}
			all.vendor("new").loginErr, all.vendor("new").renewErr = failure, sdk.ErrSessionExpired
			e := sdk.NewEngine(all.plugin(), sdk.Options{MinReadInterval: -1})
			defer func() { require.NoError(t, e.Close(context.Background())) }()
			dir := t.TempDir()
			initialize := func(password string) error {
				_, err := e.Initialize(t.Context(), shared.Config{Settings: settings(password), StateDir: dir})
				return err
			}
			require.NoError(t, initialize("old"))
			for range 3 {
				require.ErrorIs(t, initialize("new"), shared.AsAPIError(failure).Reason)
				assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_READY, health(t, e).GetState())
				all.vendor("old").expire()
				_, err := e.RefreshCached(t.Context(), "old")
				require.NoError(t, err, "also its session is at work")
			}
			logins, _ := all.vendor("new").counts()
			assert.Equal(t, 1, logins, "a try that follows knows of the one before")
			assert.Equal(t, 2, all.made)
			cars, err := e.ListVehicles(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "old", cars[0].GetId())

			require.NoError(t, initialize("third"))
			_, err = e.RefreshCached(t.Context(), "third")
			require.NoError(t, err)
			_, err = e.RefreshCached(t.Context(), "old")
			require.ErrorIs(t, err, shared.ReasonUnknownVehicle)
		})
	}
}

// TestAnOldAccountsWakeAnswersNobodyNew, also if the settings are the same again.
func TestAnOldAccountsWakeAnswersNobodyNew(t *testing.T) {
	entered, release := make(chan struct{}, 1), make(chan struct{})
	made := 0.0
	plugin := sdktest.Plugin(nil)
	plugin.New = func(sdk.VendorConfig) (sdk.Vendor, error) {
		made++
		soc := made
		return &sdktest.Vendor{ForceFunc: func(context.Context, string, time.Time) (*vehiclev1.VehicleData, error) {
			if soc == 1 {
				entered <- struct{}{}
				<-release
			}
			return sdktest.Snapshot(time.Now(), soc), nil
		}}, nil
	}
	e := sdk.NewEngine(plugin, sdk.Options{})
	defer func() { require.NoError(t, e.Close(context.Background())) }()
	dir := t.TempDir()
	initialize := func(password string) {
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings(password), StateDir: dir})
		require.NoError(t, err)
	}
	initialize("x")
	old := ask(e.RefreshForce, "car1")
	<-entered
	initialize("y")
	initialize("x")
	got, err := smart(e)(t.Context(), "car1")
	require.NoError(t, err, "it does not wait for the old account's wake")
	assert.InDelta(t, 50, got.GetBattery().GetSoc(), 0.001)
	forced := ask(e.RefreshForce, "car1")
	await.True(t, "the car is woken by one at a time", func() bool { return e.Waiting() == 1 })
	close(release)
	assert.InDelta(t, 1, (<-old).data.GetBattery().GetSoc(), 0.001)
	assert.InDelta(t, 3, (<-forced).data.GetBattery().GetSoc(), 0.001)
}

// TestRefusalOfACandidateOutlivesTheProcess, although the account that serves
// keeps a lock-out clock of its own.
func TestRefusalOfACandidateOutlivesTheProcess(t *testing.T) {
	all, dir := &accounts{}, t.TempDir()
	all.vendor("new").loginErr = shared.NewError(shared.ReasonAuthFailed)
	run := func(passwords ...string) (err error) {
		e := sdk.NewEngine(all.plugin(), sdk.Options{MinReadInterval: -1})
		defer func() { require.NoError(t, e.Close(context.Background())) }()
		for _, p := range passwords {
			_, err = e.Initialize(t.Context(), shared.Config{Settings: settings(p), StateDir: dir})
		}
		if passwords[0] == "old" {
			all.vendor("old").expire()
			_, refreshed := e.RefreshCached(t.Context(), "old")
			require.NoError(t, refreshed)
		}
		return err
	}
	require.ErrorIs(t, run("old", "new"), shared.ReasonAuthFailed)
	require.ErrorIs(t, run("new"), shared.ReasonAuthFailed)
	logins, _ := all.vendor("new").counts()
	assert.Equal(t, 1, logins)
	require.NoError(t, run("old"), "it was not locked with the other one")
}
