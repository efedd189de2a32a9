package europe

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

const parkPosition = `{"coord":{"lat":43.5,"lon":7.25,"alt":12,"type":0},"head":271,"speed":{"value":0,"unit":0},"time":"20260701115500"}`

// The position in the status may be old; the parking position is newer, in whichever
// wrapper it comes.
func TestNewerParkPositionStands(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	for name, message := range map[string]string{
		"bare": parkPosition, "wrapped": `{"gpsDetail":` + parkPosition + `,"drvDistance":[]}`,
	} {
		for _, id := range []string{ccs1ID, ccs2ID} {
			t.Run(name+" "+id, func(t *testing.T) {
				c.intercept(on(parkPath, text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":`+message+`}`)))
				data, err := client.Cached(t.Context(), id)
				require.NoError(t, err)
				assert.InDelta(t, 43.5, data.GetLocation().GetLatitude(), 0)
				assert.InDelta(t, 7.25, data.GetLocation().GetLongitude(), 0)
				assert.InDelta(t, 271, data.GetLocation().GetHeading(), 0)
				assert.Equal(t, summer.Add(-5*time.Minute).UnixMilli(), data.GetLocation().GetObservedAt())
				assert.Positive(t, data.GetBattery().GetSoc())
			})
		}
	}
}

// Nor does an older one replace the position of the status, wherever they come from.
func TestOlderParkPositionDoesNot(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	older := strings.Replace(parkPosition, "20260701115500", "20260620114500", 1)
	for id, car := range map[string]cloudsim.Car{ccs1ID: carCCS1(profile.Kia), ccs2ID: carCCS2(profile.Kia)} {
		c.intercept(on(parkPath, text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":`+older+`}`)))
		data, err := client.Cached(t.Context(), id)
		require.NoError(t, err)
		assert.InDelta(t, car.Latitude, data.GetLocation().GetLatitude(), 0)
	}
}

func TestStatusStandsWithoutParkPosition(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	for name, answer := range map[string]http.HandlerFunc{
		"outage":          text(http.StatusInternalServerError, "<html></html>"),
		"cloud is down":   text(http.StatusServiceUnavailable, `{"retCode":"F","resCode":"5031","resMsg":"Service Temporary Unavailable"}`),
		"quota":           text(509, `{"retCode":"F","resCode":"5091","resMsg":"Exceeds number of requests"}`),
		"unsupported":     text(http.StatusBadRequest, `{"retCode":"F","resCode":"4005","resMsg":"Unsupported control request"}`),
		"session ended":   text(http.StatusUnauthorized, `{"error":"Key not authorized: Token is expired"}`),
		"no answer":       hangUp,
		"no position":     text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":{}}`),
		"no message":      text(http.StatusOK, `{"retCode":"S","resCode":"0000"}`),
		"a text":          text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":"none"}`),
		"no fix":          text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":{"coord":{"lat":0,"lon":0},"time":"20260701114500"}}`),
		"null coordinate": text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":{"gpsDetail":{"coord":{"lat":50,"lon":null}}}}`),
	} {
		for id, car := range map[string]cloudsim.Car{ccs1ID: carCCS1(profile.Kia), ccs2ID: carCCS2(profile.Kia)} {
			t.Run(name+" "+id, func(t *testing.T) {
				c.intercept(on(parkPath, answer))
				data, err := client.Cached(t.Context(), id)
				require.NoError(t, err)
				assert.InDelta(t, car.SoC, data.GetBattery().GetSoc(), 0)
				assert.InDelta(t, car.Latitude, data.GetLocation().GetLatitude(), 0, "the status has a position, too")
				assert.Equal(t, summer.Add(-car.Age).UnixMilli(), data.GetRefresh().GetObservedAt())
				assert.Positive(t, c.seen(parkPath))
			})
		}
	}
}

// What the parking position meets that concerns the account closes it, and the
// reading is good all the same.
func TestParkingPositionTellsWhatConcernsAll(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		reason shared.Reason
	}{
		"limit":            {text(509, `{"retCode":"F","resCode":"5091","resMsg":"Exceeds number of requests"}`), shared.ReasonRateLimited},
		"limit, no code":   {text(509, ""), shared.ReasonRateLimited},
		"too many":         {text(http.StatusTooManyRequests, ""), shared.ReasonRateLimited},
		"the firewall":     {text(http.StatusForbidden, "<html><title>403 Forbidden</title></html>"), shared.ReasonVendorBlocked},
		"client not known": {text(http.StatusUnauthorized, `{"retCode":"F","resCode":"4017","resMsg":"Invalid Application Id"}`), shared.ReasonVendorChanged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{})
			e := c.engine(t)
			c.intercept(on(parkPath, tc.answer))
			d, err := e.RefreshCached(t.Context(), ccs2ID)
			require.NoError(t, err)
			assert.NotNil(t, d.GetBattery().Soc)
			before := c.total()
			_, err = e.RefreshCached(t.Context(), ccs1ID)
			require.ErrorIs(t, err, tc.reason)
			assert.Equal(t, before, c.total(), "nobody is asked")
		})
	}
}

// A park position that is known is not replaced by the one of the status, which may
// be days old, or a target of the navigation.
func TestStatusPositionDoesNotReplaceTheParkPosition(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	e := c.engine(t)
	d, err := e.RefreshCached(t.Context(), ccs2ID)
	require.NoError(t, err)
	latitude := d.GetLocation().GetLatitude()
	c.clock.advance(time.Minute)
	status := c.rewrite(latestCCS2, func(doc map[string]any) {
		vehicle := doc["resMsg"].(map[string]any)["state"].(map[string]any)["Vehicle"].(map[string]any)
		vehicle["Location"] = map[string]any{
			"Date": "20260620100000.000", "GeoCoord": map[string]any{"Latitude": 41.0, "Longitude": 2.0, "Type": 0, "Altitude": 0},
		}
	})
	c.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		return status(w, r) || on(parkPath, text(http.StatusServiceUnavailable, ""))(w, r)
	})
	d, err = e.RefreshCached(t.Context(), ccs2ID)
	require.NoError(t, err)
	assert.InDelta(t, latitude, d.GetLocation().GetLatitude(), 0)
}
