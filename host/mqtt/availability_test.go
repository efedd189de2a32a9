package mqtt

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"google.golang.org/protobuf/proto"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func TestAvailability(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	seen := func(ago time.Duration, v vehiclev1.Verdict) *vehiclev1.VehicleData {
		return &vehiclev1.VehicleData{Refresh: &vehiclev1.Refresh{ObservedAt: proto.Int64(now.Add(-ago).UnixMilli()), Verdict: v.Enum()}}
	}
	const fresh, stale, silent = vehiclev1.Verdict_VERDICT_FRESH, vehiclev1.Verdict_VERDICT_STALE, vehiclev1.Verdict_VERDICT_SILENT
	for name, tc := range map[string]struct {
		condition condition
		data      *vehiclev1.VehicleData
		want      Availability
	}{
		"a car that drives":              {data: seen(0, fresh), want: AvailabilityReady},
		"a clock that is ahead":          {data: seen(-time.Minute, fresh), want: AvailabilityReady},
		"an hour":                        {data: seen(time.Hour, fresh), want: AvailabilityReady},
		"older than asked":               {data: seen(30*time.Minute, stale), want: AvailabilityReady},
		"more than an hour":              {data: seen(time.Hour+time.Second, fresh), want: AvailabilitySleeping},
		"no answer when it was woken":    {data: seen(time.Minute, silent), want: AvailabilitySleeping},
		"no time":                        {data: &vehiclev1.VehicleData{}, want: AvailabilitySleeping},
		"nothing yet":                    {want: AvailabilitySleeping},
		"a login that wants a human":     {condition: needsHuman, data: seen(0, fresh), want: AvailabilityAlert},
		"a plugin that is gone":          {condition: abandoned, data: seen(0, fresh), want: AvailabilityLost},
		"a plugin that has never served": {condition: abandoned, want: AvailabilityLost},
	} {
		assert.Equal(t, tc.want, availabilityOf(tc.condition, tc.data, now), name)
	}
}

func TestAgeGrowsInSteps(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for age, want := range map[time.Duration]int{
		-time.Minute: 0, 0: 0, 59 * time.Second: 0, time.Minute: 1, 59*time.Minute + 59*time.Second: 59, time.Hour: 60,
		74 * time.Minute: 60, 75 * time.Minute: 75, 23*time.Hour + 59*time.Minute: 23*60 + 45, 24 * time.Hour: 1440, 25*time.Hour - 1: 1440, 25 * time.Hour: 1500,
	} {
		assert.Equal(t, want, ageOf(now.Add(-age), now), age)
	}
}
