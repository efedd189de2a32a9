package europe

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/ccs"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/cloudsim"
	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact/redacttest"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Paths that tests stand in for or count.
const (
	registerPath  = "/api/v1/spa/notifications/register"
	authorizePath = "/auth/api/v2/user/oauth2/authorize"
	certsPath     = "/auth/api/v1/accounts/certs"
	signInPath    = "/auth/account/signin"
	grantPath     = "/auth/api/v2/user/oauth2/token"
	genesisPath   = "/api/v1/user/oauth2/token"
	redeemPath    = "/domain/api/v1/auth/token"
	exchangePath  = "/domain/api/v1/auth/token-exchange"
	refreshPath   = "/domain/api/v2/auth/token-refresh"
	listPath      = "/api/v1/spa/vehicles"
	latestCCS1    = "/status/latest"
	wakeCCS1      = "/status"
	latestCCS2    = "/ccs2/carstatus/latest"
	wakeCCS2      = "/ccs2/carstatus"
	parkPath      = "/location/park"
)

const (
	password = "correct horse battery"
	// sessionDoc is the session's document in the store.
	sessionDoc = "session"
	// forever is longer than any test.
	forever = time.Hour
)

var (
	summer = time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)
	winter = time.Date(2026, 1, 15, 11, 0, 0, 0, time.UTC)
)

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

// cloud is the scripted cloud behind a front that counts calls and in which a
// test can answer in the cloud's place.
type cloud struct {
	*cloudsim.Cloud
	clock *clock
	base  string

	mu    sync.Mutex
	front front
	paths []string
}

// front says whether it has answered.
type front func(w http.ResponseWriter, r *http.Request) bool

func newCloud(t *testing.T, o cloudsim.Options) *cloud {
	t.Helper()
	c := newSilentCloud(t, o)
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.base = server.URL
	return c
}

// newPipedCloud is one within the synctest bubble of t; options lead a client
// there.
func newPipedCloud(t *testing.T, o cloudsim.Options) (c *cloud, options func(*ccs.Options)) {
	t.Helper()
	c = newSilentCloud(t, o)
	c.base = pipeBase
	return c, overPipes(t, c)
}

// newSilentCloud is one that nobody can reach yet.
func newSilentCloud(t *testing.T, o cloudsim.Options) *cloud {
	t.Helper()
	c := &cloud{clock: &clock{t: summer}}
	if o.Now == nil {
		o.Now = c.clock.now
	}
	if len(o.Accounts) == 0 {
		o.Accounts = []cloudsim.Account{account(profile.Hyundai), account(profile.Kia), account(profile.Genesis)}
	}
	if o.ForceDelay == 0 {
		o.ForceDelay = 5 * time.Millisecond
	}
	sim, err := cloudsim.New(o)
	require.NoError(t, err)
	c.Cloud = sim
	return c
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.paths = append(c.paths, r.URL.Path)
	answer := c.front
	c.mu.Unlock()
	if answer == nil || !answer(w, r) {
		c.Cloud.ServeHTTP(w, r)
	}
}

// intercept puts a front before the cloud, nil takes it away, and forgets what
// was called so far.
func (c *cloud) intercept(f front) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.front, c.paths = f, nil
}

// seen counts the calls whose path ends with suffix.
func (c *cloud) seen(suffix string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, path := range c.paths {
		if strings.HasSuffix(path, suffix) {
			n++
		}
	}
	return n
}

// total counts all calls.
func (c *cloud) total() int { return c.seen("") }

// rewrite is a front that edits the cloud's own answers to a call.
func (c *cloud) rewrite(suffix string, edit func(doc map[string]any)) front {
	return on(suffix, func(w http.ResponseWriter, r *http.Request) {
		own := httptest.NewRecorder()
		c.Cloud.ServeHTTP(own, r)
		var doc map[string]any
		if err := json.Unmarshal(own.Body.Bytes(), &doc); err != nil {
			panic(err)
		}
		edit(doc)
		w.WriteHeader(own.Code)
		_ = json.NewEncoder(w).Encode(doc)
	})
}

// on is a front that answers the calls whose path ends with suffix.
func on(suffix string, answer http.HandlerFunc) front {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, suffix) {
			return false
		}
		answer(w, r)
		return true
	}
}

// before is a front that does something before the cloud answers such a call.
func before(suffix string, do func()) front {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, suffix) {
			do()
		}
		return false
	}
}

// after is a front that does something once the cloud has answered such a call,
// before the client can know.
func (c *cloud) after(suffix string, do func()) front {
	return on(suffix, func(w http.ResponseWriter, r *http.Request) {
		own := httptest.NewRecorder()
		c.Cloud.ServeHTTP(own, r)
		do()
		w.WriteHeader(own.Code)
		_, _ = w.Write(own.Body.Bytes())
	})
}

// both asks one front, then the other.
func both(one, two front) front {
	return func(w http.ResponseWriter, r *http.Request) bool { return one(w, r) || two(w, r) }
}

// text answers with a status and a body.
func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// redirect answers with a location, however broken.
func redirect(location string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusFound)
	}
}

// hangUp breaks the connection instead of answering.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// hang answers nothing until the client goes, which the server only notices
// once the request has been read.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// account has a car of each dialect; ids differ between brands.
func account(b profile.Brand) cloudsim.Account {
	return cloudsim.Account{
		Brand: b, Email: string(b) + "@example.com", Password: password,
		RefreshToken: (strings.ToUpper(string(b)) + strings.Repeat("R3FRESH0", 6))[:48],
		Cars:         []cloudsim.Car{carCCS2(b), carCCS1(b)},
	}
}

func carCCS2(b profile.Brand) cloudsim.Car {
	return cloudsim.Car{
		ID: string(b) + "-ccs2", VIN: "KMHTEST00EV000001", Name: "Blue", Model: "IONIQ 5", Year: 2024, Type: cloudsim.EV, CCS2: true,
		Age: 12 * time.Minute, SoC: 62.5, CapacityKWh: 72, ChargeLimitAC: 80, ChargeLimitDC: 100, AuxSoC: 88,
		OdometerKM: 21477.3, Latitude: 52.516275, Longitude: 13.377704,
	}
}

func carCCS1(b profile.Brand) cloudsim.Car {
	return cloudsim.Car{
		ID: string(b) + "-ccs1", VIN: "KMHTEST0PHEV00002", Name: "Red", Model: "TUCSON PHEV", Year: 2021, Type: cloudsim.PHEV,
		Age: 95 * time.Minute, SoC: 75, CapacityKWh: 14.4, ChargeLimitAC: 90, ChargeLimitDC: 70, AuxSoC: 81, FuelPercent: 50,
		OdometerKM: 48210, Latitude: 48.137154, Longitude: 11.576124,
	}
}

// The cars of the account that most tests use.
const (
	ccs2ID = "kia-ccs2"
	ccs1ID = "kia-ccs1"
)

func brandProfile(tb testing.TB, b profile.Brand, base string) profile.Profile {
	tb.Helper()
	p, err := profile.Europe(b)
	require.NoError(tb, err)
	p.LoginURL, p.CCIURL, p.APIURL = base, base, base
	return p
}

// client is a client of the brand's account, with a store in memory unless
// change says otherwise.
func (c *cloud) client(t *testing.T, b profile.Brand, change ...func(*ccs.Options)) *ccs.Client {
	t.Helper()
	a := account(b)
	o := ccs.Options{
		Profile: brandProfile(t, b, c.base), Username: a.Email, Password: a.Password, Now: c.clock.now, RereadAfter: rereads(6), HistoryEvery: -1,
		Limits: unlimited(),
	}
	for _, f := range change {
		f(&o)
	}
	return newClient(t, o)
}

func newClient(t *testing.T, o ccs.Options) *ccs.Client {
	t.Helper()
	if o.Store == nil {
		o.Store = openStore(t, "")
	}
	client, err := New(o)
	require.NoError(t, err)
	if pool, ok := client.Account().Transport().(*http.Transport); ok {
		t.Cleanup(pool.CloseIdleConnections)
	}
	return client
}

// unlimited is for what is not about limits.
func unlimited() sdk.Limits {
	return sdk.Limits{CallsPerDay: -1, LoginsPerDay: -1, WakesPerDay: -1, WakeInterval: -1, AuxStop: -1}
}

func withStore(s *sdk.Store) func(*ccs.Options) { return func(o *ccs.Options) { o.Store = s } }
func withUser(name string) func(*ccs.Options)   { return func(o *ccs.Options) { o.Username = name } }

func withPassword(word string) func(*ccs.Options)  { return func(o *ccs.Options) { o.Password = word } }
func withToken(b profile.Brand) func(*ccs.Options) { return withPassword(account(b).RefreshToken) }

func withRereads(after ...time.Duration) func(*ccs.Options) {
	return func(o *ccs.Options) { o.RereadAfter = after }
}

// rereads is n re-reads a millisecond apart.
func rereads(n int) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = time.Duration(i+1) * time.Millisecond
	}
	return all
}

// ready is a Kia client that is logged in and knows its cars.
func (c *cloud) ready(t *testing.T, change ...func(*ccs.Options)) *ccs.Client {
	t.Helper()
	client := c.client(t, profile.Kia, change...)
	require.NoError(t, client.Login(t.Context()))
	_, err := client.Vehicles(t.Context())
	require.NoError(t, err)
	return client
}

func openStore(tb testing.TB, dir string) *sdk.Store {
	tb.Helper()
	store, err := sdk.OpenStore(dir)
	require.NoError(tb, err)
	return store
}

// scripted is a client with a session, whose calls handler answers.
func scripted(t *testing.T, handler http.HandlerFunc) *ccs.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return signedIn(t, server.URL)
}

// signedIn is a client of the server at base, with a session that it never got.
func signedIn(t *testing.T, base string, change ...func(*ccs.Options)) *ccs.Client {
	t.Helper()
	clock := &clock{t: summer}
	o := ccs.Options{
		Profile: brandProfile(t, profile.Kia, base), Username: account(profile.Kia).Email, Password: password,
		Now: clock.now, Store: openStore(t, ""), RereadAfter: rereads(3), HistoryEvery: -1,
	}
	for _, f := range change {
		f(&o)
	}
	require.NoError(t, o.Store.Put(sessionDoc, ccs.Session{
		Account: newClient(t, o).Account().Session().Account, DeviceID: "device-1", AccessToken: "eyJ.access.token", ExpiresAt: summer.Add(forever).UnixMilli(),
	}))
	client := newClient(t, o)
	client.Recall([]*vehiclev1.Vehicle{{Id: scriptedCar}, {Id: ccs1ID}, {Id: ccs2ID, Ccs2Support: proto.Int32(1)}})
	return client
}

// scriptedCar is a CCS1 car that a signed-in client knows beside the usual two.
const scriptedCar = "a-car"

// failure is err as a typed error of that reason, whose texts hold nothing that
// a log must not.
func failure(t *testing.T, err error, reason shared.Reason) *shared.APIError {
	t.Helper()
	require.Error(t, err)
	var api *shared.APIError
	require.ErrorAs(t, err, &api)
	assert.Equal(t, reason, api.Reason, "%v", err)
	assert.NotErrorIs(t, err, sdk.ErrSessionExpired, "the engine would renew the session and repeat the call")
	assertClean(t, err)
	return api
}

// fails is failure for who needs no more of it.
func fails(t *testing.T, err error, reason shared.Reason) {
	t.Helper()
	_ = failure(t, err, reason)
}

// assertClean looks at every link of the chain, because the log gets them all.
func assertClean(t *testing.T, err error) {
	t.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		for _, secret := range []string{"http://", "kia.com", "/api/", "/auth/", "code=", "eyJ", "Bearer", "@", "-ccs1", "-ccs2"} {
			assert.NotContains(t, err.Error(), secret) // no number looks like one of these
		}
		redacttest.NotIn(t, err.Error(), password)
	}
}

// cciOf is the set of the account API's tokens that a client has.
func cciOf(client *ccs.Client) cciTokens {
	t, _ := tokensOf(client.Account().Session())
	return t
}

func (t cciTokens) all() []string {
	return []string{
		t.AccessToken, t.RefreshToken, t.ExchangeableAccessToken, t.ExchangeableRefreshToken,
		t.NonCCSToken, t.NonCCSRefreshToken, t.IDToken,
	}
}
