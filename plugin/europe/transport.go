package europe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

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

// request is one HTTP call.
type request struct {
	method, url string
	// what names the call in the log: no ids, no query.
	what    string
	header  http.Header
	form    url.Values
	json    any
	timeout time.Duration
	// via is another client than the usual one: the login's, with its cookies.
	via doer
	// wakes: the call reaches the car.
	wakes bool
}

// doer is an http.Client, or less.
type doer interface {
	Do(*http.Request) (*http.Response, error)
}

type response struct {
	status int
	header http.Header
	url    *url.URL
	body   []byte
}

// send makes one call. It fails only if there is no answer; what the answer
// means is the caller's to say.
func (c *Client) send(ctx context.Context, r request) (response, error) {
	if r.timeout == 0 {
		r.timeout = callTimeout
	}
	callCtx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	req, err := r.build(callCtx, c.opts.Profile.UserAgent)
	if err != nil {
		return response{}, shared.NewError(shared.ReasonInternal).Wrap(err)
	}
	client := r.via
	switch {
	case client != nil:
	case r.wakes:
		client = c.wakes
	default:
		client = c.http
	}
	if r.via == nil { // the login's pages are another host's and have no quota
		c.opts.Requested()
	}
	started := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return response{}, c.noAnswer(ctx, r, started, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return response{}, c.noAnswer(ctx, r, started, err)
	}
	if log := sdk.Logger(ctx); log.Enabled(ctx, slog.LevelDebug) {
		log.Debug("vendor answered", "call", r.what, "method", r.method, "status", resp.StatusCode, "bytes", len(body),
			"duration", time.Since(started).String(), "ratelimit_remaining", resp.Header.Get("X-Ratelimit-Remaining"), "request", c.shown(req.Header, r.sent()), "response", c.shown(resp.Header, body))
	}
	if len(body) > maxBody {
		return response{}, shared.Errorf(shared.ReasonInvalidResponse, "The vendor's answer is larger than %d MiB and was not read.", maxBody>>20)
	}
	return response{status: resp.StatusCode, header: resp.Header, url: resp.Request.URL, body: body}, nil
}

func (r request) build(ctx context.Context, agent string) (*http.Request, error) {
	var body io.Reader
	contentType := ""
	switch {
	case r.json != nil:
		encoded, err := json.Marshal(r.json)
		if err != nil {
			return nil, err
		}
		body, contentType = bytes.NewReader(encoded), "application/json"
	case r.form != nil:
		body, contentType = strings.NewReader(r.form.Encode()), "application/x-www-form-urlencoded"
	case r.method == http.MethodPost:
		body = http.NoBody
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", agent)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for key, values := range r.header {
		req.Header[key] = values
	}
	return req, nil
}

// shownBody is how much of a body the debug log gets.
const shownBody = 4 << 10

// shown is a body as the debug log may have it.
func (c *Client) shown(header http.Header, body []byte) string {
	text := c.scrubber.Body(header.Get("Content-Type"), body, len(body)).String()
	if len(text) > shownBody {
		return strings.ToValidUTF8(text[:shownBody], "") + "…"
	}
	return text
}

// sent is the body of the request.
func (r request) sent() []byte {
	switch {
	case r.json != nil:
		body, _ := json.Marshal(r.json) // it was sent, so it can be encoded
		return body
	case r.form != nil:
		return []byte(r.form.Encode())
	}
	return nil
}

// noAnswer says why there is no answer: the caller left, time ran out, or the
// vendor cannot be reached.
func (c *Client) noAnswer(ctx context.Context, r request, started time.Time, err error) error {
	// The error names the URL, and that may hold a code or a token.
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	sdk.Logger(ctx).Debug("vendor did not answer", "call", r.what, "duration", time.Since(started).String(), "error", err)
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
	failure.MayHaveHappened = r.wakes && connected
	return failure.Wrap(err)
}
