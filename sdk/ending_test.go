package sdk_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk/sdktest"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// mortal is a vendor whose session ends for good some day.
type mortal struct {
	sdktest.Vendor
	end time.Time
}

func (m *mortal) SessionEnd() (at time.Time, remedy string, ok bool) {
	return m.end, "Get a new token before.", !m.end.IsZero()
}

// TestEndOfASessionIsAnnounced two weeks ahead, once a day in the log, and all the
// time in the plugin's health, which is no worse for it.
func TestEndOfASessionIsAnnounced(t *testing.T) {
	var log await.Log
	c := newClock()
	v := &mortal{end: c.now().Add(20 * 24 * time.Hour)}
	e := engine(t, v, sdk.Options{Now: c.now, MinReadInterval: -1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	day := func() string {
		c.advance(24 * time.Hour)
		for range 5 {
			_, err := e.RefreshCached(t.Context(), "car1")
			require.NoError(t, err)
			c.advance(time.Minute)
		}
		h := health(t, e)
		assert.Equal(t, vehiclev1.HealthState_HEALTH_STATE_READY, h.GetState())
		return h.GetSentence()
	}
	for range 5 {
		assert.Empty(t, day(), "too early to trouble anybody")
	}
	assert.NotContains(t, log.String(), "will end for good")
	for n := 1; n <= 3; n++ {
		assert.Equal(t, "The vendor's session is expected to end on 21 March 2026. Get a new token before.", day())
		assert.Equal(t, n, strings.Count(log.String(), "the session will end for good"), "once a day")
	}
	v.end = c.now().Add(180 * 24 * time.Hour)
	assert.Empty(t, day(), "somebody got a new one")
	v.end = time.Time{}
	assert.Empty(t, day())
}
