package sdk_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestCarsThatNobodyCanName are left out of the list, and the others serve.
func TestCarsThatNobodyCanName(t *testing.T) {
	v := &sdktest.Vendor{VehiclesFunc: func(context.Context) ([]*vehiclev1.Vehicle, error) {
		cars := sdktest.Cars("car1", "", "a/b", "#", "+", "$SYS", "a b", "line\n", strings.Repeat("x", 129), "car1", "ümlaut-2", strings.Repeat("y", 128))
		return append(cars, nil), nil
	}}
	e := engine(t, v, sdk.Options{})
	cars, err := e.ListVehicles(t.Context())
	require.NoError(t, err)
	var ids []string
	for _, car := range cars {
		ids = append(ids, car.GetId())
	}
	assert.Equal(t, []string{"car1", "ümlaut-2", strings.Repeat("y", 128)}, ids)
}

// TestWhatAnAuthorSaysOfSettings reaches log and caller, without what is secret.
func TestWhatAnAuthorSaysOfSettings(t *testing.T) {
	var log bytes.Buffer
	r := &redact.Redactor{}
	e := sdk.NewEngine(sdk.Plugin{Name: "test", New: func(sdk.VendorConfig) (sdk.Vendor, error) {
		return nil, errors.New(`region "mars" is not known (password canary-secret-1)`)
	}}, sdk.Options{Redactor: r, Logger: slog.New(r.Handler(slog.NewTextHandler(&log, nil)))})
	_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("canary-secret-1"), StateDir: t.TempDir()})
	require.ErrorIs(t, err, shared.ReasonConfigInvalid)
	assert.Contains(t, err.Error(), `region "mars" is not known`)
	assert.Contains(t, log.String(), "mars")
	assert.NotContains(t, err.Error()+log.String(), "canary-secret-1")
}

// closing is a vendor with something to give back.
type closing struct {
	sdk.Vendor
	closed chan struct{}
}

func (c closing) Close() error {
	close(c.closed)
	return nil
}

// TestCloserIsTold when the plugin ends, and when other settings serve.
func TestCloserIsTold(t *testing.T) {
	dir, made := t.TempDir(), map[string]closing{}
	e := sdk.NewEngine(sdk.Plugin{Name: "test", New: func(cfg sdk.VendorConfig) (sdk.Vendor, error) {
		c := closing{&sdktest.Vendor{}, make(chan struct{})}
		made[string(cfg.Settings)] = c
		return c, nil
	}}, sdk.Options{})
	for _, password := range []string{"one", "two"} {
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings(password), StateDir: dir})
		require.NoError(t, err)
	}
	<-made[string(settings("one"))].closed
	require.NoError(t, e.Close(t.Context()))
	<-made[string(settings("two"))].closed
}

// TestHealthIsWellWhenTheCauseHasEnded, although nobody calls.
func TestHealthIsWellWhenTheCauseHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &sdktest.Vendor{CachedFunc: func(context.Context, string) (*vehiclev1.VehicleData, error) {
			e := shared.NewError(shared.ReasonRateLimited)
			e.RetryAfter = time.Hour
			return nil, e
		}}
		e := engine(t, v, sdk.Options{})
		_, err := e.RefreshCached(t.Context(), "car1")
		require.ErrorIs(t, err, shared.ReasonRateLimited)
		assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_DEGRADED, health(t, e).GetState())

		ctx, stop := context.WithTimeout(t.Context(), time.Hour+time.Minute)
		defer stop()
		var last *vehiclev1.Health
		err = e.WatchHealth(ctx, func(h *vehiclev1.Health) error {
			last = h
			return nil
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_READY, last.GetState())
	})
}
