package europe

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// carsIn is a cloud whose cars live in a zone.
func carsIn(t *testing.T, zone string) *cloud {
	t.Helper()
	a := account(profile.Kia)
	for i := range a.Cars {
		a.Cars[i].TimeZone = zone
	}
	return newCloud(t, cloudsim.Options{Accounts: []cloudsim.Account{a}})
}

func age(c *cloud, d *vehiclev1.VehicleData) time.Duration {
	return c.clock.now().Sub(time.UnixMilli(d.GetRefresh().GetObservedAt()))
}

// A car's own times are of its own zone. The answer to a wake shows it; then one wake is
// enough for all that is asked within its age, wherever the car lives.
func TestZoneOfTheCar(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Europe/Berlin", "Europe/London", "Europe/Helsinki", "Atlantic/Azores", "Asia/Kolkata"} {
		for season, at := range map[string]time.Time{"summer": summer, "winter": winter.AddDate(1, 0, 0)} {
			t.Run(zone+" "+season, func(t *testing.T) {
				t.Parallel()
				c := carsIn(t, zone)
				c.clock.set(at)
				dir := t.TempDir()
				e := c.keptEngine(t, dir)
				d, err := e.RefreshForce(t.Context(), ccs1ID)
				require.NoError(t, err)
				assert.Equal(t, vehiclev1.Verdict_VERDICT_FRESH, d.GetRefresh().GetVerdict())
				assert.Zero(t, age(c, d))
				for range 3 {
					c.clock.advance(5 * time.Minute)
					_, err = e.RefreshSmart(t.Context(), ccs1ID, 30*time.Minute)
					require.NoError(t, err)
				}
				assert.Equal(t, 1, c.Attempts(cloudsim.Wake))

				require.NoError(t, e.Close(context.WithoutCancel(t.Context())))
				e = c.keptEngine(t, dir)
				d, err = e.RefreshCached(t.Context(), ccs1ID)
				require.NoError(t, err)
				assert.Equal(t, 15*time.Minute, age(c, d), "what was learnt outlives the process")
				assert.Equal(t, c.clock.now().Add(-15*time.Minute).UnixMilli(), d.GetRefresh().GetObservedAt())
				require.NoError(t, e.Close(context.WithoutCancel(t.Context())))
			})
		}
	}
}

// What is no answer to the wake teaches nothing: an old copy may be a whole hour old.
func TestOldAnswerTeachesNoZone(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	e := c.engine(t)
	_, err := e.RefreshForce(t.Context(), ccs1ID)
	require.NoError(t, err)
	c.clock.advance(time.Hour)
	c.SetSilent(ccs1ID, true)
	c.intercept(on(wakeCCS1, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"retCode":"S","resCode":"0000","resMsg":{"time":"20260701120000","doorLock":true,"evStatus":{"batteryStatus":75}}}`))
	}))
	d, err := e.RefreshForce(t.Context(), ccs1ID)
	require.NoError(t, err)
	assert.Equal(t, vehiclev1.Verdict_VERDICT_UNCHANGED, d.GetRefresh().GetVerdict())
	assert.Equal(t, time.Hour, age(c, d))
}

// A zone in which the car's next report lies ahead of now was none: the answer that taught
// it was two hours old to the minute.
func TestAZoneWithReportsOfTheFutureIsForgotten(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	e := c.engine(t)
	reports := func(clock string) front {
		return c.rewrite(latestCCS1, func(doc map[string]any) {
			doc["resMsg"].(map[string]any)["vehicleStatusInfo"].(map[string]any)["vehicleStatus"].(map[string]any)["time"] = "20260701" + clock
		})
	}
	c.intercept(both(reports("070000"), on(wakeCCS1, text(http.StatusOK,
		`{"retCode":"S","resCode":"0000","resMsg":{"time":"20260701100000","doorLock":true,"evStatus":{"batteryStatus":75}}}`))))
	_, err := e.RefreshForce(t.Context(), ccs1ID)
	require.NoError(t, err)

	c.clock.advance(10 * time.Minute)
	c.intercept(reports("120900")) // a minute ago, in Berlin
	d, err := e.RefreshCached(t.Context(), ccs1ID)
	require.NoError(t, err)
	assert.Equal(t, time.Minute, age(c, d))
}

// A car that speaks CCS2 tells its position twice: in the status, with a time that is
// absolute, and where it is parked, with one of its own.
func TestZoneOfTheParkingPosition(t *testing.T) {
	t.Parallel()
	c := carsIn(t, "Europe/London")
	d, err := c.ready(t).Cached(t.Context(), ccs2ID)
	require.NoError(t, err)
	moved := summer.Add(-carCCS2(profile.Kia).Age)
	assert.Equal(t, moved.UnixMilli(), d.GetLocation().GetObservedAt())

	london := `{"coord":{"lat":43.5,"lon":7.25},"time":"20260701105500"}` // five minutes ago
	client := c.ready(t)
	_, err = client.Cached(t.Context(), ccs2ID)
	require.NoError(t, err)
	c.intercept(on(parkPath, text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":`+london+`}`)))
	d, err = client.Cached(t.Context(), ccs2ID)
	require.NoError(t, err)
	assert.InDelta(t, 43.5, d.GetLocation().GetLatitude(), 0)
	assert.Equal(t, summer.Add(-5*time.Minute).UnixMilli(), d.GetLocation().GetObservedAt())
}

// The cloud repeats an old status time beside new data; a newer position shows that the
// data are new.
func TestNewDataUnderAnOldTime(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]string{"same": "20260701102500", "older": "20260701095500"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{})
			e := c.engine(t)
			_, err := e.RefreshCached(t.Context(), ccs1ID)
			require.NoError(t, err)
			c.clock.advance(2 * time.Hour)
			c.intercept(both(
				c.rewrite(latestCCS1, func(doc map[string]any) {
					info := doc["resMsg"].(map[string]any)["vehicleStatusInfo"].(map[string]any)
					own := info["vehicleStatus"].(map[string]any)
					own["time"], own["evStatus"].(map[string]any)["batteryStatus"] = status, 41
					info["odometer"] = map[string]any{"value": 48260, "unit": 1}
					location := info["vehicleLocation"].(map[string]any)
					location["time"], location["coord"].(map[string]any)["lat"] = "20260701135000", 48.99
				}),
				on(parkPath, text(http.StatusServiceUnavailable, "")),
			))
			d, err := e.RefreshCached(t.Context(), ccs1ID)
			require.NoError(t, err)
			assert.InDelta(t, 41, d.GetBattery().GetSoc(), 0)
			assert.InDelta(t, 48.99, d.GetLocation().GetLatitude(), 0)
			assert.Equal(t, 10*time.Minute, age(c, d))
			assert.Equal(t, vehiclev1.Verdict_VERDICT_FRESH, d.GetRefresh().GetVerdict())
		})
	}
}
