package traffic_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/europe"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// What must not be in a recording.
const (
	person   = "canary.person@example.org"
	password = "canary-Pa55word-q7"
	refresh  = "CANARY7REFRESH7TOKEN7CANARY7REFRESH7TOKEN7CANARY"
	ccs2ID   = "7a6b5c4d-3e2f-4a1b-8c9d-0e1f2a3b4c5d"
	ccs1ID   = "canary-car-one"
	ccs2VIN  = "KMHCANARY00000042"
	ccs1VIN  = "KMHCANARY0PHEV077" // an O is no letter of a VIN, but it may be there
	nick     = "Grandmother's Rocket"
	pin      = "8264135927" // longer than a car's, so that no number holds it by chance
)

var noon = time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

// world is the scripted cloud, which remembers all that it gave out.
type world struct {
	*cloudsim.Cloud
	base string

	mu    sync.Mutex
	front func(http.ResponseWriter, *http.Request) bool
	given []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	car := func(id, vin string, ccs2 bool, kind string) cloudsim.Car {
		return cloudsim.Car{
			ID: id, VIN: vin, Name: nick, Model: "IONIQ 5", Year: 2024, Type: kind, CCS2: ccs2, Age: 12 * time.Minute, SoC: 62.5,
			CapacityKWh: 72, ChargeLimitAC: 80, ChargeLimitDC: 100, AuxSoC: 88, FuelPercent: 40, OdometerKM: 21477.3, Latitude: 41.876513, Longitude: 12.345678,
		}
	}
	sim, err := cloudsim.New(cloudsim.Options{
		Now: now, ForceDelay: time.Millisecond,
		Accounts: []cloudsim.Account{{
			Brand: profile.Kia, Email: person, Password: password, PIN: pin, RefreshToken: refresh,
			Cars: []cloudsim.Car{car(ccs2ID, ccs2VIN, true, cloudsim.EV), car(ccs1ID, ccs1VIN, false, cloudsim.PHEV)},
		}},
	})
	require.NoError(t, err)
	w := &world{Cloud: sim}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.base = server.URL
	return w
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	front := w.front
	w.mu.Unlock()
	if front != nil && front(rw, r) {
		return
	}
	own := httptest.NewRecorder()
	w.Cloud.ServeHTTP(own, r)
	w.remember(own.Result().Header, own.Body.Bytes())
	for key, values := range own.Header() {
		rw.Header()[key] = values
	}
	rw.WriteHeader(own.Code)
	_, _ = rw.Write(own.Body.Bytes())
}

// remember collects tokens, codes and ids that the cloud gives out.
func (w *world) remember(h http.Header, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var walk func(key string, v any)
	walk = func(key string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, member := range v {
				walk(strings.ToLower(k), member)
			}
		case []any:
			for _, member := range v {
				walk(key, member)
			}
		case string:
			if len(v) > 6 && v != "Bearer" && (strings.HasSuffix(key, "token") || strings.HasSuffix(key, "id") && key != "kid" || key == "vin") {
				w.given = append(w.given, v)
			}
		}
	}
	var doc any
	if json.Unmarshal(body, &doc) == nil {
		walk("", doc)
	}
	if to, err := url.Parse(h.Get("Location")); err == nil && to.Query().Get("code") != "" {
		w.given = append(w.given, to.Query().Get("code"))
	}
	for _, cookie := range (&http.Response{Header: h}).Cookies() {
		w.given = append(w.given, cookie.Value)
	}
}

func (w *world) intercept(front func(http.ResponseWriter, *http.Request) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.front = front
}

func client(t *testing.T, base, user, word string, wrap func(http.RoundTripper) http.RoundTripper) *ccs.Client {
	t.Helper()
	p, err := profile.Europe(profile.Kia)
	require.NoError(t, err)
	p.LoginURL, p.CCIURL, p.APIURL = base, base, base
	store, err := sdk.OpenStore("")
	require.NoError(t, err)
	c, err := europe.New(ccs.Options{
		Profile: p, Username: user, Password: word, Store: store, Now: now, Transport: wrap,
		RereadAfter: []time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 60 * time.Millisecond},
	})
	require.NoError(t, err)
	return c
}

// read makes every reading of every car.
func read(t *testing.T, c *ccs.Client) (cars []*vehiclev1.Vehicle, readings []*vehiclev1.VehicleData) {
	t.Helper()
	cars, err := c.Vehicles(t.Context())
	require.NoError(t, err)
	for _, car := range cars {
		cached, err := c.Cached(t.Context(), car.GetId())
		require.NoError(t, err)
		forced, err := c.Force(t.Context(), car.GetId(), noon.Add(-time.Minute))
		require.NoError(t, err)
		readings = append(readings, cached, forced)
	}
	return cars, readings
}

// record makes a session of everything that can happen and returns its file.
func record(t *testing.T, w *world) (string, []*vehiclev1.Vehicle, []*vehiclev1.VehicleData) {
	t.Helper()
	recorder, file := newRecorder(t)
	c := client(t, w.base, person, password, recorder.Wrap)
	require.NoError(t, c.Login(t.Context()))
	cars, readings := read(t, c)
	require.NoError(t, c.Renew(t.Context()))

	require.Error(t, client(t, w.base, person, "wrong-"+password, recorder.Wrap).Login(t.Context()))
	require.NoError(t, client(t, w.base, person, refresh, recorder.Wrap).Login(t.Context()))
	require.Error(t, client(t, w.base, person, strings.ToUpper(refresh[1:])+"9", recorder.Wrap).Login(t.Context()))
	w.intercept(func(rw http.ResponseWriter, _ *http.Request) bool {
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(rw, "<html>"+person+" made an Abusing request from 192.0.2.7, "+ccs2VIN+"</html>")
		return true
	})
	_, err := c.Cached(t.Context(), ccs2ID)
	require.Error(t, err)
	w.intercept(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	_, err = c.Cached(t.Context(), ccs1ID)
	require.Error(t, err)
	w.intercept(nil)
	return file, cars, readings
}

// forms of a secret.
func forms(secret string) []string {
	all := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret)))}
	// Inside a longer base64 text a secret shows in one of three ways.
	for pad := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("a", pad) + secret))
		text = text[pad+min(pad, 1):]
		all = append(all, text[:max(4, len(text)-2)])
	}
	return all
}

func TestNothingLeaks(t *testing.T) {
	w := newWorld(t)
	file, _, _ := record(t, w)
	body, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(body)
	require.Greater(t, strings.Count(text, "\n"), 25)
	require.Greater(t, len(w.given), 20)
	secrets := append([]string{
		person, "canary.person", password, refresh, ccs2ID, ccs1ID, ccs2VIN, ccs1VIN, nick, "Grandmother", "41.87651", "12.34567",
		"192.0.2.7", pin, strings.TrimPrefix(w.base, "http://"),
	}, w.given...)
	for _, secret := range secrets {
		redacttest.NotIn(t, text, forms(secret)...)
	}
	assert.NotContains(t, text, "2024-03-02", "a time of which NotIn would look away, and years from now and noon")
	for _, kept := range []string{"abusing", `"resCode":"0000"`, `"type":"EV"`, `"value":21477.3`, "IONIQ 5", `"lastUpdateTime":"17`, "serviceType=CCS", "user1"} {
		assert.Contains(t, text, kept)
	}
	for line := range strings.Lines(text) {
		assert.True(t, json.Valid([]byte(line)))
	}
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestReplayIsWhatWasRecorded(t *testing.T) {
	w := newWorld(t)
	file, cars, readings := record(t, w)
	body, err := os.ReadFile(file)
	require.NoError(t, err)
	replay, err := traffic.NewReplay(bytes.NewReader(body))
	require.NoError(t, err)
	assert.Equal(t, "kia", replay.Header().Brand)
	server := httptest.NewServer(replay)
	t.Cleanup(server.Close)

	c := client(t, server.URL, "anyone@example.net", "any password", nil)
	require.NoError(t, c.Login(t.Context()))
	played, again := read(t, c)
	require.NoError(t, c.Renew(t.Context()))
	require.Len(t, played, len(cars))
	for i, car := range played {
		assert.NotEqual(t, cars[i].GetId(), car.GetId())
		assert.Regexp(t, `^[A-HJ-NPR-Z0-9]{17}$`, car.GetVin())
		car.Id, car.Vin, car.Name, car.RegistrationDate = cars[i].Id, cars[i].Vin, cars[i].Name, cars[i].RegistrationDate
		assert.True(t, proto.Equal(cars[i], car), "%v\n%v", cars[i], car)
	}
	require.Len(t, again, len(readings))
	for i, data := range again {
		place := data.GetLocation()
		require.NotNil(t, place, "the fix is still one")
		assert.InDelta(t, 50.0, place.GetLatitude(), 0)
		assert.InDelta(t, 8.0, place.GetLongitude(), 0)
		assert.Equal(t, readings[i].GetLocation().GetObservedAt(), place.GetObservedAt())
		data.Location = readings[i].GetLocation()
		assert.Equal(t, protojson.Format(readings[i]), protojson.Format(data))
	}
	_, err = c.Cached(t.Context(), "another")
	require.Error(t, err)
}

// The legacy token's login is played to any token of its form.
func TestReplayOfARefreshToken(t *testing.T) {
	w := newWorld(t)
	recorder, file := newRecorder(t)
	require.NoError(t, client(t, w.base, person, refresh, recorder.Wrap).Login(t.Context()))
	body, err := os.ReadFile(file)
	require.NoError(t, err)
	replay, err := traffic.NewReplay(bytes.NewReader(body))
	require.NoError(t, err)
	server := httptest.NewServer(replay)
	t.Cleanup(server.Close)
	require.NoError(t, client(t, server.URL, "x@example.net", strings.Repeat("ANY0", 12), nil).Login(t.Context()))
}

// FuzzReplay: a recording may come from anybody, and is played back or refused.
func FuzzReplay(f *testing.F) {
	const header = `{"version":1,"brand":"kia","started":"2026-07-01T10:00:00Z"}` + "\n"
	f.Add(header+`{"offset_ms":1,"method":"GET","path":"/api/v1/spa/vehicles","status":200,"response":{"json":{"retCode":"S"}}}`, "/api/v1/spa/vehicles", `{"a":1}`)
	f.Add(header+`{"method":"POST","path":"/x","query":"serviceType=CCS","status":302,"headers":{"Location":"https://h/x"}}`, "/x?serviceType=CCS", ``)
	f.Add(header+`{"method":"GET","path":"/x"}`, "/x", `[]`)
	f.Add(header+`{"method":"GET","path":"/x","status":200,"error":"broken connection"}`, "/x", ``)
	f.Add(`{"version":2}`, "/", ``)
	f.Fuzz(func(t *testing.T, recording, target, body string) {
		replay, err := traffic.NewReplay(strings.NewReader(recording))
		if err != nil {
			return
		}
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(u.Path, "/") {
			return
		}
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			known := replay.Knows(method, u.Path)
			req := &http.Request{Method: method, URL: u, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
			rw := httptest.NewRecorder()
			func() {
				defer func() {
					if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // a panic's value
						panic(p)
					}
				}()
				replay.ServeHTTP(rw, req)
			}()
			if !known && rw.Code != http.StatusNotFound && rw.Code != http.StatusBadRequest {
				t.Fatalf("%s %s is not in the recording and gets %d", method, u.Path, rw.Code)
			}
		}
	})
}
