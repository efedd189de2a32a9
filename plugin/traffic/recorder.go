package traffic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Version of the recordings' format.
const Version = 1

// Header is the first line of a recording.
type Header struct {
	Version int       `json:"version"`
	Brand   string    `json:"brand,omitempty"`
	Started time.Time `json:"started"`
}

// RecorderOptions of NewRecorder.
type RecorderOptions struct {
	// File to write. It must not exist: a recording holds one run.
	File string
	// Brand of the account, for who reads the recording.
	Brand string
	// Secrets that have no form of their own: user name, password, PIN.
	Secrets []string
	// Paths of the client's calls beyond those that the package knows.
	Paths []string
	// MaxBody is how much of a body is kept. Default 1 MiB. Of a longer one only
	// its length is recorded.
	MaxBody int
	// MaxFile is how long the file may become; recording then ends. Default
	// 64 MiB.
	MaxFile int64
	// Logger is told once if the recording fails or ends.
	Logger *slog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Recorder writes exchanges to a file, a line each, so that what was written
// survives a crash. Safe for concurrent use.
type Recorder struct {
	opts     RecorderOptions
	scrubber *Scrubber
	started  time.Time

	mu      sync.Mutex
	file    *os.File // nil once the recording has ended
	written int64
}

// NewRecorder begins a recording, readable by its owner only.
func NewRecorder(o RecorderOptions) (*Recorder, error) {
	if o.MaxBody <= 0 {
		o.MaxBody = 1 << 20
	}
	if o.MaxFile <= 0 {
		o.MaxFile = 64 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	file, err := os.OpenFile(o.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	r := &Recorder{opts: o, scrubber: NewScrubber(ScrubberOptions{Paths: o.Paths}), started: o.Now(), file: file}
	r.scrubber.Learn(o.Secrets...)
	if err := r.line(Header{Version: Version, Brand: o.Brand, Started: r.started.UTC().Truncate(time.Second)}); err != nil {
		return nil, errors.Join(fmt.Errorf("recording: %w", err), file.Close())
	}
	return r, nil
}

// Close ends the recording. Calls go on unrecorded.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	file := r.file
	r.file = nil
	return file.Close()
}

// ended says whether nothing is written any more.
func (r *Recorder) ended() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.file == nil
}

// write adds an exchange. No call ever fails because of it.
func (r *Recorder) write(e Exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return
	}
	if err := r.line(e); err != nil {
		r.opts.Logger.Warn("the recording of the vendor's traffic ends", "error", err)
		_ = r.file.Close()
		r.file = nil
	}
}

var errFull = errors.New("the recording has reached its largest size")

// line writes v with one write, so that no line is ever half there. Called with
// mu held, or before anybody else knows r.
func (r *Recorder) line(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	if r.written+int64(b.Len()) > r.opts.MaxFile {
		return errFull
	}
	n, err := r.file.Write(b.Bytes())
	r.written += int64(n)
	return err
}
