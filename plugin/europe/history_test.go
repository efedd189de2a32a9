package europe

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

const (
	drivingPath = "/drvhistory"
	tripsPath   = "/tripinfo"
)

// historyRetry is how long a request that failed is left alone.
const historyRetry = 6 * time.Hour

func withHistory(every time.Duration) func(*ccs.Options) {
	return func(o *ccs.Options) { o.HistoryEvery = every }
}

// answers is a front for both requests; nil leaves one to the cloud.
func answers(driving, trips http.HandlerFunc) front {
	leave := func(http.ResponseWriter, *http.Request) bool { return false }
	one, two := front(leave), front(leave)
	if driving != nil {
		one = on(drivingPath, driving)
	}
	if trips != nil {
		two = on(tripsPath, trips)
	}
	return both(one, two)
}

const (
	drivingAnswer = `{"retCode":"S","resCode":"0000","resMsg":{"drivingInfo":[{"drivingPeriod":0,"totalPwrCsp":15000,"regenPwr":3000,"calculativeOdo":100}],
		"drivingInfoDetail":[{"drivingDate":"20260701","totalPwrCsp":500,"calculativeOdo":3}]}}`
	monthAnswer = `{"retCode":"S","resCode":"0000","resMsg":{"monthTripDayCnt":1,"tripDist":30,"tripDayList":[{"tripDayInMonth":"20260701","tripCntDay":1}]}}`
	dayAnswer   = `{"retCode":"S","resCode":"0000","resMsg":{"dayTripList":[{"tripDay":"20260701","tripDist":30,"tripList":[{"tripTime":"081530","tripDist":30}]}]}}`
)

// tripAnswer answers by what was asked for.
func tripAnswer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if strings.Contains(string(body), "setTripDay") {
		text(http.StatusOK, dayAnswer)(w, r)
		return
	}
	text(http.StatusOK, monthAnswer)(w, r)
}

func cached(t *testing.T, client *ccs.Client, id string) *vehiclev1.VehicleData {
	t.Helper()
	data, err := client.Cached(t.Context(), id)
	require.NoError(t, err)
	return data
}

// historyName is that of a car's document in the store.
func historyName(client *ccs.Client, id string) string {
	sum := sha256.Sum256([]byte(client.Account().Session().Account + "\x00" + id))
	return "history-" + hex.EncodeToString(sum[:6])
}

func assertHistory(t *testing.T, data *vehiclev1.VehicleData) {
	t.Helper()
	assert.InDelta(t, 15000, data.GetConsumption().GetEnergyConsumed(), 0)
	assert.InDelta(t, 150, data.GetConsumption().GetAverage_30D(), 0)
	assert.Len(t, data.GetConsumption().GetDaily(), 1)
	assert.Equal(t, "2026-07", data.GetTrips().GetMonth().GetMonth())
	assert.Equal(t, "08:15:30", data.GetTrips().GetDay().GetTrips()[0].GetStartTime())
}

// The scripted cloud's own answers go through as well.
func TestHistoryOfADrivenCar(t *testing.T) {
	t.Parallel()
	a := account(profile.Kia)
	for i := range a.Cars {
		a.Cars[i].Life = []cloudsim.Phase{{Doing: cloudsim.Driving, For: time.Hour}}
	}
	c := newCloud(t, cloudsim.Options{Accounts: []cloudsim.Account{a}})
	client := c.ready(t, withHistory(24*time.Hour))
	c.clock.advance(50 * time.Minute)
	for _, id := range []string{ccs2ID, ccs1ID} {
		first := cached(t, client, id)
		assert.Zero(t, first.GetConsumption().GetEnergyConsumed(), "a start is quick")
		assert.Nil(t, first.Trips)
		second := cached(t, client, id)
		assert.Positive(t, second.GetConsumption().GetEnergyConsumed(), id)
		assert.Positive(t, second.GetConsumption().GetAverage_30D(), id)
		assert.Equal(t, "2026-07-01", second.GetTrips().GetDay().GetDate(), id)
		assert.Equal(t, "2026-07", second.GetTrips().GetMonth().GetMonth(), id)
		assert.Zero(t, second.GetRefresh().GetRejectedValues(), id)
		assert.NotNil(t, second.GetRefresh().RejectedValues, id)
	}
	assert.Zero(t, c.Calls(cloudsim.Wake))
}

// The history has no unit of its own: it is told as the odometer is, whatever the range is
// shown in (docs/protocol-europe.md, section "Reading").
func TestHistoryIsInTheUnitOfTheOdometer(t *testing.T) {
	t.Parallel()
	const (
		odometer = "resMsg.vehicleStatusInfo.odometer.unit"
		ranges   = "resMsg.vehicleStatusInfo.vehicleStatus.evStatus.drvDistance.0.rangeByFuel.totalAvailableRange.unit"
		dte      = "resMsg.state.Vehicle.Drivetrain.FuelSystem.DTE.Unit"
		km       = 1
		miles    = 3
	)
	for name, tc := range map[string]struct {
		id     string
		edit   cloudsim.Step
		factor float64
	}{
		"range in miles":               {ccs1ID, cloudsim.Step{Set: map[string]any{odometer: km, ranges: miles}}, 1},
		"odometer in miles":            {ccs1ID, cloudsim.Step{Set: map[string]any{odometer: miles, ranges: km}}, 1.609344},
		"no odometer":                  {ccs1ID, cloudsim.Step{Set: map[string]any{ranges: miles}, Remove: []string{odometer}}, 1.609344},
		"CCS2's odometer has no miles": {ccs2ID, cloudsim.Step{Set: map[string]any{dte: miles}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{})
			client := c.ready(t, withHistory(24*time.Hour))
			tc.edit.Fault, tc.edit.Always = cloudsim.Edit, true
			_, err := c.Play(cloudsim.Script{Steps: []cloudsim.Step{tc.edit}})
			require.NoError(t, err)
			c.intercept(answers(text(http.StatusOK, drivingAnswer), tripAnswer))
			cached(t, client, tc.id)
			data := cached(t, client, tc.id)
			assert.InDelta(t, 150/tc.factor, data.GetConsumption().GetAverage_30D(), 1e-9)
			assert.InDelta(t, 30*tc.factor, data.GetTrips().GetMonth().GetSummary().GetDistance(), 1e-9)
		})
	}
}

// The last day of a month is asked for in the next one, if that is young and has none.
func TestTripsOfTheLastDayOfTheMonth(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		day, asked int
		month, of  string
	}{
		"the first": {1, 3, "2026-07", "2026-07-31"},
		"the third": {3, 3, "2026-07", "2026-07-31"},
		"later":     {4, 1, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{TokenLife: 1000 * time.Hour})
			c.clock.set(time.Date(2026, 8, tc.day, 1, 0, 0, 0, time.UTC))
			client := c.ready(t, withHistory(24*time.Hour))
			c.intercept(on(tripsPath, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				answer := `{"monthTripDayCnt":0,"tripDayList":[]}`
				switch {
				case strings.Contains(string(body), `"202607"`):
					answer = `{"monthTripDayCnt":2,"tripDayList":[{"tripDayInMonth":"20260731","tripCntDay":2},{"tripDayInMonth":"20260702","tripCntDay":1}]}`
				case strings.Contains(string(body), `"20260731"`):
					answer = `{"dayTripList":[{"tripDay":"20260731","tripDist":12,"tripList":[{"tripTime":"221500","tripDist":12}]}]}`
				}
				text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":`+answer+`}`)(w, r)
			}))
			cached(t, client, ccs1ID)
			trips := cached(t, client, ccs1ID).GetTrips()
			assert.Equal(t, tc.month, trips.GetMonth().GetMonth())
			assert.Equal(t, tc.of, trips.GetDay().GetDate())
			assert.Equal(t, tc.asked, c.seen(tripsPath))
		})
	}
}

// What is kept of a car goes with it, but not because a list is empty.
func TestHistoryOfACarThatLeft(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	store := openStore(t, t.TempDir())
	client := c.ready(t, withHistory(24*time.Hour), withStore(store))
	c.intercept(answers(text(http.StatusOK, drivingAnswer), tripAnswer))
	for _, id := range []string{ccs1ID, ccs2ID} {
		cached(t, client, id)
		cached(t, client, id)
	}
	require.Len(t, store.Names("history-"), 2)
	list := func(keep int) {
		c.intercept(c.rewrite(listPath, func(doc map[string]any) {
			message := doc["resMsg"].(map[string]any)
			message["vehicles"] = message["vehicles"].([]any)[:keep]
		}))
		_, err := client.Vehicles(t.Context())
		require.NoError(t, err)
	}
	list(0)
	require.Len(t, store.Names("history-"), 2)
	list(1)
	assert.Equal(t, []string{historyName(client, ccs2ID)}, store.Names("history-"))
}

func TestHistoryIsAskedForOnceADay(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	dir := t.TempDir()
	client := c.ready(t, withHistory(0), withStore(openStore(t, dir)))
	c.intercept(answers(text(http.StatusOK, drivingAnswer), tripAnswer))
	cached(t, client, ccs2ID)
	assert.Zero(t, c.seen(drivingPath)+c.seen(tripsPath), "not in the first read")
	for range 5 {
		assertHistory(t, cached(t, client, ccs2ID))
		c.clock.advance(4 * time.Hour)
	}
	assert.Equal(t, 2, c.seen(drivingPath))
	assert.Equal(t, 2, c.seen(tripsPath))

	// A new process knows it all from the disk, at once and without a call.
	again := c.ready(t, withHistory(0), withStore(openStore(t, dir)))
	for range 3 {
		assertHistory(t, cached(t, again, ccs2ID))
	}
	assert.Equal(t, 4, c.seen(drivingPath)+c.seen(tripsPath))

	// A wake asks for none and has what is known.
	c.clock.advance(24 * time.Hour)
	require.NoError(t, again.Login(t.Context()))
	data, err := again.Force(t.Context(), ccs2ID, time.Time{})
	require.NoError(t, err)
	assertHistory(t, data)
	assert.Equal(t, 4, c.seen(drivingPath)+c.seen(tripsPath))
	assertHistory(t, cached(t, again, ccs2ID))
	assert.Equal(t, 8, c.seen(drivingPath)+c.seen(tripsPath))
}

func TestNoHistoryIfNotWanted(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t, withHistory(-1))
	for range 3 {
		cached(t, client, ccs2ID)
	}
	assert.Zero(t, c.seen(drivingPath)+c.seen(tripsPath))
}

// The driving history is of cars with a plug.
func TestHistoryByEngine(t *testing.T) {
	t.Parallel()
	for engine, want := range map[vehiclev1.EngineType]int{
		vehiclev1.EngineType_ENGINE_TYPE_EV: 2, vehiclev1.EngineType_ENGINE_TYPE_PHEV: 2,
		vehiclev1.EngineType_ENGINE_TYPE_HEV: 0, vehiclev1.EngineType_ENGINE_TYPE_ICE: 0,
		// The document shows that it has a plug.
		vehiclev1.EngineType_ENGINE_TYPE_UNSPECIFIED: 2,
	} {
		c := newCloud(t, cloudsim.Options{})
		c.clock.advance(5 * 24 * time.Hour) // on the first days of a month there is one more
		client := c.ready(t, withHistory(time.Hour))
		client.Recall([]*vehiclev1.Vehicle{{Id: ccs2ID, Ccs2Support: proto.Int32(1), EngineType: engine.Enum()}})
		cached(t, client, ccs2ID)
		cached(t, client, ccs2ID)
		assert.Equal(t, want, c.seen(drivingPath), engine)
		assert.Equal(t, 1, c.seen(tripsPath), engine)
	}
}

// A failure costs the history only, and is tried again after six hours; an
// answer that the car has none is as good as one.
func TestFailedHistory(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		retry  time.Duration
	}{
		"outage":        {text(http.StatusServiceUnavailable, `{"retCode":"F","resCode":"5031","resMsg":"x"}`), historyRetry},
		"blocked":       {text(http.StatusForbidden, "<html>abusing</html>"), historyRetry},
		"no JSON":       {text(http.StatusOK, "<html>"), historyRetry},
		"bad request":   {text(http.StatusBadRequest, `{"retCode":"F","resCode":"4002","resMsg":"Invalid parameter"}`), historyRetry},
		"broken line":   {hangUp, historyRetry},
		"not supported": {text(http.StatusBadRequest, `{"retCode":"F","resCode":"4005","resMsg":"x"}`), 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{})
			client := c.ready(t, withHistory(24*time.Hour))
			c.intercept(answers(tc.answer, tripAnswer))
			cached(t, client, ccs2ID)
			data := cached(t, client, ccs2ID)
			assert.NotNil(t, data.GetBattery().Soc)
			assert.NotNil(t, data.GetTrips().GetMonth(), "one kind of request does not depend on the other")
			calls := c.seen(drivingPath)
			assert.Equal(t, 1, calls, "a POST is not repeated")
			c.clock.advance(tc.retry - time.Minute)
			require.NoError(t, client.Login(t.Context()))
			cached(t, client, ccs2ID)
			assert.Equal(t, calls, c.seen(drivingPath))
			c.clock.advance(2 * time.Minute)
			require.NoError(t, client.Login(t.Context()))
			cached(t, client, ccs2ID)
			assert.Greater(t, c.seen(drivingPath), calls)
		})
	}
}

// What fails later takes nothing away of what is known.
func TestFailedHistoryKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t, withHistory(24*time.Hour))
	c.intercept(answers(text(http.StatusOK, drivingAnswer), tripAnswer))
	cached(t, client, ccs2ID)
	assertHistory(t, cached(t, client, ccs2ID))
	c.clock.advance(25 * time.Hour)
	require.NoError(t, client.Login(t.Context()))
	none := text(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":{"monthTripDayCnt":0,"tripDayList":[],"drivingInfo":[]}}`)
	c.intercept(answers(none, none))
	assertHistory(t, cached(t, client, ccs2ID))
	c.clock.advance(25 * time.Hour)
	require.NoError(t, client.Login(t.Context()))
	c.intercept(answers(hangUp, hangUp))
	assertHistory(t, cached(t, client, ccs2ID))
}

// What concerns every call is told to the engine, and costs the reading nothing;
// only the session's end does, so that it is renewed. The repeated read then leaves
// the history alone.
func TestHistoryTellsWhatConcernsAll(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		reason shared.Reason
	}{
		"session": {text(http.StatusUnauthorized, `{"error":"Key not authorized: Token is expired"}`), ""},
		"quota":   {text(509, `{"retCode":"F","resCode":"5091","resMsg":"Exceeds number of requests"}`), shared.ReasonRateLimited},
		"refused": {text(http.StatusBadRequest, `{"retCode":7501,"retMsg":"Received unexpected statusCode"}`), shared.ReasonTokenRejected},
		"blocked": {text(http.StatusForbidden, nginx403), shared.ReasonVendorBlocked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{})
			dir := t.TempDir()
			var told []error
			client := c.ready(t, withHistory(24*time.Hour), withStore(openStore(t, dir)), func(o *ccs.Options) {
				o.Refused = func(vehicleID string, err error) {
					assert.Equal(t, ccs2ID, vehicleID)
					told = append(told, err)
				}
			})
			c.intercept(answers(tc.answer, tc.answer))
			cached(t, client, ccs2ID)
			for range 2 { // each kind of request has its turn
				_, err := client.Cached(t.Context(), ccs2ID)
				if tc.reason == "" {
					require.ErrorIs(t, err, sdk.ErrSessionExpired)
				} else {
					require.NoError(t, err)
				}
			}
			cached(t, client, ccs2ID)
			assert.Equal(t, 2, c.seen(drivingPath)+c.seen(tripsPath))
			if tc.reason != "" {
				require.Len(t, told, 2)
				require.ErrorIs(t, told[0], tc.reason)
			}
			again := c.ready(t, withHistory(24*time.Hour), withStore(openStore(t, dir)))
			cached(t, again, ccs2ID)
			cached(t, again, ccs2ID)
			assert.Equal(t, 2, c.seen(drivingPath)+c.seen(tripsPath), "a crash loop spends no quota")
		})
	}
}

// A history that always refuses the session costs a renewal, never the car.
func TestRefusedHistoryDoesNotEndTheAccount(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	e := sdk.NewEngine(sdk.Plugin{New: func(cfg sdk.VendorConfig) (sdk.Vendor, error) {
		return c.client(t, profile.Kia, withStore(cfg.Store), withHistory(24*time.Hour)), nil
	}}, sdk.Options{Now: c.clock.now, MinReadInterval: -1})
	t.Cleanup(func() { assert.NoError(t, e.Close(context.WithoutCancel(t.Context()))) })
	_, err := e.Initialize(t.Context(), shared.Config{Settings: []byte(`{}`)})
	require.NoError(t, err)
	logins := c.Calls(cloudsim.Login)
	refuse := text(http.StatusUnauthorized, `{"retCode":"F","resCode":"4010","resMsg":"x"}`)
	c.intercept(answers(refuse, nil))
	for range 6 {
		_, err := e.RefreshCached(t.Context(), ccs2ID)
		require.NoError(t, err)
	}
	assert.Equal(t, 1, c.seen(drivingPath))
	assert.Equal(t, 1, c.seen(refreshPath))
	assert.Equal(t, logins, c.Calls(cloudsim.Login))
}

// A dropped device id is registered anew, and only then a POST is sent again.
func TestHistoryWithADroppedDevice(t *testing.T) {
	t.Parallel()
	c := newCloud(t, cloudsim.Options{})
	client := c.ready(t, withHistory(24*time.Hour))
	cached(t, client, ccs2ID)
	var once sync.Once
	c.intercept(on(drivingPath, func(w http.ResponseWriter, r *http.Request) {
		answer := text(http.StatusOK, drivingAnswer)
		once.Do(func() {
			answer = text(http.StatusBadRequest, `{"retCode":"F","resCode":"4002","resMsg":"Invalid request body - Invalid deviceId."}`)
		})
		answer(w, r)
	}))
	data := cached(t, client, ccs2ID)
	assert.InDelta(t, 15000, data.GetConsumption().GetEnergyConsumed(), 0)
	assert.Equal(t, 1, c.seen(registerPath))
	assert.Equal(t, 3, c.seen(drivingPath))
}

// A clock that was wrong once does not silence the history for years, and a
// damaged document is begun anew.
func TestOddHistoryDocuments(t *testing.T) {
	t.Parallel()
	inThirtyYears := map[string]any{"next": summer.AddDate(30, 0, 0).UnixMilli()}
	for name, document := range map[string]any{
		"from the future": map[string]any{"driving": inThirtyYears, "trips": inThirtyYears},
		"damaged data":    map[string]any{"driving": map[string]any{"next": 0}, "data": map[string]any{"battery": 7}},
		"another form":    []int{1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{})
			client := c.ready(t, withHistory(24*time.Hour))
			require.NoError(t, client.Account().Options.Store.Put(historyName(client, ccs2ID), document))
			c.intercept(answers(text(http.StatusOK, drivingAnswer), tripAnswer))
			cached(t, client, ccs2ID)
			assertHistory(t, cached(t, client, ccs2ID))
		})
	}
}

// What is not understood is counted, and told to who debugs; not where the car
// is, and not which one it is.
func TestRejectedValuesAreCounted(t *testing.T) {
	t.Parallel()
	for id, suffix := range map[string]string{ccs1ID: latestCCS1, ccs2ID: latestCCS2} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, cloudsim.Options{})
			client := c.ready(t, withHistory(24*time.Hour))
			bad := c.rewrite(suffix, func(doc map[string]any) {
				message := doc["resMsg"].(map[string]any)
				if status, ok := message["vehicleStatusInfo"].(map[string]any); ok {
					status["odometer"] = "many"
					status["vehicleStatus"].(map[string]any)["engine"] = "perhaps"
					return
				}
				vehicle := message["state"].(map[string]any)["Vehicle"].(map[string]any)
				vehicle["Drivetrain"].(map[string]any)["Odometer"] = "many"
				vehicle["DrivingReady"] = "perhaps"
			})
			park := on(parkPath, text(http.StatusOK, `{"retCode":"S","resMsg":{"coord":{"lat":"52.516275 north","lon":13.5}}}`))
			c.intercept(both(both(bad, park), answers(text(http.StatusOK, strings.Replace(drivingAnswer, "3000", `"lots"`, 1)), tripAnswer)))
			var log bytes.Buffer
			ctx := sdk.WithLogger(t.Context(), slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
			data, err := client.Cached(ctx, id)
			require.NoError(t, err)
			assert.Equal(t, int32(3), data.GetRefresh().GetRejectedValues(), log.String())
			assert.Nil(t, data.GetDrive().Odometer)
			assert.NotNil(t, data.GetBattery().Soc, "one bad value costs itself only")
			data, err = client.Cached(ctx, id)
			require.NoError(t, err)
			assert.Equal(t, int32(4), data.GetRefresh().GetRejectedValues(), "with the history's")
			data, err = client.Cached(ctx, id)
			require.NoError(t, err)
			assert.Equal(t, int32(4), data.GetRefresh().GetRejectedValues(), "which stays as it is")
			seen := map[string]any{}
			for line := range strings.Lines(log.String()) {
				var entry struct{ Msg, Path, Raw string }
				require.NoError(t, json.Unmarshal([]byte(line), &entry))
				if entry.Msg == "value not understood" {
					seen[entry.Path] = entry.Raw
				}
			}
			assert.Equal(t, "(not shown)", seen["park.coord.lat"])
			assert.Equal(t, `"lots"`, seen["all.drivingInfo.0.regenPwr"])
			assert.Contains(t, log.String(), "perhaps")
			redacttest.NotIn(t, log.String(), "52.516275", "75 north")
		})
	}
}
