package logpipe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// maxLine is how much of a line is kept; the rest is read and dropped.
const maxLine = 16 << 10

// What a crash report gets: so many last lines, and so many of a panic.
const (
	keep      = 20
	keepPanic = 40
)

// What a plugin may write to the hub's log, in the long run and at once. The rest
// is counted.
const (
	linesPerSecond, linesAtOnce = 50, 1000
	bytesPerSecond, bytesAtOnce = 32 << 10, 1 << 20
	// tellEvery is how often the log hears how many lines were left out.
	tellEvery = 10 * time.Second
)

// maxClockSkew is how far a line's own time may be off; beyond it the line gets
// ours.
const maxClockSkew = time.Minute

// Options of a Pipe. Zero values take the defaults.
type Options struct {
	// Logger gets the lines. Default: none.
	Logger *slog.Logger
	// Redactor cleans them. Default: one that knows patterns only.
	Redactor *redact.Redactor
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Pipe forwards a plugin's lines to the hub's log, redacted, and no more of them
// than a log can bear. Safe for concurrent use.
type Pipe struct {
	handler      slog.Handler
	redactor     *redact.Redactor
	now          func() time.Time
	lines, bytes *rate.Limiter

	mu         sync.Mutex
	last       [][]byte // as they came
	panicked   [][]byte
	inPanic    bool
	suppressed int
	told       time.Time
}

// New returns a pipe.
func New(o Options) *Pipe {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Redactor == nil {
		o.Redactor = &redact.Redactor{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Pipe{
		handler: o.Redactor.Handler(o.Logger.Handler()), redactor: o.Redactor, now: o.Now,
		lines: rate.NewLimiter(linesPerSecond, linesAtOnce), bytes: rate.NewLimiter(bytesPerSecond, bytesAtOnce),
	}
}

// Drain reads r to its end, line by line, however long the lines are. It
// returns when r ends or fails.
func (p *Pipe) Drain(r io.Reader) {
	defer p.tellSuppressed(0)
	reader := bufio.NewReaderSize(r, 4<<10)
	var line []byte
	dropped := 0
	for {
		part, err := reader.ReadSlice('\n')
		part = bytes.TrimSuffix(part, []byte("\n"))
		room := maxLine - len(line)
		if len(part) > room {
			dropped += len(part) - room
			part = part[:room]
		}
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err == nil || len(line) > 0 {
			p.forward(line, dropped)
		}
		if err != nil {
			return
		}
		line, dropped = line[:0], 0
	}
}

// Stdout takes a line that the plugin wrote where the handshake belongs.
func (p *Pipe) Stdout(line string) { p.forward([]byte(line), 0) }

// Last returns the last lines, oldest first.
func (p *Pipe) Last() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clean(p.last)
}

// Panic returns the beginning of the last panic, which its goroutines push out
// of the last lines; nil if there was none.
func (p *Pipe) Panic() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clean(p.panicked)
}

func (p *Pipe) clean(lines [][]byte) []string {
	var all []string
	for _, raw := range lines {
		all = append(all, p.redactor.String(Parse(raw).Message))
	}
	return all
}

func (p *Pipe) forward(raw []byte, dropped int) {
	if dropped > 0 {
		raw = wholeRunes(raw)
	}
	p.remember(raw)
	now := p.now()
	if p.lines.TokensAt(now) < 1 {
		p.suppress() // the cheap way: not even looked at
		return
	}
	line := Parse(raw)
	ctx := context.Background()
	if !p.handler.Enabled(ctx, line.Level) {
		return
	}
	if !p.lines.AllowN(now, 1) || !p.bytes.AllowN(now, len(raw)) {
		p.suppress()
		return
	}
	p.tellSuppressed(tellEvery)
	if skew := line.Time.Sub(now); skew.Abs() > maxClockSkew {
		line.Time = now
	}
	// The handler redacts.
	rec := slog.NewRecord(line.Time, line.Level, line.Message, 0)
	rec.AddAttrs(line.Attrs...)
	if dropped > 0 {
		rec.AddAttrs(slog.Int("bytes_dropped", dropped))
	}
	_ = p.handler.Handle(ctx, rec) // a log that fails must not stop the pipe
}

// remember keeps a line for the crash report, whatever the log takes.
func (p *Pipe) remember(raw []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := bytes.Clone(raw)
	p.last = append(p.last, kept)
	if len(p.last) > keep {
		p.last = p.last[1:]
	}
	switch {
	case bytes.HasPrefix(raw, []byte("{")) || bytes.HasPrefix(raw, []byte("time=")):
		p.inPanic = false // a line of a log
	case beginsPanic(raw) && !p.inPanic:
		p.inPanic, p.panicked = true, [][]byte{kept}
	case p.inPanic && len(p.panicked) < keepPanic:
		p.panicked = append(p.panicked, kept)
	}
}

// beginsPanic knows the ways in which the Go runtime says goodbye.
func beginsPanic(raw []byte) bool {
	for _, prefix := range []string{"panic: ", "fatal error: ", "SIG"} {
		if bytes.HasPrefix(raw, []byte(prefix)) {
			return prefix != "SIG" || bytes.Contains(raw, []byte(": "))
		}
	}
	return false
}

func (p *Pipe) suppress() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.suppressed++
}

// tellSuppressed tells how many lines were left out, if any, unless it has done
// so within every.
func (p *Pipe) tellSuppressed(every time.Duration) {
	now := p.now()
	p.mu.Lock()
	n := p.suppressed
	if n == 0 || now.Sub(p.told) < every {
		p.mu.Unlock()
		return
	}
	p.suppressed, p.told = 0, now
	p.mu.Unlock()
	rec := slog.NewRecord(now, slog.LevelWarn, "the plugin writes too much; lines were left out", 0)
	rec.AddAttrs(slog.Int("lines", n))
	if ctx := context.Background(); p.handler.Enabled(ctx, rec.Level) {
		_ = p.handler.Handle(ctx, rec)
	}
}

// wholeRunes takes away the beginning of a rune that a cut has left at the end.
func wholeRunes(b []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if last := b[len(b)-i:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}
