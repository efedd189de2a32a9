package europe

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// If the engine saw a session's end here, it would repeat the whole call and
// wake the car again.
func TestSessionEndsDuringAWake(t *testing.T) {
	t.Parallel()
	for id, path := range map[string]string{ccs1ID: wakeCCS1, ccs2ID: wakeCCS2} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{})
			client := c.ready(t)
			since := baseline(t, client, id)
			c.intercept(c.after(path, c.RevokeSessions))
			data, err := client.Force(t.Context(), id, since)
			if id == ccs1ID {
				require.NoError(t, err, "the car's own answer came with the wake")
				assert.Equal(t, summer, observed(data))
			} else {
				assert.True(t, failure(t, err, shared.ReasonVendorUnavailable).MayHaveHappened)
			}
			assert.Equal(t, 1, c.Wakes(id))
			assert.Equal(t, 1, c.seen(path))

			_, err = client.Vehicles(t.Context())
			require.ErrorIs(t, err, sdk.ErrSessionExpired, "the next call gets the session renewed")
		})
	}
}

func TestFailuresAfterTheTrigger(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	for name, tc := range map[string]struct {
		answer  http.HandlerFunc
		reason  shared.Reason
		rereads int
	}{
		"outage to the end":  {text(http.StatusServiceUnavailable, `{"retCode":"F","resCode":"5031","resMsg":"Service Temporary Unavailable"}`), shared.ReasonVendorUnavailable, 6},
		"gateway to the end": {text(http.StatusBadGateway, "<html></html>"), shared.ReasonVendorUnavailable, 6},
		"no state at all":    {text(http.StatusOK, `{"retCode":"S","resCode":"0000"}`), shared.ReasonVehicleUnreachable, 6},
		"garbage to the end": {text(http.StatusOK, "<html></html>"), shared.ReasonInvalidResponse, 6},
		"car out of reach":   {text(http.StatusBadRequest, `{"retCode":"F","resCode":"4081","resMsg":"Request timeout"}`), shared.ReasonVehicleUnreachable, 6},
		"firewall":           {text(http.StatusForbidden, nginx403), shared.ReasonVendorBlocked, 1},
		"timeout to the end": {text(http.StatusBadRequest, `{"retCode":"F","resCode":"9999","resMsg":"Response timeout"}`), shared.ReasonVendorTimeout, 6},
		"quota":              {text(509, `{"retCode":"F","resCode":"5091","resMsg":"Exceeds number of requests"}`), shared.ReasonRateLimited, 1},
		"client refused":     {text(http.StatusUnauthorized, `{"retCode":"F","resCode":"4017","resMsg":"Invalid Application Id."}`), shared.ReasonVendorChanged, 1},
		"no data":            {text(http.StatusBadRequest, `{"retCode":"F","resCode":"5921","resMsg":"No Data Found v2"}`), shared.ReasonVehicleUnreachable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c.clock.advance(time.Minute) // the wake before this one is over
			blue := c.Wakes(ccs2ID)
			c.intercept(on(latestCCS2, tc.answer))
			_, err := client.Force(t.Context(), ccs2ID, time.Time{})
			assert.True(t, failure(t, err, tc.reason).MayHaveHappened)
			assert.Equal(t, tc.rereads, c.seen(latestCCS2))
			assert.Equal(t, 1, c.Wakes(ccs2ID)-blue)
		})
	}
}

// The car's own answer is not thrown away for want of the cloud's copy, whatever
// became of that; an answer without a state is none.
func TestForceCCS1WithoutTheCopy(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		reason shared.Reason // if the car's answer holds no state either
	}{
		"outage":        {text(http.StatusServiceUnavailable, `{"retCode":"F","resCode":"5031","resMsg":"Service Temporary Unavailable"}`), shared.ReasonVendorUnavailable},
		"no answer":     {hangUp, shared.ReasonVendorUnavailable},
		"garbage":       {text(http.StatusOK, "<html></html>"), shared.ReasonInvalidResponse},
		"no state":      {text(http.StatusOK, `{"retCode":"S","resCode":"0000"}`), shared.ReasonVehicleUnreachable},
		"quota":         {text(509, `{"retCode":"F","resCode":"5091","resMsg":"Exceeds number of requests"}`), shared.ReasonRateLimited},
		"session ended": {text(http.StatusUnauthorized, `{"error":"Key not authorized: Token is expired"}`), shared.ReasonVendorUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			c.clock.advance(time.Minute) // the wake before this one is over
			woken := c.Wakes(ccs1ID)
			c.intercept(on(latestCCS1, tc.answer))
			data, err := client.Force(t.Context(), ccs1ID, time.Time{})
			require.NoError(t, err)
			assert.Equal(t, c.clock.now(), observed(data))
			assert.InDelta(t, 75, data.GetBattery().GetSoc(), 0)
			assert.Zero(t, data.GetDrive().GetOdometer(), "only the copy has it")
			assert.InDelta(t, 48.137154, data.GetLocation().GetLatitude(), 0, "the parking position")
			assert.Positive(t, c.seen(latestCCS1))
			assert.Equal(t, 1, c.Wakes(ccs1ID)-woken)

			c.intercept(both(on(latestCCS1, tc.answer), on(wakeCCS1, text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":{"RetCode":"S","resCode":"200"}}`))))
			data, err = client.Force(t.Context(), ccs1ID, time.Time{})
			assert.True(t, failure(t, err, tc.reason).MayHaveHappened)
			assert.Nil(t, data, "an empty state would wipe what is known")
		})
	}
}

// A trigger that is not understood ends the attempt, or old data would pass for
// new.
func TestTriggerFails(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		reason shared.Reason
	}{
		"HTML":        {text(http.StatusOK, "<html></html>"), shared.ReasonInvalidResponse},
		"empty":       {text(http.StatusOK, ""), shared.ReasonInvalidResponse},
		"low battery": {text(http.StatusBadRequest, `{"retCode":"F","resCode":"4007","resMsg":"Remote control unavailable"}`), shared.ReasonGuardRefused},
		"unsupported": {text(http.StatusBadRequest, `{"retCode":"F","resCode":"4005","resMsg":"Unsupported control request"}`), shared.ReasonUnsupported},
		"firewall":    {text(http.StatusForbidden, nginx403), shared.ReasonVendorBlocked},
	} {
		for id, path := range map[string]string{ccs1ID: wakeCCS1, ccs2ID: wakeCCS2} {
			t.Run(name+" "+id, func(t *testing.T) {
				c.intercept(on(path, tc.answer))
				data, err := client.Force(t.Context(), id, time.Time{})
				fails(t, err, tc.reason)
				assert.Nil(t, data)
				assert.Equal(t, 1, c.total())
			})
		}
	}
}

// Wakes are not repeated once they may have reached the car, also not by the
// HTTP client when a kept connection breaks.
func TestBrokenWakeIsNotRepeated(t *testing.T) {
	t.Parallel()
	for id, path := range map[string]string{ccs1ID: wakeCCS1, ccs2ID: wakeCCS2} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{})
			client := c.ready(t) // leaves a connection to be used again
			c.intercept(on(path, func(w http.ResponseWriter, r *http.Request) {
				c.Cloud.ServeHTTP(httptest.NewRecorder(), r)
				hangUp(w, r)
			}))
			_, err := client.Force(t.Context(), id, time.Time{})
			require.Error(t, err)
			assert.Equal(t, 1, c.seen(path))
			assert.Equal(t, 1, c.Wakes(id))
		})
	}
}

// The gateway gave up waiting, not the car.
func TestWakeThatTimesOutAtTheGatewayMayHaveHappened(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	for id, path := range map[string]string{ccs1ID: wakeCCS1, ccs2ID: wakeCCS2} {
		c.intercept(on(path, text(http.StatusGatewayTimeout, "<html><h1>504 Gateway Time-out</h1></html>")))
		_, err := client.Force(t.Context(), id, time.Time{})
		assert.True(t, failure(t, err, shared.ReasonVendorUnavailable).MayHaveHappened, id)
	}
}

func TestOutageDuringTheRereads(t *testing.T) {
	c := slowly(t)
	client := c.ready(t)
	for name, answer := range map[string]http.HandlerFunc{
		"outage":    text(http.StatusServiceUnavailable, `{"retCode":"F","resCode":"5031","resMsg":"Service Temporary Unavailable"}`),
		"no answer": hangUp,
		"garbage":   text(http.StatusOK, "<html></html>"),
		"no state":  text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":{}}`),
	} {
		t.Run(name, func(t *testing.T) {
			since, woken, begin := baseline(t, client, ccs2ID), c.Wakes(ccs2ID), c.clock.now()
			var rereads atomic.Int32
			c.intercept(on(latestCCS2, func(w http.ResponseWriter, r *http.Request) {
				c.clock.advance(perReread)
				if rereads.Add(1) <= 2 {
					answer(w, r)
					return
				}
				c.Cloud.ServeHTTP(w, r)
			}))
			data, err := client.Force(t.Context(), ccs2ID, since)
			require.NoError(t, err)
			assert.Equal(t, begin.Add(answersAfter), observed(data))
			assert.Equal(t, 3, c.seen(latestCCS2))
			assert.Equal(t, 1, c.Wakes(ccs2ID)-woken)
		})
	}
	t.Run("silent car, outage at the end", func(t *testing.T) {
		c.SetSilent(ccs2ID, true)
		since := baseline(t, client, ccs2ID)
		var rereads atomic.Int32
		c.intercept(before(latestCCS2, func() {
			if rereads.Add(1) == 2 {
				c.SetDown(true)
			}
		}))
		data, err := client.Force(t.Context(), ccs2ID, since)
		require.NoError(t, err)
		assert.Equal(t, vehiclev1.Verdict_VERDICT_SILENT, data.GetRefresh().GetVerdict())
		assert.InDelta(t, 62.5, data.GetBattery().GetSoc(), 0, "what was read before the outage")
	})
}
