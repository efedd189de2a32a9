package sdk_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestCountersMoveOnTheHealthStream, but never more often than once a second.
func TestCountersMoveOnTheHealthStream(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		e := sdk.NewEngine(sdktest.Plugin(&sdktest.Vendor{}), sdk.Options{MinReadInterval: -1})
		ctx, cancel := context.WithCancel(t.Context())
		var reads []int64
		var at []time.Duration
		started := time.Now()
		watched := make(chan error, 1)
		go func() {
			watched <- e.WatchHealth(ctx, func(h *vehiclev1.Health) error {
				reads, at = append(reads, h.GetCounters()["vendor_reads"]), append(at, time.Since(started))
				return nil
			})
		}()
		synctest.Wait()
		_, err := e.Initialize(t.Context(), shared.Config{Settings: settings("x"), StateDir: dir})
		require.NoError(t, err)
		synctest.Wait()
		read := func(times int) {
			for range times {
				_, err := e.RefreshCached(t.Context(), "car1")
				require.NoError(t, err)
			}
			synctest.Wait()
		}
		read(100)
		time.Sleep(1500 * time.Millisecond) // one report, when the second is over
		read(1)
		time.Sleep(10 * time.Second) // one more, and then silence
		read(1)                      // told at once: the last report is long ago
		cancel()
		require.ErrorIs(t, <-watched, context.Canceled)
		require.NoError(t, e.Close(context.Background()))
		assert.Equal(t, []int64{0, 0, 100, 101, 102}, reads)
		assert.Equal(t, []time.Duration{0, 0, time.Second, 2 * time.Second, 11500 * time.Millisecond}, at)
	})
}
