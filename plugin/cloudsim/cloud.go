package cloudsim

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// Options of New. Zero values take the defaults.
type Options struct {
	// Profiles of the brands that are served, each brand once. Default: Europe's.
	// Login pages are Europe's for profiles of Europe, and plain ones for others.
	Profiles []profile.Profile
	// Accounts with their cars. Default: [DemoAccount].
	Accounts []Account
	// TokenLife is how long a token of the vehicle API lives. Default 24 h.
	TokenLife time.Duration
	// CCITokenLife is how long an access token of the account API lives.
	// Default 1 h.
	CCITokenLife time.Duration
	// ForceDelay is how long a woken car takes to answer. Default 2 s.
	ForceDelay time.Duration
	// Latency is added to every answer. Default none.
	Latency time.Duration
	// Quota is how many calls of the vehicle API an account has a day. Default
	// unlimited.
	Quota int
	// Speed is how much faster the cars live than the cloud's clock. Default 1.
	Speed float64
	// Answers answers in the cloud's place, for example with recorded traffic.
	// Counts, faults and control stay the cloud's. If it knows what it can answer
	// ([Knower]), the calls of a login that it does not know are the cloud's own.
	// Default: the cloud itself.
	Answers http.Handler
	// OnCall hears of each call when it has ended. It is called concurrently.
	// Default: nobody does.
	OnCall func(Call)
	// Now is the clock beneath the cloud's own. What waits does not see it moved by
	// hand, and waits as long as time really takes: for a clock that is moved by hand
	// see Stepped. Default time.Now.
	Now func() time.Time
	// Rate is how much faster than Now the cloud's clock runs. Default 1.
	Rate float64
	// Stepped: the cloud's clock stands, and whatever waits does, until
	// [Cloud.Advance] moves it.
	Stepped bool
}

// Account is a user of one brand.
type Account struct {
	Brand    profile.Brand
	Email    string
	Password string
	// PIN; empty: none is set.
	PIN string
	// RefreshToken of the classic client, 48 capital letters and digits; empty:
	// none.
	RefreshToken string
	// ConsentMissing: new terms wait to be accepted.
	ConsentMissing bool
	Cars           []Car
}

// Cloud is the server. Safe for concurrent use.
type Cloud struct {
	opts    Options
	key     *rsa.PrivateKey
	keyID   string
	zone    *time.Location // of the first profile; days begin in it
	mux     *http.ServeMux
	answers http.Handler     // the mux, or what stands in for it
	classes map[string]Class // by pattern
	server  *http.Server
	url     string
	player  player
	clock   *clock
	closing chan struct{}
	close   func()
	control http.Handler

	mu       sync.Mutex
	accounts []*account
	sessions map[string]bool         // cookies of the login page
	plain    map[string]plainSession // those of the plain one
	codes    map[string]*account     // login codes, each good for once
	sets     map[string]*tokenSet    // by refresh token of the account API
	tokens   map[string]*accessToken // of the vehicle API
	controls map[string]*accessToken // bought with a PIN
	devices  map[string]profile.Brand
	// What came, and what of it was taken.
	attempts, counts map[Class]int
	// What is set, and what scripts have begun beside it.
	down    bool
	outages int
	quota   int
	quotas  []*int
}

type account struct {
	Account
	uid, pid string // claims of its tokens
	// plainRefresh is the refresh token of the plain login.
	plainRefresh string
	profile      profile.Profile
	cars         []*liveCar
	failures     int
	lockedTo     time.Time
	pinFails     int
	pinLock      time.Time
	used         int    // calls of the vehicle API on day
	day          string // in the region's zone
}

// complete puts the defaults in place.
func (o *Options) complete() {
	if len(o.Accounts) == 0 {
		o.Accounts = []Account{DemoAccount()}
	}
	if o.TokenLife <= 0 {
		o.TokenLife = 24 * time.Hour
	}
	if o.CCITokenLife <= 0 {
		o.CCITokenLife = time.Hour
	}
	if o.ForceDelay <= 0 {
		o.ForceDelay = 2 * time.Second
	}
	if o.Speed <= 0 {
		o.Speed = 1
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case o.Stepped:
		o.Rate = 0
	case o.Rate <= 0:
		o.Rate = 1
	}
	if len(o.Profiles) == 0 {
		o.Profiles = profile.Brands()
	}
}

// New makes a cloud that is not listening yet.
func New(o Options) (*Cloud, error) {
	o.complete()
	key, err := loginKey()
	if err != nil {
		return nil, err
	}
	zone, err := o.Profiles[0].Zone()
	if err != nil {
		return nil, err
	}
	c := &Cloud{
		opts: o, zone: zone, key: key, keyID: "HMGID2_CIPHER_KEY1", mux: http.NewServeMux(), classes: map[string]Class{},
		clock: newClock(o.Now, o.Rate), closing: make(chan struct{}), quota: o.Quota,
		sessions: map[string]bool{}, plain: map[string]plainSession{}, codes: map[string]*account{}, sets: map[string]*tokenSet{},
		tokens: map[string]*accessToken{}, controls: map[string]*accessToken{}, devices: map[string]profile.Brand{},
		attempts: map[Class]int{}, counts: map[Class]int{},
	}
	switch knower, knows := o.Answers.(Knower); {
	case o.Answers == nil:
		c.answers = c.mux
	case knows:
		c.answers = c.withLogin(o.Answers, knower)
	default:
		c.answers = o.Answers
	}
	c.player.cloud, c.close = c, sync.OnceFunc(func() { close(c.closing) })
	seen := map[string]bool{}
	for _, a := range o.Accounts {
		p, served := c.profileOf(func(p profile.Profile) bool { return p.Brand == a.Brand })
		if !served {
			return nil, fmt.Errorf("brand %q is not served: give its profile", a.Brand)
		}
		live := &account{Account: a, profile: p, uid: randomUUID(), pid: randomUUID()}
		for _, car := range a.Cars {
			if car.ID == "" || seen[car.ID] {
				return nil, fmt.Errorf("car %q: ids must be there and differ", car.ID)
			}
			seen[car.ID] = true
			own, err := car.zone(zone)
			if err != nil {
				return nil, err
			}
			live.cars = append(live.cars, newLiveCar(car, c.now, o, own, p.Protocol))
		}
		c.accounts = append(c.accounts, live)
	}
	europeLogin{c}.loginRoutes()
	accountAPI{c}.cciRoutes()
	plainLogin{c}.plainRoutes()
	vehicleAPI{c}.apiRoutes()
	c.controlRoutes()
	return c, nil
}

// profileOf is the served profile that is meant.
func (c *Cloud) profileOf(meant func(profile.Profile) bool) (profile.Profile, bool) {
	for _, p := range c.opts.Profiles {
		if meant(p) {
			return p, true
		}
	}
	return profile.Profile{}, false
}

// loginKey encrypts passwords. One does for all clouds of a process: making it
// takes a moment.
var loginKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// Start listens on addr, for example "127.0.0.1:0". Only loopback is taken.
func (c *Cloud) Start(addr string) error {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return err
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		_ = l.Close()
		return fmt.Errorf("%s is not on the loopback interface", addr)
	}
	c.url = "http://" + l.Addr().String()
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = c.server.Serve(l) }() // ends with Close
	return nil
}

// URL of the listening server, the base of all three roles.
func (c *Cloud) URL() string { return c.url }

// String names the cloud in logs.
func (c *Cloud) String() string { return fmt.Sprintf("scripted cloud at %s", c.url) }

// Close stops listening and ends the calls that are open when ctx ends; those
// that a fault holds up end at once.
func (c *Cloud) Close(ctx context.Context) error {
	c.close()
	if c.server == nil {
		return nil
	}
	err := c.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return c.server.Close()
	}
	return err
}

// ServeHTTP implements http.Handler.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		c.control.ServeHTTP(w, r)
		return
	}
	class := c.classOf(r)
	c.mu.Lock()
	c.attempts[class]++
	c.mu.Unlock()
	call := Call{At: c.now(), Class: class, Method: r.Method, Path: r.URL.Path}
	if c.opts.OnCall != nil {
		began, seen := time.Now(), &seenWriter{ResponseWriter: w}
		w = seen
		defer func() {
			call.Took, call.Status, call.Bytes = time.Since(began), seen.status, seen.bytes
			c.opts.OnCall(call)
		}()
	}
	if c.opts.Latency > 0 {
		c.wait(r, c.opts.Latency)
	}
	step, met := c.player.meet(class, r)
	if !met {
		c.answers.ServeHTTP(w, r)
		return
	}
	call.Fault = step.Fault
	faults[step.Fault].answer(c, step, w, r)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}

func writePage(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<!DOCTYPE html><html><head><title>IDPConnect</title></head><body>" + text + "</body></html>"))
}

// object is a JSON object.
type object = map[string]any

func randomText(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

func randomUUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
}

// newJWT is a token of the usual form; only this server can tell what it means.
func newJWT(a *account, issuer string, now, end time.Time) string {
	part := func(v any) string {
		b, _ := json.Marshal(v) // maps of plain values
		return base64.RawURLEncoding.EncodeToString(b)
	}
	claims := object{
		"pid": a.pid, "uid": a.uid, "sid": a.profile.ServiceID, "iss": issuer,
		"iat": now.Unix(), "exp": end.Unix(),
	}
	return part(object{"typ": "JWT", "alg": "RS256"}) + "." + part(claims) + "." + randomText(64)
}
