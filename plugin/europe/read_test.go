package europe

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func TestVehicleList(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	vehicles, err := client.Vehicles(t.Context())
	require.NoError(t, err)
	require.Len(t, vehicles, 2)
	blue, red := vehicles[0], vehicles[1]
	assert.Equal(t, ccs2ID, blue.GetId())
	assert.Equal(t, "KMHTEST00EV000001", blue.GetVin())
	assert.Equal(t, "Blue", blue.GetName())
	assert.Equal(t, "IONIQ 5", blue.GetModel())
	assert.Equal(t, int32(2024), blue.GetModelYear())
	assert.Equal(t, "2024-03-02 09:14:55.120", blue.GetRegistrationDate())
	assert.Equal(t, "kia", blue.GetBrand())
	assert.Equal(t, "Europe/Berlin", blue.GetTimeZone())
	assert.Equal(t, int32(1), blue.GetCcs2Support())
	assert.Equal(t, vehiclev1.EngineType_ENGINE_TYPE_EV, blue.GetEngineType())
	assert.Equal(t, ccs1ID, red.GetId())
	assert.Zero(t, red.GetCcs2Support())
	assert.Equal(t, vehiclev1.EngineType_ENGINE_TYPE_PHEV, red.GetEngineType())
	assert.NotContains(t, client.Account().Options.Redactor.String("the car KMHTEST00EV000001"), "KMHTEST")
}

func TestOddVehicleLists(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		message string
		check   func(t *testing.T, vehicles []*vehiclev1.Vehicle)
	}{
		"no cars": {`{"vehicles":[]}`, func(t *testing.T, vehicles []*vehiclev1.Vehicle) {
			t.Helper()
			assert.Empty(t, vehicles)
		}},
		"a very old car": {`{"vehicles":[{"vehicleId":"old","vehicleName":"i30"}]}`, func(t *testing.T, vehicles []*vehiclev1.Vehicle) {
			t.Helper()
			require.Len(t, vehicles, 1)
			assert.Zero(t, vehicles[0].GetCcs2Support())
			assert.Equal(t, "i30", vehicles[0].GetName(), "without a nickname the model names it")
			assert.Nil(t, vehicles[0].EngineType)
			assert.Nil(t, vehicles[0].Vin)
			assert.Nil(t, vehicles[0].ModelYear)
		}},
		"engine types": {
			`{"vehicles":[{"vehicleId":"a","type":"GN"},{"vehicleId":"b","type":"EV"},{"vehicleId":"c","type":"PHEV"},{"vehicleId":"d","type":"PE"},
			{"vehicleId":"e","type":"HV"},{"vehicleId":"f","type":"P"}]}`,
			func(t *testing.T, vehicles []*vehiclev1.Vehicle) {
				t.Helper()
				var types []vehiclev1.EngineType
				for _, v := range vehicles {
					types = append(types, v.GetEngineType())
				}
				assert.Equal(t, []vehiclev1.EngineType{
					vehiclev1.EngineType_ENGINE_TYPE_ICE, vehiclev1.EngineType_ENGINE_TYPE_EV, vehiclev1.EngineType_ENGINE_TYPE_PHEV,
					vehiclev1.EngineType_ENGINE_TYPE_PHEV, vehiclev1.EngineType_ENGINE_TYPE_HEV, vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED,
				}, types)
			},
		},
		"loose types": {
			`{"vehicles":[{"vehicleId":7,"year":2023,"ccuCCS2ProtocolSupport":"1"},{"vehicleId":"b","ccuCCS2ProtocolSupport":true},{"vehicleId":"c","ccuCCS2ProtocolSupport":3}]}`,
			func(t *testing.T, vehicles []*vehiclev1.Vehicle) {
				t.Helper()
				require.Len(t, vehicles, 3)
				assert.Equal(t, "7", vehicles[0].GetId())
				assert.Equal(t, int32(2023), vehicles[0].GetModelYear())
				for i, want := range []int32{1, 1, 3} {
					assert.Equal(t, want, vehicles[i].GetCcs2Support())
				}
			},
		},
		"a car without an id": {`{"vehicles":[{"vin":"x"},{"vehicleId":"b"},null,"car"]}`, func(t *testing.T, vehicles []*vehiclev1.Vehicle) {
			t.Helper()
			require.Len(t, vehicles, 1)
			assert.Equal(t, "b", vehicles[0].GetId())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vehicles, err := scripted(t, text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":`+tc.message+`}`)).Vehicles(t.Context())
			require.NoError(t, err)
			tc.check(t, vehicles)
		})
	}
	// An empty list would make the engine forget every car.
	for name, message := range map[string]string{
		"missing": `{}`, "null": `{"vehicles":null}`, "text": `{"vehicles":"none"}`, "object": `{"vehicles":{}}`, "list": `[]`, "nothing": `null`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := scripted(t, text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":`+message+`}`)).Vehicles(t.Context())
			fails(t, err, shared.ReasonInvalidResponse)
		})
	}
}

func TestReadOfParkedCars(t *testing.T) {
	t.Parallel()
	for season, at := range map[string]time.Time{"summer": summer, "winter": winter} {
		t.Run(season, func(t *testing.T) {
			t.Parallel()
			clock := &clock{t: at}
			c := newCloud(t, cloudsim.Options{Now: clock.now})
			c.clock = clock
			client := c.ready(t)

			blue, err := client.Cached(t.Context(), ccs2ID)
			require.NoError(t, err)
			car := carCCS2(profile.Kia)
			for name, v := range map[string]struct{ want, got float64 }{
				"charge":           {62.5, blue.GetBattery().GetSoc()},
				"energy":           {45, blue.GetBattery().GetEnergy()},
				"capacity":         {72, blue.GetBattery().GetCapacity()},
				"odometer":         {21477.3, blue.GetDrive().GetOdometer()},
				"12 V":             {88, blue.GetAuxBattery().GetSoc()},
				"limit AC":         {80, blue.GetCharging().GetLimitAc()},
				"limit DC":         {100, blue.GetCharging().GetLimitDc()},
				"range":            {250, blue.GetRange().GetTotal()},
				"electric range":   {250, blue.GetRange().GetElectric()},
				"range at AC":      {320, blue.GetRange().GetAtLimitAc()},
				"range at DC":      {400, blue.GetRange().GetAtLimitDc()},
				"latitude":         {car.Latitude, blue.GetLocation().GetLatitude()},
				"longitude":        {car.Longitude, blue.GetLocation().GetLongitude()},
				"front left tyre":  {245, blue.GetTires().GetFrontLeftPressure()},
				"outside":          {14.5, blue.GetClimate().GetOutsideTemperature()},
				"time left":        {0, blue.GetCharging().GetTimeToLimit()},
				"charging power":   {0, blue.GetCharging().GetPower()},
				"state of health":  {100, blue.GetBattery().GetSoh()},
				"V2L stops at":     {20, blue.GetCharging().GetV2LLimit()},
				"front right tyre": {250, blue.GetTires().GetFrontRightPressure()},
			} {
				assert.InDelta(t, v.want, v.got, 1e-9, name)
			}
			assert.True(t, blue.GetDoors().GetLocked())
			assert.False(t, blue.GetDrive().GetRunning())
			require.NotNil(t, blue.GetCharging().PluggedIn)
			assert.False(t, blue.GetCharging().GetPluggedIn())
			assert.False(t, blue.GetCharging().GetCharging())
			assert.Nil(t, blue.GetRange().Fuel)
			assert.Equal(t, at.Add(-car.Age).UnixMilli(), blue.GetRefresh().GetObservedAt())
			assert.Equal(t, at.Add(-car.Age).UnixMilli(), blue.GetLocation().GetObservedAt())
			assert.Nil(t, blue.GetRefresh().Verdict, "what a reading proves is the engine's to say")

			red, err := client.Cached(t.Context(), ccs1ID)
			require.NoError(t, err)
			car = carCCS1(profile.Kia)
			for name, v := range map[string]struct{ want, got float64 }{
				"charge":         {75, red.GetBattery().GetSoc()},
				"odometer":       {48210, red.GetDrive().GetOdometer()},
				"12 V":           {81, red.GetAuxBattery().GetSoc()},
				"limit AC":       {90, red.GetCharging().GetLimitAc()},
				"limit DC":       {70, red.GetCharging().GetLimitDc()},
				"electric range": {60, red.GetRange().GetElectric()},
				"fuel range":     {450, red.GetRange().GetFuel()},
				"range":          {510, red.GetRange().GetTotal()},
				"range at AC":    {72, red.GetRange().GetAtLimitAc()},
				"range at DC":    {56, red.GetRange().GetAtLimitDc()},
				"fuel":           {50, red.GetFuel().GetLevel()},
				"temperature":    {21, red.GetClimate().GetSetTemperature()},
				"latitude":       {car.Latitude, red.GetLocation().GetLatitude()},
				"longitude":      {car.Longitude, red.GetLocation().GetLongitude()},
			} {
				assert.InDelta(t, v.want, v.got, 1e-9, name)
			}
			assert.True(t, red.GetDoors().GetLocked())
			require.NotNil(t, red.GetCharging().PluggedIn)
			assert.False(t, red.GetCharging().GetPluggedIn())
			assert.Equal(t, at.Add(-car.Age).UnixMilli(), red.GetRefresh().GetObservedAt(), "Berlin's time became UTC")
			assert.Equal(t, at.Add(-car.Age).UnixMilli(), red.GetLocation().GetObservedAt())
			assert.Zero(t, c.Calls(cloudsim.Wake))
		})
	}
}

func TestReadOfBusyCars(t *testing.T) {
	t.Parallel()
	a := account(profile.Kia)
	for i := range a.Cars {
		a.Cars[i].Life = []cloudsim.Phase{{Doing: cloudsim.Charging, For: 30 * time.Minute}, {Doing: cloudsim.Driving, For: time.Hour}}
		a.Cars[i].CapacityKWh, a.Cars[i].SoC = 110, 40
	}
	c := newCloud(t, cloudsim.Options{Accounts: []cloudsim.Account{a}})
	client := c.ready(t)
	c.clock.advance(12 * time.Minute) // the last report was at 10 minutes
	for _, id := range []string{ccs2ID, ccs1ID} {
		data, err := client.Cached(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, summer.Add(10*time.Minute).UnixMilli(), data.GetRefresh().GetObservedAt(), id)
		assert.InDelta(t, 41.7, data.GetBattery().GetSoc(), 1e-9, id) // 11 kW for 10 min into 110 kWh
		assert.True(t, data.GetCharging().GetPluggedIn(), id)
		assert.True(t, data.GetCharging().GetCharging(), id)
		assert.True(t, data.GetCharging().GetPortOpen(), id)
		assert.InDelta(t, 11, data.GetCharging().GetPower(), 0, id)
		assert.Positive(t, data.GetCharging().GetTimeToLimit(), id)
	}
	c.clock.advance(28 * time.Minute)
	for _, id := range []string{ccs2ID, ccs1ID} {
		data, err := client.Cached(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, summer.Add(40*time.Minute).UnixMilli(), data.GetRefresh().GetObservedAt(), id)
		assert.Equal(t, summer.Add(40*time.Minute).UnixMilli(), data.GetLocation().GetObservedAt(), id)
		assert.True(t, data.GetDrive().GetRunning(), id)
		require.NotNil(t, data.GetDoors().Locked, id)
		assert.False(t, data.GetDoors().GetLocked(), id)
		assert.False(t, data.GetCharging().GetPluggedIn(), id)
		assert.True(t, data.GetClimate().GetOn(), id)
		assert.InDelta(t, 60, data.GetLocation().GetSpeed(), 0, id)
	}
}

func TestReadFailures(t *testing.T) {
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	const metadata = `{"retCode":"S","resCode":"0000","resMsg":{"ServiceNo":"V0001","svcTime":"20260701100000","RetCode":"S","resCode":"200","SID":"x"}}`
	for name, answer := range map[string]http.HandlerFunc{
		"metadata":        text(http.StatusOK, metadata),
		"no message":      text(http.StatusOK, `{"retCode":"S","resCode":"0000"}`),
		"null":            text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":null}`),
		"empty":           text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":{}}`),
		"empty state":     text(http.StatusOK, `{"retCode":"S","resMsg":{"lastUpdateTime":"1782914400000","vehicleStatusInfo":{"odometer":{"value":1234,"unit":1},"vehicleStatus":{}},"state":{"Vehicle":{}}}}`),
		"state of nulls":  text(http.StatusOK, `{"retCode":"S","resMsg":{"lastUpdateTime":"1782914400000","vehicleStatusInfo":{"vehicleStatus":{"doorLock":null,"evStatus":null,"time":"20260701160000"}},"state":{"Vehicle":{"Green":null,"Cabin":{},"Date":"20260701140000"}}}}`),
		"state is a text": text(http.StatusOK, `{"retCode":"S","resMsg":{"vehicleStatusInfo":{"vehicleStatus":"none"},"state":{"Vehicle":"none"}}}`),
		"state is a list": text(http.StatusOK, `{"retCode":"S","resMsg":{"vehicleStatusInfo":{"vehicleStatus":[]},"state":{"Vehicle":[]}}}`),
	} {
		for id, path := range map[string]string{ccs1ID: latestCCS1, ccs2ID: latestCCS2} {
			t.Run(name+" "+id, func(t *testing.T) {
				c.intercept(on(path, answer))
				data, err := client.Cached(t.Context(), id)
				fails(t, err, shared.ReasonVehicleUnreachable)
				assert.Nil(t, data, "an empty state would wipe what is known")
				assert.Zero(t, c.seen(parkPath), "a call saved")
			})
		}
	}
	t.Run("the time to wait is the server's", func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			"120": 2 * time.Minute, "99999999999": 24 * time.Hour, "-5": 0, "soon": 0, "": 0,
			c.clock.now().Add(time.Hour).UTC().Format(http.TimeFormat):  time.Hour,
			c.clock.now().Add(-time.Hour).UTC().Format(http.TimeFormat): 0,
		} {
			c.intercept(on(latestCCS2, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", value)
				w.WriteHeader(http.StatusServiceUnavailable)
			}))
			_, err := client.Cached(t.Context(), ccs2ID)
			assert.Equal(t, want, failure(t, err, shared.ReasonVendorUnavailable).RetryAfter, value)
			assert.Equal(t, want > 0, sdk.HasClosure(err), value)
		}
	})
	t.Run("outage", func(t *testing.T) {
		c.intercept(nil)
		c.SetDown(true)
		defer c.SetDown(false)
		_, err := client.Cached(t.Context(), ccs1ID)
		e := failure(t, err, shared.ReasonVendorUnavailable)
		assert.Equal(t, 5*time.Minute, e.RetryAfter)
	})
	t.Run("a car that the list has not shown", func(t *testing.T) {
		before := c.total()
		_, err := client.Cached(t.Context(), "hyundai-ccs1")
		fails(t, err, shared.ReasonUnknownVehicle)
		_, err = client.Force(t.Context(), "hyundai-ccs1", time.Time{})
		fails(t, err, shared.ReasonUnknownVehicle)
		assert.Equal(t, before, c.total(), "nobody is asked")
	})
}

// A CCS2 car that the list shows as CCS1 answers a wake with metadata that look
// like a success.
func TestCCS2CarAskedAsCCS1(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.client(t, profile.Kia)
	require.NoError(t, client.Login(t.Context()))
	c.intercept(c.rewrite(listPath, func(doc map[string]any) {
		for _, v := range doc["resMsg"].(map[string]any)["vehicles"].([]any) {
			v.(map[string]any)["ccuCCS2ProtocolSupport"] = 0
		}
	}))
	_, err := client.Vehicles(t.Context())
	require.NoError(t, err)

	c.intercept(on(latestCCS1, func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.TrimSuffix(r.URL.Path, "/latest")
		c.Cloud.ServeHTTP(w, r)
	}))
	data, err := client.Force(t.Context(), ccs2ID, time.Time{})
	fails(t, err, shared.ReasonVehicleUnreachable)
	assert.Nil(t, data)
}

func TestReadsNeverWake(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	c.intercept(nil)
	for range 5 {
		for _, id := range []string{ccs1ID, ccs2ID} {
			_, err := client.Cached(t.Context(), id)
			require.NoError(t, err)
		}
		c.clock.advance(time.Hour)
	}
	assert.Zero(t, c.Wakes(ccs1ID)+c.Wakes(ccs2ID))
	assert.Zero(t, c.Calls(cloudsim.Wake))
	assert.Equal(t, 20, c.total(), "status and parking position, nothing else")
}

func TestHeadersOfTheVehicleAPI(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	var mu sync.Mutex
	headers := map[string]http.Header{}
	c.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		headers[strings.TrimPrefix(r.URL.Path, listPath)] = r.Header
		return false
	})
	calls := []func(context.Context) error{
		func(ctx context.Context) error { _, err := client.Vehicles(ctx); return err },
		func(ctx context.Context) error { _, err := client.Cached(ctx, ccs1ID); return err },
		func(ctx context.Context) error { _, err := client.Cached(ctx, ccs2ID); return err },
	}
	for _, call := range calls {
		c.clock.advance(time.Second)
		require.NoError(t, call(t.Context()))
	}
	kia := brandProfile(t, profile.Kia, "")
	for path, want := range map[string]struct {
		dialect string
		call    int
	}{
		"":                        {"0", 1},
		"/" + ccs1ID + latestCCS1: {"0", 2},
		"/" + ccs1ID + parkPath:   {"0", 2},
		"/" + ccs2ID + latestCCS2: {"1", 3},
		"/" + ccs2ID + parkPath:   {"1", 3},
	} {
		h := headers[path]
		require.NotNil(t, h, path)
		assert.Equal(t, want.dialect, h.Get("Ccuccs2protocolsupport"), path)
		assert.Equal(t, kia.ServiceID, h.Get("ccsp-service-id"), path)
		assert.Equal(t, kia.AppID, h.Get("ccsp-application-id"), path)
		assert.Equal(t, client.Account().Session().DeviceID, h.Get("ccsp-device-id"), path)
		assert.Equal(t, "Bearer "+client.Account().Session().AccessToken, h.Get("Authorization"), path)
		assert.Equal(t, "okhttp/3.12.0", h.Get("User-Agent"), path)
		stamped, ok := kia.CheckStamp(h.Get("Stamp"))
		assert.True(t, ok, path)
		assert.Equal(t, strconv.FormatInt(summer.Add(time.Duration(want.call)*time.Second).Unix(), 10), stamped, "%s: a stamp for each request", path)
	}
}

func TestManyReadsAtOnce(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	var wg sync.WaitGroup
	for range 10 {
		for id, soc := range map[string]float64{ccs1ID: 75, ccs2ID: 62.5} {
			wg.Go(func() {
				data, err := client.Cached(t.Context(), id)
				assert.NoError(t, err)
				assert.InDelta(t, soc, data.GetBattery().GetSoc(), 0)
			})
		}
		wg.Go(func() {
			_, err := client.Vehicles(t.Context())
			assert.NoError(t, err)
		})
	}
	// One renewal at a time is allowed beside the calls.
	wg.Go(func() { assert.NoError(t, client.Renew(t.Context())) })
	wg.Wait()
}

func TestReadHonoursTheContext(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t)
	for _, path := range []string{latestCCS2, parkPath} {
		ctx, cancel := context.WithCancel(t.Context())
		c.intercept(on(path, func(w http.ResponseWriter, r *http.Request) {
			cancel()
			hang(w, r)
		}))
		_, err := client.Cached(ctx, ccs2ID)
		require.ErrorIs(t, err, context.Canceled, path)
	}
}
