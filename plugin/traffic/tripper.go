package traffic

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Wrap returns a transport that records what goes through next and changes
// nothing of it.
func (r *Recorder) Wrap(next http.RoundTripper) http.RoundTripper { return tripper{r, next} }

type tripper struct {
	recorder *Recorder
	next     http.RoundTripper
}

// RoundTrip implements http.RoundTripper. The exchange is written when the
// caller has read the answer, or has closed it.
func (t tripper) RoundTrip(req *http.Request) (*http.Response, error) {
	r := t.recorder
	if r.ended() {
		return t.next.RoundTrip(req)
	}
	began := r.opts.Now()
	sent := &capture{limit: r.opts.MaxBody}
	outgoing := req
	if req.Body != nil && req.Body != http.NoBody {
		outgoing = req.Clone(req.Context())
		outgoing.Body = &tee{from: req.Body, into: sent}
	}
	resp, err := t.next.RoundTrip(outgoing)
	finish := func(received *capture, failure error) {
		r.write(r.exchange(req, began, sent, resp, received, failure))
	}
	if err != nil {
		finish(&capture{}, err)
		return resp, err
	}
	received := &capture{limit: r.opts.MaxBody}
	resp.Body = &tee{from: resp.Body, into: received, done: finish}
	return resp, nil
}

func (r *Recorder) exchange(req *http.Request, began time.Time, sent *capture, resp *http.Response, received *capture, failure error) Exchange {
	s := r.scrubber
	host := req.URL.Host
	query, _ := s.Form(req.URL.RawQuery)
	body, size := sent.content()
	e := Exchange{
		OffsetMS: began.Sub(r.started).Milliseconds(), DurationMS: r.opts.Now().Sub(began).Milliseconds(),
		Method: req.Method, Path: s.Path(req.URL.Path), Query: query,
		RequestHeaders: s.Headers(req.Header, host), Request: s.Body(req.Header.Get("Content-Type"), body, size),
		Error: sortOf(failure),
	}
	if resp != nil {
		body, size := received.content()
		e.Status = resp.StatusCode
		e.Headers = s.Headers(resp.Header, host)
		e.Response = s.Body(resp.Header.Get("Content-Type"), body, size)
	}
	return e
}

// sortOf names an error without its text, which holds addresses.
func sortOf(err error) string {
	var timeout interface{ Timeout() bool }
	var op *net.OpError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.As(err, &op) && op.Op == "dial":
		return "no connection"
	}
	return "broken connection"
}

// capture keeps the beginning of a body and counts the rest. A transport may
// still be reading the request when the answer is there, hence the lock.
type capture struct {
	limit int
	mu    sync.Mutex
	body  []byte
	size  int
}

func (c *capture) add(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size += len(p)
	if c.size > c.limit {
		p = p[:max(0, min(len(p), c.limit-len(c.body)))]
	}
	c.body = append(c.body, p...)
}

func (c *capture) content() (body []byte, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.body[:len(c.body):len(c.body)], c.size
}

// tee hands a body through. done, if there is one, is called once: when the
// body has ended, has failed, or is closed.
type tee struct {
	from io.ReadCloser
	into *capture
	done func(*capture, error)
	once sync.Once
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	t.into.add(p[:n])
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		t.end(nil)
	default:
		t.end(err)
	}
	return n, err
}

func (t *tee) Close() error {
	err := t.from.Close()
	t.end(nil)
	return err
}

func (t *tee) end(err error) {
	if t.done != nil {
		t.once.Do(func() { t.done(t.into, err) })
	}
}

// CloseIdleConnections closes those of the transport that is wrapped, as
// http.Client expects of one.
func (t tripper) CloseIdleConnections() {
	if closer, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
