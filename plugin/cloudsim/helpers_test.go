package cloudsim

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/profile"
)

// safeClock stands until it is moved.
type safeClock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *safeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *safeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// phone is a client that knows only the protocol.
type phone struct {
	t     *testing.T
	base  string
	brand profile.Profile
	// header of calls of the vehicle API.
	header http.Header
	// via is how it gets there; nil: over the network.
	via http.RoundTripper
}

// direct calls a handler without a network, as one within a synctest bubble has
// to be called: who waits for a socket keeps the bubble's time from passing.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		reason := recover()
		if reason == nil {
			return
		}
		if abort, ok := reason.(error); !ok || !errors.Is(abort, http.ErrAbortHandler) {
			panic(reason)
		}
		resp, err = nil, cmp.Or(r.Context().Err(), io.ErrUnexpectedEOF)
	}()
	answer := httptest.NewRecorder()
	d.ServeHTTP(answer, r)
	return answer.Result(), nil
}

// answer of the cloud.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

// at is a member of the answer by its path, which may lead through lists; nil if there
// is none.
func (a answer) at(path string) any {
	in, name := parentOf(a.body, path)
	return in[name]
}

func (p *phone) do(method, path, contentType, body string, header http.Header) answer {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, strings.NewReader(body))
	require.NoError(p.t, err)
	req.Header = header.Clone()
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := (&http.Client{Transport: p.via}).Do(req)
	require.NoError(p.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	a := answer{status: resp.StatusCode, header: resp.Header}
	if len(raw) > 0 && raw[0] == '{' {
		require.NoError(p.t, json.Unmarshal(raw, &a.body))
	}
	return a
}

func (p *phone) get(path string) answer {
	p.t.Helper()
	return p.do(http.MethodGet, "/api/v1/spa/"+path, "", "", p.header)
}

func (p *phone) post(path, body string) answer {
	p.t.Helper()
	return p.do(http.MethodPost, "/api/v1/spa/"+path, "application/json", body, p.header)
}

// grant asks for a token of the vehicle API with a refresh token.
func (p *phone) grant(token string) answer {
	p.t.Helper()
	return p.do(http.MethodPost, "/auth/api/v2/user/oauth2/token", "application/x-www-form-urlencoded", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {p.brand.ServiceID}, "client_secret": {p.brand.ServiceSecret},
	}.Encode(), http.Header{})
}

const register = `{"pushRegId":"00","pushType":"GCM","uuid":"00"}`

func serve(t *testing.T, o Options) (*Cloud, *safeClock) {
	t.Helper()
	clock := &safeClock{t: start}
	o.Now = clock.now
	c, err := New(o)
	require.NoError(t, err)
	require.NoError(t, c.Start("127.0.0.1:0"))
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		assert.NoError(t, c.Close(context.WithoutCancel(t.Context())))
	})
	return c, clock
}

// owner is a phone that is logged in to the demo account. It calls a cloud that
// does not listen without a network.
func owner(t *testing.T, c *Cloud) *phone {
	t.Helper()
	brand, err := profile.Europe(profile.Hyundai)
	require.NoError(t, err)
	stamp, err := brand.Stamp(start)
	require.NoError(t, err)
	p := &phone{t: t, base: c.URL(), brand: brand, header: http.Header{}}
	if p.base == "" {
		p.base, p.via = "http://127.0.0.1:1", direct{c}
	}
	p.header.Set("Ccsp-Service-Id", brand.ServiceID)
	p.header.Set("Ccsp-Application-Id", brand.AppID)
	p.header.Set("Stamp", stamp)
	device, ok := p.post("notifications/register", register).at("resMsg.deviceId").(string)
	require.True(t, ok)
	p.header.Set("Ccsp-Device-Id", device)
	p.login()
	return p
}

func (p *phone) login() {
	p.t.Helper()
	token, ok := p.grant(DemoAccount().RefreshToken).at("access_token").(string)
	require.True(p.t, ok)
	p.header.Set("Authorization", "Bearer "+token)
}

func demoCars() (ccs2, ccs1 string) {
	cars := DemoAccount().Cars
	return cars[0].ID, cars[1].ID
}
