package ccs_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// elsewhere is a region that does not exist: a profile, and the Auth below. Its
// answers, stamps, temperatures and zone are not Europe's.
func elsewhere(base string) profile.Profile {
	return profile.Profile{
		Version: 1, Region: "elsewhere", Brand: profile.Kia, ZoneName: "Australia/Sydney",
		APIURL: base, ServiceID: "service", ServiceSecret: "secret", AppID: "app", PushType: "GCM", UserAgent: "test",
		StampKey: "SGGCDRvrzmRa2WTNFQPUaNfSFdtPklZ48xUuVckigYasxmeOQqVgCAC++YNrI1vVabI=",
		Protocol: profile.Protocol{
			Stamps: profile.Tokens, DialectHeader: profile.None, Dialect: profile.Flag,
			CCS1Status: "now.state", CCS1Answer: "state", CCS1Odometer: "now.state.odometer", CCS1Location: profile.None,
			TemperatureBase: 17, TemperatureEntries: 20, EnergyTotals: "drivingInfoDetail", DriverSide: profile.Right,
		},
		Paths: profile.Paths{
			VehicleAPI: "/elsewhere/v1/", Register: "register", Vehicles: "cars", CCS1Status: "state", CCS1Wake: "ask",
			CCS2Status: "nested/state", CCS2Wake: "nested/ask", ParkLocation: "where", DrivingHistory: "energy",
		},
	}
}

// elsewhereAuth is all that the region needs besides the profile.
type elsewhereAuth struct{ *ccs.Account }

func (a elsewhereAuth) Authorize(h http.Header, s ccs.Session) {
	h.Set("Authorization", "Bearer "+s.AccessToken)
}

func (a elsewhereAuth) Login(ctx context.Context) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	pages, p, back := &http.Client{Transport: a.Transport(), Jar: jar}, a.Profile(), "https://back.example/redirect"
	query := url.Values{"response_type": {"code"}, "client_id": {p.ServiceID}, "redirect_uri": {back}}
	page := ccs.Request{Method: http.MethodGet, URL: p.APIURL + "/api/v1/user/oauth2/authorize?" + query.Encode(), What: "login page", Via: pages}
	if _, err := a.Send(ctx, page); err != nil {
		return err
	}

	resp, err := a.Send(ctx, ccs.Request{
		Method: http.MethodPost, URL: p.APIURL + "/api/v1/user/signin", What: "sign in", Via: pages,
		JSON: map[string]string{"email": a.Options.Username, "password": a.Options.Password},
	})
	if err != nil {
		return err
	}
	doc, _ := field.Decode(resp.Body)
	redirect, _ := doc.At("redirectUrl").NonEmptyText()
	target, err := url.Parse(redirect)
	if err != nil || target.Query().Get("code") == "" {
		return shared.NewError(shared.ReasonAuthFailed)
	}
	return a.grant(ctx, url.Values{"grant_type": {"authorization_code"}, "redirect_uri": {back}, "code": {target.Query().Get("code")}})
}

func (a elsewhereAuth) Renew(ctx context.Context) error {
	token := a.Session().RefreshToken
	if token == "" {
		return sdk.ErrSessionExpired
	}
	return a.grant(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (a elsewhereAuth) grant(ctx context.Context, form url.Values) error {
	header, err := a.Stamped()
	if err != nil {
		return err
	}
	header.Set("Authorization", a.Profile().BasicToken())
	resp, err := a.Send(ctx, ccs.Request{
		Method: http.MethodPost, URL: a.Profile().APIURL + "/api/v1/user/oauth2/token", What: "token", Header: header, Form: form,
	})
	if err != nil {
		return err
	}
	doc, err := field.Decode(resp.Body)
	token, ok := doc.At("access_token").NonEmptyText()
	if err != nil || !ok {
		return shared.NewError(shared.ReasonTokenRejected)
	}
	return a.Update(func(s *ccs.Session) {
		s.RefreshToken, _ = doc.At("refresh_token").NonEmptyText()
		s.KeepToken(token, a.Options.Now(), 6*time.Hour)
	})
}

// TestRegionOfAProfileAndAnAuth reads and wakes a car of each dialect in a region
// that nothing else in the project knows.
func TestRegionOfAProfileAndAnAuth(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []http.Header
	sim, err := cloudsim.New(cloudsim.Options{
		Profiles: []profile.Profile{elsewhere("")}, ForceDelay: time.Millisecond,
		Accounts: []cloudsim.Account{{Brand: profile.Kia, Email: "u@example.com", Password: "right horse", Cars: []cloudsim.Car{
			{ID: "flat", Name: "Red", Type: cloudsim.EV, SoC: 75, CapacityKWh: 60, OdometerKM: 48210, Age: time.Hour, Latitude: -33.856159, Longitude: 151.215256},
			{ID: "nested", Name: "Blue", Type: cloudsim.EV, CCS2: true, SoC: 62.5, CapacityKWh: 72, OdometerKM: 21477.3, Age: time.Hour},
		}}},
	})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/cars") {
			mu.Lock()
			seen = append(seen, r.Header.Clone())
			mu.Unlock()
		}
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	store, err := sdk.OpenStore("")
	require.NoError(t, err)
	client, err := ccs.New(ccs.Options{
		Profile: elsewhere(server.URL), Username: "u@example.com", Password: "right horse", Store: store,
		RereadAfter: []time.Duration{2 * time.Millisecond, 50 * time.Millisecond, time.Second, 10 * time.Second}, HistoryAtOnce: true,
	}, func(a *ccs.Account) ccs.Auth { return elsewhereAuth{a} })
	require.NoError(t, err)
	t.Cleanup(client.Account().Transport().(*http.Transport).CloseIdleConnections)

	require.NoError(t, client.Login(t.Context()))
	cars, err := client.Vehicles(t.Context())
	require.NoError(t, err)
	require.Len(t, cars, 2)
	assert.Equal(t, "Australia/Sydney", cars[0].GetTimeZone())
	assert.False(t, cars[0].GetSupportsValetMode())

	flat, err := client.Cached(t.Context(), "flat")
	require.NoError(t, err)
	assert.Equal(t, 75.0, flat.GetBattery().GetSoc())
	assert.Equal(t, 48210.0, flat.GetDrive().GetOdometer())
	assert.Equal(t, 24.0, flat.GetClimate().GetSetTemperature(), "0EH is the fifteenth entry of a table that begins at 17 °C")
	assert.Equal(t, -33.856159, flat.GetLocation().GetLatitude(), "of the parking position")
	assert.Nil(t, flat.GetTrips(), "the region has none")
	assert.NotNil(t, flat.GetConsumption())
	assert.Zero(t, flat.GetRefresh().GetRejectedValues())

	nested, err := client.Cached(t.Context(), "nested")
	require.NoError(t, err)
	assert.Equal(t, 62.5, nested.GetBattery().GetSoc())
	assert.Equal(t, 21477.3, nested.GetDrive().GetOdometer())

	require.NoError(t, client.Renew(t.Context()))
	for id, before := range map[string]int64{"flat": flat.GetRefresh().GetObservedAt(), "nested": nested.GetRefresh().GetObservedAt()} {
		data, err := client.Force(t.Context(), id, time.UnixMilli(before))
		require.NoError(t, err, id)
		assert.Greater(t, data.GetRefresh().GetObservedAt(), before, id)
		assert.Equal(t, 1, sim.Wakes(id))
	}
	assert.Equal(t, 1, sim.Calls(cloudsim.Login))
	assert.Equal(t, 1, sim.Calls(cloudsim.Renewal))
	mu.Lock()
	defer mu.Unlock()
	assert.NotEmpty(t, seen)
	for _, h := range seen {
		assert.Empty(t, h.Get("Stamp"), "data calls of this region carry none")
		assert.NotContains(t, h, "Ccuccs2protocolsupport")
	}
}

// TestProfileOfAnyRegionIsChecked: what only Europe's login needs is asked of Europe
// alone.
func TestProfileOfAnyRegionIsChecked(t *testing.T) {
	t.Parallel()
	p := elsewhere("https://cloud.example")
	changed, err := p.Override(json.RawMessage(`{"version":2,"region":"elsewhere","brand":"kia","protocol":{"stamps":"none"},"stamp_key":""}`))
	require.NoError(t, err)
	assert.Equal(t, "none", changed.Protocol.Stamps)
	assert.Equal(t, p.Protocol.CCS1Status, changed.Protocol.CCS1Status, "the rest stays")

	for body, want := range map[string]string{
		`"protocol":{"stamps":"some"}`:         "protocol.stamps is not one of",
		`"protocol":{"dialect":"ccs3"}`:        "protocol.dialect is not one of",
		`"protocol":{"temperature_entries":0}`: "no table of temperatures",
		`"protocol":{"energy_totals":""}`:      "protocol.energy_totals is missing",
		`"protocol":{"windows":"perhaps"}`:     "not true or false",
		`"stamp_key":""`:                       "stamp_key is missing",
		`"api_url":""`:                         "api_url is missing",
		`"paths":{"vehicles":""}`:              "paths.vehicles is missing",
		`"cci_url":"ftp://cloud.example"`:      "cci_url",
	} {
		_, err := p.Override(json.RawMessage(`{"version":2,"region":"elsewhere","brand":"kia",` + body + `}`))
		require.ErrorContains(t, err, want, body)
	}
}

// TestDialectOfTheRegion wins over the vehicle list's flag.
func TestDialectOfTheRegion(t *testing.T) {
	t.Parallel()
	for dialect, path := range map[string]string{profile.CCS1: "/cars/a/state", profile.CCS2: "/cars/a/nested/state"} {
		var last atomic.Value
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			last.Store(r.URL.Path)
			_ = json.NewEncoder(w).Encode(map[string]any{"retCode": "S", "resMsg": map[string]any{
				"deviceId": "d", "vehicles": []any{map[string]any{"vehicleId": "a", "ccuCCS2ProtocolSupport": 1}},
			}})
		}))
		t.Cleanup(server.Close)
		p := elsewhere(server.URL)
		p.Protocol.Dialect = dialect
		store, err := sdk.OpenStore("")
		require.NoError(t, err)
		client, err := ccs.New(ccs.Options{Profile: p, Store: store, HistoryEvery: -1}, func(a *ccs.Account) ccs.Auth { return elsewhereAuth{a} })
		require.NoError(t, err)
		t.Cleanup(client.Account().Transport().(*http.Transport).CloseIdleConnections)
		require.NoError(t, client.Account().Update(func(s *ccs.Session) { s.KeepToken("t", time.Now(), time.Hour) }))

		_, err = client.Vehicles(t.Context())
		require.NoError(t, err)
		_, err = client.Cached(t.Context(), "a")
		require.ErrorIs(t, err, shared.ReasonVehicleUnreachable, "there is no state in the answer")
		assert.Equal(t, "/elsewhere/v1"+path, last.Load(), "and no other dialect is tried")
	}
}
