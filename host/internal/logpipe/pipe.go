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

	"github.com/hyundai-mqtt/hyundai-plugin/shared/redact"
)

// maxLine is how much of a line is kept; the rest is read and dropped.
const maxLine = 16 << 10

// keep is how many last lines a crash report gets.
const keep = 20

// Pipe forwards a plugin's lines to the hub's log, redacted. Safe for
// concurrent use.
type Pipe struct {
	log      *slog.Logger
	redactor redact.Redactor

	mu   sync.Mutex
	last []string
}

// New returns a pipe that writes to log.
func New(log *slog.Logger) *Pipe { return &Pipe{log: log} }

// Drain reads r to its end, line by line, however long the lines are. It
// returns when r ends or fails.
func (p *Pipe) Drain(r io.Reader) {
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

// Last returns the last lines, oldest first.
func (p *Pipe) Last() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.last...)
}

func (p *Pipe) forward(raw []byte, dropped int) {
	if dropped > 0 {
		raw = wholeRunes(raw)
	}
	line := Parse(raw)
	message := p.redactor.String(line.Message)
	p.mu.Lock()
	p.last = append(p.last, message)
	if len(p.last) > keep {
		p.last = p.last[1:]
	}
	p.mu.Unlock()
	ctx := context.Background()
	handler := p.redactor.Handler(p.log.Handler())
	if !handler.Enabled(ctx, line.Level) {
		return
	}
	at := line.Time
	if at.IsZero() {
		at = time.Now()
	}
	rec := slog.NewRecord(at, line.Level, message, 0)
	rec.AddAttrs(line.Attrs...)
	if dropped > 0 {
		rec.AddAttrs(slog.Int("bytes_dropped", dropped))
	}
	_ = handler.Handle(ctx, rec) // a log that fails must not stop the pipe
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
