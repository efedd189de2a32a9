package traffic

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
	"sync"
)

// maxLine is the longest line of a recording: an exchange with two bodies.
const maxLine = 16 << 20

// Replay answers as a recording says. Each call gets the recorded answers to it
// in their order, and the last one again and again. Nothing that a client says
// about itself is checked. Safe for concurrent use.
type Replay struct {
	header Header

	mu sync.Mutex
	// calls by key; next is the answer of each that comes next.
	calls map[string][]*Exchange
	next  map[string]int
	paths map[string]bool
}

// OpenReplay reads the recording of a file.
func OpenReplay(name string) (*Replay, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	r, err := NewReplay(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// NewReplay reads a recording.
func NewReplay(from io.Reader) (*Replay, error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	r := &Replay{calls: map[string][]*Exchange{}, next: map[string]int{}, paths: map[string]bool{}}
	if !lines.Scan() {
		return nil, errors.Join(errors.New("recording: it is empty"), lines.Err())
	}
	if err := json.Unmarshal(lines.Bytes(), &r.header); err != nil {
		return nil, fmt.Errorf("recording: line 1: %w", err)
	}
	if r.header.Version != Version {
		return nil, fmt.Errorf("recording: version %d is not known, only %d is", r.header.Version, Version)
	}
	var all []*Exchange
	for n := 2; lines.Scan(); n++ {
		if len(strings.TrimSpace(lines.Text())) == 0 {
			continue
		}
		e := new(Exchange)
		if err := json.Unmarshal(lines.Bytes(), e); err != nil {
			return nil, fmt.Errorf("recording: line %d: %w", n, err)
		}
		if e.Method == "" || !strings.HasPrefix(e.Path, "/") || e.Status != 0 && (e.Status < 200 || e.Status > 999) {
			return nil, fmt.Errorf("recording: line %d: no exchange", n)
		}
		all = append(all, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	// A line is written when its call ends; what a client waits for is the order
	// in which calls began.
	sort.SliceStable(all, func(i, j int) bool { return all[i].OffsetMS < all[j].OffsetMS })
	for _, e := range all {
		query, _ := url.ParseQuery(e.Query)
		exact, plain := keysOf(e.Method, e.Path, query, e.Request)
		r.calls[exact] = append(r.calls[exact], e)
		if exact != plain {
			r.calls[plain] = append(r.calls[plain], e)
		}
		r.paths[e.Path] = true
	}
	return r, nil
}

// Header is the recording's first line.
func (r *Replay) Header() Header { return r.header }

// Knows says whether there is an answer to a call of that method and path.
func (r *Replay) Knows(method, path string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.calls[method+" "+path]) > 0
}

// keysOf names a call: with what tells it from others of its path, and without.
// Most of a query and of a body are secrets, which are others now.
func keysOf(method, path string, query url.Values, body *Content) (exact, plain string) {
	plain = method + " " + path
	var marks []string
	for _, name := range []string{"serviceType", "detail", "status"} {
		if query.Has(name) {
			marks = append(marks, name+"="+query.Get(name))
		}
	}
	if body != nil && body.JSON != nil {
		var members map[string]any
		if json.Unmarshal(body.JSON, &members) == nil {
			for name, v := range members {
				switch v.(type) {
				case float64, bool:
					marks = append(marks, fmt.Sprintf("%s=%v", name, v))
				}
			}
		}
	}
	if len(marks) == 0 {
		return plain, plain
	}
	sort.Strings(marks)
	return plain + "?" + strings.Join(marks, "&"), plain
}

// ServeHTTP implements http.Handler.
func (r *Replay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 1<<20))
	if err != nil {
		http.Error(w, "the request cannot be read", http.StatusBadRequest)
		return
	}
	content := &Content{}
	if json.Valid(body) {
		content.JSON = body
	}
	exact, plain := keysOf(req.Method, req.URL.Path, req.URL.Query(), content)
	e := r.take(exact, plain)
	switch {
	case e == nil:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"retCode":"F","resCode":"404","resMsg":"not in the recording","msgId":""}`)
		return
	case e.Status == 0:
		panic(http.ErrAbortHandler) // there was no answer then, so there is none now
	}
	for key, value := range e.Headers {
		if key == "Location" {
			value = r.here(value)
		}
		w.Header().Set(key, value)
	}
	w.WriteHeader(e.Status)
	_, _ = io.WriteString(w, e.Response.String()) // the client may have gone
	if e.Error != "" {
		panic(http.ErrAbortHandler) // the answer broke off
	}
}

// take returns the answer whose turn it is.
func (r *Replay) take(keys ...string) *Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range keys {
		all := r.calls[key]
		if len(all) == 0 {
			continue
		}
		i := r.next[key]
		r.next[key] = min(i+1, len(all)-1)
		return all[i]
	}
	return nil
}

// here leads a redirect to a recorded page to this server, whatever host it was
// at: a replay must not send its client to the vendor.
func (r *Replay) here(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" || !r.paths[u.Path] {
		return location
	}
	u.Scheme, u.Host = "", ""
	return u.String()
}
