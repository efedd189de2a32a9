package europe

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Cars that take 20 s to answer, while the clock moves only when a CCS2 status
// is read: the third re-read finds the answer.
const (
	answersAfter = 20 * time.Second
	perReread    = 9 * time.Second
)

func slowly(t *testing.T) *cloud {
	t.Helper()
	return newCloud(t, cloudsim.Options{ForceDelay: answersAfter})
}

func (c *cloud) ticking() front { return before(latestCCS2, func() { c.clock.advance(perReread) }) }

// baseline is the car's time as the cloud has it before a wake.
func baseline(t *testing.T, client *ccs.Client, id string) time.Time {
	t.Helper()
	data, err := client.Cached(t.Context(), id)
	require.NoError(t, err)
	require.NotNil(t, data.GetRefresh().ObservedAt)
	return time.UnixMilli(data.GetRefresh().GetObservedAt())
}

func observed(d *vehiclev1.VehicleData) time.Time {
	return time.UnixMilli(d.GetRefresh().GetObservedAt()).UTC()
}

func TestForceCCS1(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	since := baseline(t, client, ccs1ID)
	c.intercept(nil)
	data, err := client.Force(t.Context(), ccs1ID, since)
	require.NoError(t, err)
	assert.Equal(t, summer, observed(data))
	assert.Nil(t, data.GetRefresh().Verdict)
	assert.InDelta(t, 75, data.GetBattery().GetSoc(), 0)
	assert.InDelta(t, 48210, data.GetDrive().GetOdometer(), 0, "the answer itself has none")
	assert.InDelta(t, 48.137154, data.GetLocation().GetLatitude(), 0)
	assert.InDelta(t, 80, data.GetAuxBattery().GetSoc(), 0, "a wake costs charge: 80.5 of 81")
	assert.Equal(t, 1, c.Wakes(ccs1ID))
	assert.Zero(t, c.Wakes(ccs2ID))
	assert.Equal(t, 3, c.total(), "wake, copy, parking position")
	assert.Equal(t, 1, c.seen(wakeCCS1))
}

// The cloud's copy may lag behind what the car has just said.
func TestForceCCS1PrefersTheCarsOwnAnswer(t *testing.T) {
	t.Parallel()
	a := account(profile.Kia)
	for i := range a.Cars {
		a.Cars[i].Life = []cloudsim.Phase{{Doing: cloudsim.Charging, For: 5 * time.Hour}}
		a.Cars[i].SoC, a.Cars[i].CapacityKWh = 40, 110
	}
	c := newCloud(t, cloudsim.Options{Accounts: []cloudsim.Account{a}})
	client := c.ready(t)
	c.clock.advance(30 * time.Minute)
	copied := httptest.NewRecorder()
	c.intercept(on(latestCCS1, func(w http.ResponseWriter, r *http.Request) {
		c.Cloud.ServeHTTP(copied, r)
		_, _ = w.Write(copied.Body.Bytes())
	}))
	since := baseline(t, client, ccs1ID)

	c.clock.advance(2 * time.Minute)
	c.intercept(on(latestCCS1, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(copied.Body.Bytes()) }))
	data, err := client.Force(t.Context(), ccs1ID, since)
	require.NoError(t, err)
	assert.Equal(t, summer.Add(32*time.Minute), observed(data))
	assert.InDelta(t, 45.3, data.GetBattery().GetSoc(), 1e-9, "the car's")
	assert.InDelta(t, 48210, data.GetDrive().GetOdometer(), 0, "the copy's")
	assert.InDelta(t, 48.137154, data.GetLocation().GetLatitude(), 0)
}

// Metadata in place of an answer must not take the place of the copy's state.
func TestForceCCS1KeepsTheCopyIfTheAnswerIsEmpty(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	for name, message := range map[string]string{"metadata": `{"ServiceNo":"V0001","RetCode":"S","resCode":"200"}`, "nothing": `null`, "text": `"done"`} {
		c.intercept(on(wakeCCS1, text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":`+message+`}`)))
		data, err := client.Force(t.Context(), ccs1ID, time.Time{})
		require.NoError(t, err, name)
		assert.InDelta(t, 75, data.GetBattery().GetSoc(), 0, name)
		assert.Equal(t, summer.Add(-95*time.Minute), observed(data), "%s: old data stays old", name)
	}
}

func TestForceCCS2(t *testing.T) {
	t.Parallel()
	// The car's clock is compared with itself only.
	for name, skew := range map[string]time.Duration{"our clock is right": 0, "ours is behind": -3 * time.Hour, "ours is ahead": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := slowly(t)
			client := c.ready(t, func(o *ccs.Options) { o.Now = func() time.Time { return c.clock.now().Add(skew) } })
			since := baseline(t, client, ccs2ID)
			c.intercept(c.ticking())
			data, err := client.Force(t.Context(), ccs2ID, since)
			require.NoError(t, err)
			assert.Equal(t, summer.Add(answersAfter), observed(data))
			assert.Nil(t, data.GetRefresh().Verdict)
			assert.InDelta(t, 62.5, data.GetBattery().GetSoc(), 0)
			assert.InDelta(t, 52.516275, data.GetLocation().GetLatitude(), 0)
			assert.Equal(t, 1, c.Wakes(ccs2ID))
			assert.Equal(t, 1, c.seen(wakeCCS2))
			assert.Equal(t, 3, c.seen(latestCCS2), "not one re-read more than needed")
			assert.Equal(t, 1, c.seen(parkPath))
			assert.Equal(t, 5, c.total())
		})
	}
}

// Without a baseline the car must have reported after the trigger.
func TestForceCCS2WithoutBaseline(t *testing.T) {
	t.Parallel()
	t.Run("answers", func(t *testing.T) {
		t.Parallel()
		c := slowly(t)
		client := c.ready(t)
		c.intercept(c.ticking())
		data, err := client.Force(t.Context(), ccs2ID, time.Time{})
		require.NoError(t, err)
		assert.Equal(t, summer.Add(answersAfter), observed(data))
		assert.Equal(t, 3, c.seen(latestCCS2))
	})
	t.Run("silent", func(t *testing.T) {
		t.Parallel()
		c := slowly(t)
		client := c.ready(t)
		c.SetSilent(ccs2ID, true)
		c.intercept(c.ticking())
		data, err := client.Force(t.Context(), ccs2ID, time.Time{})
		require.NoError(t, err)
		assert.Equal(t, vehiclev1.Verdict_VERDICT_SILENT, data.GetRefresh().GetVerdict(), "the copy is twelve minutes old")
	})
	t.Run("within the trigger's second", func(t *testing.T) {
		t.Parallel()
		// Vendors count whole seconds.
		c := newCloud(t, cloudsim.Options{ForceDelay: time.Nanosecond})
		c.clock.set(summer.Add(700 * time.Millisecond))
		client := c.ready(t)
		c.intercept(both(
			c.rewrite(latestCCS2, func(doc map[string]any) {
				message := doc["resMsg"].(map[string]any)
				delete(message, "lastUpdateTime")
				message["state"].(map[string]any)["Vehicle"].(map[string]any)["Date"] = summer.Format("20060102150405")
			}),
			c.after(wakeCCS2, func() { c.clock.advance(time.Millisecond) }),
		))
		data, err := client.Force(t.Context(), ccs2ID, time.Time{})
		require.NoError(t, err)
		assert.Nil(t, data.GetRefresh().Verdict)
	})
}

func TestForceSilentCCS2(t *testing.T) {
	t.Parallel()
	c := slowly(t)
	c.SetSilent(ccs2ID, true)
	client := c.ready(t, withRereads(rereads(5)...))
	since := baseline(t, client, ccs2ID)
	c.intercept(c.ticking())
	data, err := client.Force(t.Context(), ccs2ID, since)
	require.NoError(t, err)
	assert.Equal(t, vehiclev1.Verdict_VERDICT_SILENT, data.GetRefresh().GetVerdict())
	assert.True(t, since.Equal(observed(data)), "old data stays old")
	assert.InDelta(t, 62.5, data.GetBattery().GetSoc(), 0)
	assert.InDelta(t, 52.516275, data.GetLocation().GetLatitude(), 0)
	assert.Equal(t, 1, c.Wakes(ccs2ID))
	assert.Equal(t, 1, c.seen(wakeCCS2))
	assert.Equal(t, 5, c.seen(latestCCS2))
	assert.Equal(t, 7, c.total())
}

func TestForceSilentCCS1(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	c.SetSilent(ccs1ID, true)
	client := c.ready(t)
	c.intercept(nil)
	_, err := client.Force(t.Context(), ccs1ID, baseline(t, client, ccs1ID))
	e := failure(t, err, shared.ReasonVehicleUnreachable)
	assert.Equal(t, 10*time.Minute, e.RetryAfter)
	assert.Equal(t, "4081", e.VendorCode)
	assert.True(t, e.Temporary)
	assert.Equal(t, 1, c.Wakes(ccs1ID))
	assert.Equal(t, 1, c.seen(wakeCCS1))
}

func TestForceWhileAnotherWakeIsOpen(t *testing.T) {
	t.Parallel()
	c := slowly(t) // the clock stands, so the first wake stays open
	client := c.ready(t)
	first, err := client.Force(t.Context(), ccs2ID, time.Time{})
	require.NoError(t, err)
	require.Equal(t, vehiclev1.Verdict_VERDICT_SILENT, first.GetRefresh().GetVerdict())
	c.intercept(nil)
	_, err = client.Force(t.Context(), ccs2ID, time.Time{})
	e := failure(t, err, shared.ReasonVehicleBusy)
	assert.Equal(t, time.Minute, e.RetryAfter)
	assert.False(t, e.MayHaveHappened)
	assert.Equal(t, 1, c.Wakes(ccs2ID))
	assert.Equal(t, 1, c.seen(wakeCCS2), "one try")

	// The answer to the open wake comes while we wait for it.
	c.intercept(before(latestCCS2, sync.OnceFunc(func() { c.clock.advance(answersAfter) })))
	joined, err := client.Force(t.Context(), ccs2ID, observed(first))
	require.NoError(t, err)
	assert.Greater(t, joined.GetRefresh().GetObservedAt(), first.GetRefresh().GetObservedAt())
	assert.NotEqual(t, vehiclev1.Verdict_VERDICT_SILENT, joined.GetRefresh().GetVerdict())
	assert.Equal(t, 1, c.Wakes(ccs2ID), "the other's wake served")
}

func TestForceCCS1WhileAnotherWakeIsOpen(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{ForceDelay: forever})
	client := c.ready(t)
	waking := make(chan struct{}, 1)
	c.intercept(before(wakeCCS1, func() { waking <- struct{}{} }))
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := client.Force(ctx, ccs1ID, time.Time{})
		first <- err
	}()
	await.Value(t, "the wake", waking)
	await.True(t, "the wake has reached the cloud", func() bool { return c.Wakes(ccs1ID) == 1 })
	_, err := client.Force(t.Context(), ccs1ID, time.Time{})
	fails(t, err, shared.ReasonVehicleBusy)
	cancel()
	require.ErrorIs(t, await.Value(t, "the end of the first", first), context.Canceled)
	assert.Equal(t, 1, c.Wakes(ccs1ID))
}

func TestForceHonoursTheContext(t *testing.T) {
	c := newCloud(t, cloudsim.Options{ForceDelay: time.Nanosecond})
	client := c.ready(t, withRereads(time.Nanosecond))
	for name, tc := range map[string]struct{ id, path string }{
		"CCS1 waits for the car":          {ccs1ID, wakeCCS1},
		"CCS1 reads the copy":             {ccs1ID, latestCCS1},
		"CCS2 triggers":                   {ccs2ID, wakeCCS2},
		"CCS2 re-reads":                   {ccs2ID, latestCCS2},
		"CCS2 reads the parking position": {ccs2ID, parkPath},
		"CCS1 reads the parking position": {ccs1ID, parkPath},
	} {
		t.Run(name, func(t *testing.T) {
			c.clock.advance(time.Minute) // the wake before this one is over
			woken := c.Wakes(tc.id)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c.intercept(on(tc.path, func(w http.ResponseWriter, r *http.Request) {
				cancel()
				hang(w, r)
			}))
			_, err := client.Force(ctx, tc.id, time.Time{})
			require.ErrorIs(t, err, context.Canceled)
			assert.LessOrEqual(t, c.Wakes(tc.id)-woken, 1)
		})
	}
	t.Run("CCS2 waits for the first re-read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, piped := newPipedCloud(t, cloudsim.Options{ForceDelay: time.Nanosecond})
			client := c.ready(t, piped, withRereads(forever))
			c.intercept(nil)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				_, err := client.Force(ctx, ccs2ID, time.Time{})
				ended <- err
			}()

			synctest.Wait() // until it can do nothing but wait
			assert.Equal(t, 1, c.Wakes(ccs2ID))
			assert.Empty(t, ended)
			begun := time.Now()
			cancel()
			require.ErrorIs(t, <-ended, context.Canceled)
			assert.Zero(t, time.Since(begun), "at once")
			assert.Zero(t, c.seen(latestCCS2))
		})
	})
}

func TestDefaultRereads(t *testing.T) {
	t.Parallel()
	var seconds []float64
	for _, after := range newClient(t, ccs.Options{Profile: brandProfile(t, profile.Kia, "")}).Account().Options.RereadAfter {
		seconds = append(seconds, after.Seconds())
	}
	assert.Equal(t, []float64{3, 8, 22, 30, 45, 65, 90, 115, 140}, seconds)
}
