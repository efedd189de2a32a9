package sdk_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// TestScheduleOfALargeFleetLeavesNobodyOut, also if it asks for more than there is
// time for.
func TestScheduleOfALargeFleetLeavesNobodyOut(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cars := make([]string, 200)
		for n := range cars {
			cars[n] = fmt.Sprintf("car%03d", n)
		}
		v := newTimetable(sdk.Schedule{Idle: time.Minute, Parked: time.Minute, LongIdle: time.Minute}, cars...)
		read := v.CachedFunc
		v.CachedFunc = func(ctx context.Context, id string) (*vehiclev1.VehicleData, error) {
			time.Sleep(5 * time.Second)
			return read(ctx, id)
		}
		_, end := v.run(t, dir)
		time.Sleep(2 * time.Hour)
		end()
		least, most := v.since(cars[0], time.Time{}), 0
		for _, id := range cars {
			n := v.since(id, time.Time{})
			least, most = min(least, n), max(most, n)
		}
		assert.Greater(t, least, 20)
		assert.LessOrEqual(t, most, 2*least)
	})
}

// TestReadingAfterACharging that was told when to ask again is made then.
func TestReadingAfterACharging(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		v := newTimetable(sdk.Schedule{AfterCharging: true}, "car1")
		start := time.Now()
		v.observed = start
		v.state = func(d *vehiclev1.VehicleData) {
			d.Charging.Charging, d.Charging.TimeToLimit = proto.Bool(true), proto.Float64(30)
		}
		e, end := v.run(t, dir)
		_, err := e.RefreshCached(t.Context(), "car1")
		require.NoError(t, err)
		out := shared.NewError(shared.ReasonVendorUnavailable)
		out.RetryAfter = 5 * time.Minute
		time.Sleep(20 * time.Minute)
		v.set(func() { v.fails = out })
		time.Sleep(15 * time.Minute)
		v.set(func() { v.fails = nil })
		assert.Equal(t, 1, v.since("car1", start))
		time.Sleep(24 * time.Hour)
		end()
		assert.Equal(t, 2, v.since("car1", start), "once more, and no more than that")
	})
}
