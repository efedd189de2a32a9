package ccs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/traffic"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Time limits of calls. None is repeated by itself.
const (
	callTimeout = 35 * time.Second
	// A CCS1 forced read is answered when the car is.
	blockingTimeout = 130 * time.Second
)

// maxBody is larger than any honest answer.
const maxBody = 4 << 20

// wire makes HTTP calls. Safe for concurrent use.
type wire struct {
	http *http.Client
	// wakes has no connection that it could lose: on a kept-alive one that
	// breaks, net/http sends a GET again by itself, and wakes the car twice.
	wakes *http.Client
	// scrubber of the debug log.
	scrubber  *traffic.Scrubber
	userAgent string
	// requested counts the calls of the vehicle API, and keeps back what may not go out.
	requested func(context.Context) error
}

func newWire(o Options) *wire {
	w := &wire{
		http:      &http.Client{Transport: o.transport(true), CheckRedirect: stay},
		wakes:     &http.Client{Transport: o.transport(false), CheckRedirect: stay},
		scrubber:  traffic.NewScrubber(traffic.ScrubberOptions{Forget: 4096}),
		userAgent: o.Profile.UserAgent,
		requested: o.Requested,
	}
	w.scrubber.Learn(o.Username, o.Password)
	return w
}

func (o Options) transport(keepAlive bool) http.RoundTripper {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   keepAlive,
		DisableKeepAlives:   !keepAlive,
		MaxIdleConnsPerHost: 32,
		// The servers half-close idle connections; requests on them hang.
		IdleConnTimeout: 30 * time.Second,
	}
	if o.Transport == nil {
		return t
	}
	return o.Transport(t)
}

// stay follows no redirect: nothing of the API is known to redirect, and the tokens
// in the headers are for its own hosts.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Request is one HTTP call.
type Request struct {
	Method, URL string
	// What names the call in the log: no ids, no query.
	What   string
	Header http.Header
	// Form or JSON is the body; neither: none.
	Form    url.Values
	JSON    any
	Timeout time.Duration
	// Via is another client than the usual one: the login's, with its cookies.
	Via Doer
	// Wakes: the call reaches the car.
	Wakes bool
}

// Doer is an http.Client, or less.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Response is an answer that was read to its end.
type Response struct {
	Status int
	Header http.Header
	// URL that has answered, after redirects.
	URL  *url.URL
	Body []byte
}

// send makes one call. It fails only if there is no answer; what the answer
// means is the caller's to say.
func (w *wire) send(ctx context.Context, r Request) (Response, error) {
	if r.Timeout == 0 {
		r.Timeout = callTimeout
	}
	callCtx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	req, err := r.build(callCtx, w.userAgent)
	if err != nil {
		return Response{}, shared.NewError(shared.ReasonInternal).Wrap(err)
	}

	client := r.Via
	switch {
	case client != nil:
	case r.Wakes:
		client = w.wakes
	default:
		client = w.http
	}
	if r.Via == nil { // the login's pages are another host's and have no quota
		if err := w.requested(ctx); err != nil {
			return Response{}, err
		}
		req = req.WithContext(w.countingAgain(callCtx))
	}

	started := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return Response{}, noAnswer(ctx, r, started, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return Response{}, noAnswer(ctx, r, started, err)
	}

	if log := sdk.Logger(ctx); log.Enabled(ctx, slog.LevelDebug) {
		log.Debug("vendor answered", "call", r.What, "method", r.Method, "status", resp.StatusCode, "bytes", len(body),
			"duration", time.Since(started).String(), "ratelimit_remaining", resp.Header.Get("X-Ratelimit-Remaining"),
			"request", w.shown(req.Header, r.sent()), "response", w.shown(resp.Header, body))
	}
	if len(body) > maxBody {
		return Response{}, shared.Errorf(shared.ReasonInvalidResponse, "The vendor's answer is larger than %d MiB and was not read.", maxBody>>20)
	}
	return Response{Status: resp.StatusCode, Header: resp.Header, URL: resp.Request.URL, Body: body}, nil
}

// countingAgain counts what net/http sends once more by itself, because a connection that
// was kept alive has broken.
func (w *wire) countingAgain(ctx context.Context) context.Context {
	var sent atomic.Bool
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() {
		if sent.Swap(true) {
			_ = w.requested(ctx) // it has gone already
		}
	}})
}

func (r Request) build(ctx context.Context, agent string) (*http.Request, error) {
	var body io.Reader
	contentType := ""
	switch {
	case r.JSON != nil:
		encoded, err := json.Marshal(r.JSON)
		if err != nil {
			return nil, err
		}
		body, contentType = bytes.NewReader(encoded), "application/json"
	case r.Form != nil:
		body, contentType = strings.NewReader(r.Form.Encode()), "application/x-www-form-urlencoded"
	case r.Method == http.MethodPost:
		body = http.NoBody
	}

	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", agent)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for key, values := range r.Header {
		req.Header[key] = values
	}
	return req, nil
}

// shownBody is how much of a body the debug log gets.
const shownBody = 4 << 10

// shown is a body as the debug log may have it.
func (w *wire) shown(header http.Header, body []byte) string {
	text := w.scrubber.Body(header.Get("Content-Type"), body, len(body)).String()
	if len(text) > shownBody {
		return strings.ToValidUTF8(text[:shownBody], "") + "…"
	}
	return text
}

// sent is the body of the request.
func (r Request) sent() []byte {
	switch {
	case r.JSON != nil:
		body, _ := json.Marshal(r.JSON) // it was sent, so it can be encoded
		return body
	case r.Form != nil:
		return []byte(r.Form.Encode())
	}
	return nil
}

// noAnswer says why there is no answer: the caller left, time ran out, or the
// vendor cannot be reached.
func noAnswer(ctx context.Context, r Request, started time.Time, err error) error {
	// The error names the URL, and that may hold a code or a token.
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	sdk.Logger(ctx).Debug("vendor did not answer", "call", r.What, "duration", time.Since(started).String(), "error", err)
	if ctx.Err() != nil {
		return ctx.Err()
	}

	failure := shared.NewError(shared.ReasonVendorUnavailable)
	var timeout interface{ Timeout() bool }
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		failure = shared.NewError(shared.ReasonVendorTimeout)
	}
	var dial *net.OpError
	connected := !errors.As(err, &dial) || dial.Op != "dial"
	failure.MayHaveHappened = r.Wakes && connected
	return failure.Wrap(err)
}
