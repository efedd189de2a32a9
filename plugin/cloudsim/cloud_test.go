package cloudsim

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/await"
)

func TestNewRefusesCarsThatCannotBeToldApart(t *testing.T) {
	account := func(b profile.Brand, ids ...string) Account {
		a := Account{Brand: b, Email: "a@example.com", Password: "p"}
		for _, id := range ids {
			a.Cars = append(a.Cars, Car{ID: id})
		}
		return a
	}
	for name, accounts := range map[string][]Account{
		"same account":  {account(profile.Kia, "a", "b", "a")},
		"two accounts":  {account(profile.Kia, "a"), account(profile.Hyundai, "a")},
		"no id":         {account(profile.Kia, "")},
		"unknown brand": {account("lada", "a")},
	} {
		_, err := New(Options{Accounts: accounts})
		require.Error(t, err, name)
	}
	_, err := New(Options{Accounts: []Account{account(profile.Kia, "a", "b"), account(profile.Hyundai, "c")}})
	require.NoError(t, err)
}

func TestFleetIDsAreUnique(t *testing.T) {
	const n = 5000
	ids, vins, dialects := map[string]bool{}, map[string]bool{}, map[bool]int{}
	for _, car := range Fleet(n) {
		ids[car.ID], vins[car.VIN] = true, true
		dialects[car.CCS2]++
		require.Len(t, car.VIN, 17)
	}
	assert.Len(t, ids, n)
	assert.Len(t, vins, n)
	assert.Equal(t, map[bool]int{true: n / 2, false: n / 2}, dialects)
	_, err := New(Options{Accounts: []Account{{Brand: profile.Kia, Cars: append(Fleet(3), DemoAccount().Cars...)}}})
	require.NoError(t, err)
}

func TestStartTakesLoopbackOnly(t *testing.T) {
	c, err := New(Options{})
	require.NoError(t, err)
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "256.0.0.1:0", "nonsense"} {
		require.Error(t, c.Start(addr), addr)
		assert.Empty(t, c.URL())
	}
	require.NoError(t, c.Close(t.Context()), "nothing was started")

	require.NoError(t, c.Start("127.0.0.1:0"))
	u, err := url.Parse(c.URL())
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1", u.Hostname())
	resp, err := http.Get(c.URL() + "/web/v1/user/authorize")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	http.DefaultClient.CloseIdleConnections()
	require.NoError(t, c.Close(t.Context()))
	_, err = http.Get(c.URL()) //nolint:bodyclose // there is none
	require.Error(t, err)
}

// Close does not wait for a wake that has minutes to go.
func TestCloseEndsOpenCalls(t *testing.T) {
	c, err := New(Options{ForceDelay: time.Hour})
	require.NoError(t, err)
	require.NoError(t, c.Start("127.0.0.1:0"))
	p := owner(t, c)
	_, ccs1 := demoCars()
	ended := make(chan error, 1)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL()+"/api/v1/spa/vehicles/"+ccs1+"/status", http.NoBody)
		if err == nil {
			req.Header = p.header
			// On a connection that was used before it would be sent once more.
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			var resp *http.Response
			if resp, err = client.Do(req); err == nil {
				err = resp.Body.Close()
			}
		}
		ended <- err
	}()
	await.True(t, "the wake is under way", func() bool { return c.Wakes(ccs1) == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.NoError(t, c.Close(ctx))
	require.Error(t, await.Value(t, "the end of the call", ended))
}

// What is wrong by the protocol is refused with the vendor's own codes.
func TestRefusals(t *testing.T) {
	ccs2, ccs1 := demoCars()
	c, _ := serve(t, Options{})
	kia, err := profile.Europe(profile.Kia)
	require.NoError(t, err)
	kiaStamp, err := kia.Stamp(start)
	require.NoError(t, err)
	kiaPhone := &phone{t: t, base: c.URL(), brand: kia, header: http.Header{"Ccsp-Application-Id": {kia.AppID}, "Stamp": {kiaStamp}}}
	kiaDevice, registered := kiaPhone.post("notifications/register", register).at("resMsg.deviceId").(string)
	require.True(t, registered)
	for name, tc := range map[string]struct {
		path   string
		spoil  func(h http.Header)
		status int
		code   string
	}{
		"no stamp":               {"vehicles", func(h http.Header) { h.Del("Stamp") }, 401, "4017"},
		"another brand's":        {"vehicles", func(h http.Header) { h.Set("Stamp", kiaStamp) }, 401, "4017"},
		"no app":                 {"vehicles", func(h http.Header) { h.Del("Ccsp-Application-Id") }, 401, "4017"},
		"another brand's app":    {"vehicles", func(h http.Header) { h.Set("Ccsp-Application-Id", kia.AppID); h.Set("Stamp", kiaStamp) }, 401, "4017"},
		"no token":               {"vehicles", func(h http.Header) { h.Del("Authorization") }, 401, "4010"},
		"token without prefix":   {"vehicles", func(h http.Header) { h.Set("Authorization", strings.TrimPrefix(h.Get("Authorization"), "Bearer ")) }, 401, "4010"},
		"unknown token":          {"vehicles", func(h http.Header) { h.Set("Authorization", "Bearer x") }, 401, ""},
		"no device":              {"vehicles", func(h http.Header) { h.Del("Ccsp-Device-Id") }, 400, "4002"},
		"unknown device":         {"vehicles", func(h http.Header) { h.Set("Ccsp-Device-Id", "x") }, 400, "4002"},
		"unknown car":            {"vehicles/x/status/latest", func(http.Header) {}, 400, "4003"},
		"unknown request":        {"vehicles/" + ccs2 + "/ccs2/control/door", func(http.Header) {}, 400, "4005"},
		"another brand's device": {"vehicles", func(h http.Header) { h.Set("Ccsp-Device-Id", kiaDevice) }, 400, "4002"},
		"CCS1 asked as CCS2":     {"vehicles/" + ccs1 + "/ccs2/carstatus/latest", func(http.Header) {}, 400, "4005"},
		"CCS1 woken as CCS2":     {"vehicles/" + ccs1 + "/ccs2/carstatus", func(http.Header) {}, 400, "4005"},
	} {
		t.Run(name, func(t *testing.T) {
			p := owner(t, c)
			tc.spoil(p.header)
			a := p.get(tc.path)
			assert.Equal(t, tc.status, a.status)
			if tc.code == "" {
				assert.Contains(t, a.body["error"], "Key not authorized")
				return
			}
			assert.Equal(t, "F", a.at("retCode"))
			assert.Equal(t, tc.code, a.at("resCode"))
			assert.IsType(t, "", a.at("resMsg"), "text")
		})
	}
	t.Run("registration", func(t *testing.T) {
		p := owner(t, c)
		for _, body := range []string{``, `{}`, `{"pushRegId":"0","pushType":"GCM"}`, `{"pushRegId":"","pushType":"GCM","uuid":"0"}`, `{"pushRegId":"0","uuid":"0"}`} {
			a := p.post("notifications/register", body)
			assert.Equal(t, "4002", a.at("resCode"), body)
		}
		p.header.Del("Stamp")
		assert.Equal(t, "4017", p.post("notifications/register", register).at("resCode"))
	})
	t.Run("commands", func(t *testing.T) {
		for _, path := range []string{
			"/api/v1/spa/vehicles/" + ccs1 + "/control/door", "/api/v2/spa/vehicles/" + ccs2 + "/ccs2/control/temperature",
			"/api/v2/spa/vehicles/" + ccs2 + "/location/routes", "/api/v1/spa/vehicles/" + ccs1 + "/status",
		} {
			p := owner(t, c)
			send := func() any {
				return p.do(http.MethodPost, path, "application/json", `{"action":"open"}`, p.header).at("resCode")
			}
			assert.Equal(t, "4005", send(), path)
			p.header.Set("Ccsp-Device-Id", "x")
			assert.Equal(t, "4002", send(), path)
			p.header.Del("Authorization")
			assert.Equal(t, "4010", send(), path)
			p.header.Del("Stamp")
			assert.Equal(t, "4017", send(), path)
		}
		assert.Zero(t, c.Wakes(ccs1)+c.Wakes(ccs2))
		p := owner(t, c)
		a := p.do(http.MethodPost, "/api/v1/spa/vehicles/x/control/door", "application/json", `{}`, p.header)
		assert.Equal(t, "4003", a.at("resCode"), "somebody else's car")
	})
	t.Run("refresh token", func(t *testing.T) {
		p := owner(t, c)
		a := p.grant("VOID")
		assert.Equal(t, http.StatusBadRequest, a.status)
		assert.InDelta(t, 7501, a.at("retCode"), 0, "a number")
		assert.Equal(t, "Received unexpected statusCode", a.at("retMsg"))
		p.brand.ServiceSecret = "wrong"
		assert.Equal(t, http.StatusBadRequest, p.grant(DemoAccount().RefreshToken).status)
	})
	t.Run("a CCS2 car has no CCS1 state", func(t *testing.T) {
		p := owner(t, c)
		a := p.get("vehicles/" + ccs2 + "/status")
		assert.Equal(t, "S", a.at("retCode"))
		assert.NotNil(t, a.at("resMsg.ServiceNo"))
		assert.Nil(t, a.at("resMsg.time"))
		assert.Zero(t, c.Wakes(ccs2))
	})
}

func TestQuota(t *testing.T) {
	const quota = 3
	c, clock := serve(t, Options{Quota: quota})
	p := owner(t, c)
	midnight := time.Date(2026, 7, 1, 22, 0, 0, 0, time.UTC) // of Berlin
	check := func(left int) answer {
		a := p.get("vehicles")
		assert.Equal(t, "3", a.header.Get("X-Ratelimit-Limit"))
		assert.Equal(t, strconv.Itoa(left), a.header.Get("X-Ratelimit-Remaining"))
		return a
	}
	for left := quota - 1; left >= 0; left-- {
		a := check(left)
		assert.Equal(t, http.StatusOK, a.status)
		assert.Equal(t, strconv.FormatInt(midnight.Unix(), 10), a.header.Get("X-Ratelimit-Reset"))
	}
	for range 2 {
		a := check(0)
		assert.Equal(t, 509, a.status)
		assert.Equal(t, "F", a.at("retCode"))
		assert.Equal(t, "5091", a.at("resCode"))
	}
	assert.Equal(t, quota, c.Calls(List), "refused calls are not answered")

	clock.advance(midnight.Sub(start) - time.Second)
	assert.Equal(t, 509, p.get("vehicles").status)
	clock.advance(time.Second)
	assert.Equal(t, http.StatusOK, check(quota-1).status)
}

func TestSwitches(t *testing.T) {
	ccs2, ccs1 := demoCars()
	c, clock := serve(t, Options{ForceDelay: time.Millisecond})
	p := owner(t, c)
	assert.Equal(t, 1, c.Calls(Login))
	assert.Equal(t, 1, c.Calls(Register))

	c.SetDown(true)
	a := p.get("vehicles")
	assert.Equal(t, http.StatusServiceUnavailable, a.status)
	assert.Equal(t, "5031", a.at("resCode"))
	c.SetDown(false)
	assert.Equal(t, http.StatusOK, p.get("vehicles").status)

	status := "vehicles/" + ccs1 + "/status"
	assert.NotNil(t, p.get(status).at("resMsg.doorLock"))
	c.SetSilent(ccs1, true)
	a = p.get(status)
	assert.Equal(t, http.StatusRequestTimeout, a.status)
	assert.Equal(t, "4081", a.at("resCode"))
	c.SetSilent(ccs1, false)
	assert.NotNil(t, p.get(status).at("resMsg.doorLock"))
	assert.Equal(t, 3, c.Wakes(ccs1))

	trigger := "vehicles/" + ccs2 + "/ccs2/carstatus"
	a = p.get(trigger)
	assert.Equal(t, "S", a.at("retCode"))
	assert.Nil(t, a.at("resMsg"), "the answer holds no state")
	assert.Equal(t, "4004", p.get(trigger).at("resCode"), "one at a time")
	clock.advance(time.Millisecond)
	assert.Equal(t, strconv.FormatInt(start.Add(time.Millisecond).UnixMilli(), 10), p.get(trigger+"/latest").at("resMsg.lastUpdateTime"))
	assert.Equal(t, 1, c.Wakes(ccs2))
	assert.Equal(t, 4, c.Calls(Wake))
	assert.Zero(t, c.Wakes("x"))
	c.SetSilent("x", true) // no such car, no harm

	c.DropDevices()
	assert.Equal(t, "4002", p.get("vehicles").at("resCode"))
}

// The calls that our own client does not make.
func TestOtherCalls(t *testing.T) {
	ccs2, ccs1 := demoCars()
	c, clock := serve(t, Options{ForceDelay: time.Millisecond})
	p := owner(t, c)
	clock.advance(40 * time.Minute) // half an hour of it the hybrid drove
	at := func(path string) answer { return p.get("vehicles/" + ccs1 + path) }

	live := at("/location")
	assert.Equal(t, "20260701104000", live.at("resMsg.gpsDetail.time"), "UTC")
	parked := at("/location/park")
	assert.Equal(t, "20260701124000", parked.at("resMsg.gpsDetail.time"), "Berlin")
	assert.NotNil(t, p.get("vehicles/"+ccs2+"/location/park").at("resMsg.coord"), "not wrapped")
	assert.Equal(t, 1, c.Wakes(ccs1))

	assert.Len(t, at("/charge/target").at("resMsg.targetSOClist"), 2)
	assert.Len(t, at("/profile").at("resMsg.vinInfo"), 1)
	assert.NotNil(t, p.get("notifications/"+ccs1+"/records").at("resMsg"))

	history := p.post("vehicles/"+ccs1+"/drvhistory", `{"periodTarget":0}`)
	info := history.at("resMsg.drivingInfo").([]any)[0].(map[string]any)
	assert.InDelta(t, 30, info["calculativeOdo"], 0.1)
	assert.InDelta(t, 5400, info["totalPwrCsp"], 20)
	for _, body := range []string{``, `{}`, `{"periodTarget":7}`} {
		assert.Equal(t, "4002", p.post("vehicles/"+ccs1+"/drvhistory", body).at("resCode"), body)
		assert.Equal(t, "4002", p.post("vehicles/"+ccs1+"/tripinfo", body).at("resCode"), body)
	}
	month := p.post("vehicles/"+ccs1+"/tripinfo", `{"tripPeriodType":0,"setTripMonth":"202607"}`)
	assert.InDelta(t, 1, month.at("resMsg.monthTripDayCnt"), 0)
	day := p.post("vehicles/"+ccs1+"/tripinfo", `{"tripPeriodType":1,"setTripDay":"20260701"}`)
	assert.Len(t, day.at("resMsg.dayTripList"), 1)
	day = p.post("vehicles/"+ccs1+"/tripinfo", `{"tripPeriodType":1,"setTripDay":"20260702"}`)
	assert.Empty(t, day.at("resMsg.dayTripList"))
}

func TestLatencyEndsWithTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Options{Latency: time.Hour})
		require.NoError(t, err)
		began := time.Now()
		call := func(patience time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:1/error", http.NoBody)
			require.NoError(t, err)
			resp, err := direct{c}.RoundTrip(req) // ends when the cloud does
			if err == nil {
				err = resp.Body.Close()
			}
			return err
		}

		require.ErrorIs(t, call(time.Minute), context.DeadlineExceeded)
		assert.Equal(t, time.Minute, time.Since(began))
		require.NoError(t, call(2*time.Hour))
		assert.Equal(t, time.Minute+time.Hour, time.Since(began))
	})
}
