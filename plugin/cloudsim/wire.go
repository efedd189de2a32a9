package cloudsim

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// heldAnswer keeps what a handler answers.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *heldAnswer) Header() http.Header { return a.header }

func (a *heldAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *heldAnswer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// seenWriter sees what is answered.
type seenWriter struct {
	http.ResponseWriter
	status, bytes int
}

func (w *seenWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *seenWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += n
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *seenWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// trueAnswer is what the cloud would have answered.
func (c *Cloud) trueAnswer(r *http.Request) *heldAnswer {
	a := &heldAnswer{header: http.Header{}}
	c.answers.ServeHTTP(a, r)
	a.WriteHeader(http.StatusOK)
	return a
}

func (a *heldAnswer) writeHead(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	w.WriteHeader(a.status)
}

// answerNever waits until the caller gives up, or the cloud is closed.
func answerNever(c *Cloud, _ Step, _ http.ResponseWriter, r *http.Request) {
	// Only a call that was read to its end lets the server see that its caller has
	// gone.
	_, _ = io.Copy(io.Discard, r.Body)
	select {
	case <-r.Context().Done():
	case <-c.closing:
	}
	panic(http.ErrAbortHandler)
}

func answerLate(c *Cloud, s Step, w http.ResponseWriter, r *http.Request) {
	c.wait(r, s.Delay)
	c.answers.ServeHTTP(w, r)
}

func answerDrip(c *Cloud, s Step, w http.ResponseWriter, r *http.Request) {
	a := c.trueAnswer(r)
	a.writeHead(w)
	out := http.NewResponseController(w)
	for _, b := range a.body.Bytes() {
		_, err := w.Write([]byte{b})
		if err = errors.Join(err, out.Flush()); err != nil {
			panic(http.ErrAbortHandler)
		}
		c.wait(r, cmp.Or(s.Delay, time.Second))
	}
}

func answerTruncated(c *Cloud, _ Step, w http.ResponseWriter, r *http.Request) {
	a := c.trueAnswer(r)
	if a.body.Len() < 2 {
		panic(http.ErrAbortHandler) // the half of a head
	}
	a.writeHead(w)
	_, _ = w.Write(a.body.Bytes()[:a.body.Len()/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// answerReset makes the caller's next read fail with a reset connection, not
// with an end of file.
func answerReset(_ *Cloud, _ Step, w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
