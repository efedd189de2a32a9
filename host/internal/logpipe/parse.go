// Package logpipe reads what a plugin writes to stderr: lines of slog or hclog
// as JSON, of slog as text, plain text, and panics. It takes anything: no line
// can make it fail, and none is lost.
package logpipe

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Line is one parsed line.
type Line struct {
	// Time is zero if the line has none.
	Time    time.Time
	Level   slog.Level
	Message string
	Attrs   []slog.Attr
}

// Parse reads one line without its end. It never fails: what it does not know
// is plain text of level info.
func Parse(line []byte) Line {
	text := strings.TrimRight(strings.ToValidUTF8(string(line), "\uFFFD"), "\r\n")
	trimmed := strings.TrimSpace(text)
	if strings.HasPrefix(trimmed, "{") {
		if parsed, ok := parseJSON(trimmed); ok {
			return parsed
		}
	}
	if strings.Contains(trimmed, "level=") && strings.Contains(trimmed, "msg=") {
		if parsed, ok := parseText(trimmed); ok {
			return parsed
		}
	}
	return Line{Level: plainLevel(trimmed), Message: text}
}

// parseJSON reads slog's and hclog's forms. Values may be of any type.
func parseJSON(text string) (Line, bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var fields map[string]any
	if err := d.Decode(&fields); err != nil {
		return Line{}, false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Line{}, false // something follows that must not be lost
	}
	var line Line
	known := false
	for _, key := range []string{"msg", "@message", "message"} {
		if v, ok := fields[key]; ok {
			line.Message, known = textOf(v), true
			delete(fields, key)
			break
		}
	}
	for _, key := range []string{"level", "@level"} {
		if v, ok := fields[key]; ok {
			line.Level, known = levelOf(textOf(v)), true
			delete(fields, key)
			break
		}
	}
	for _, key := range []string{"time", "@timestamp"} {
		if v, ok := fields[key]; ok {
			if t, err := time.Parse(time.RFC3339Nano, textOf(v)); err == nil {
				line.Time = t
				delete(fields, key)
			}
			break
		}
	}
	if !known {
		return Line{}, false
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		line.Attrs = append(line.Attrs, attrOf(key, fields[key]))
	}
	return line, true
}

func attrOf(key string, v any) slog.Attr {
	switch v := v.(type) {
	case string:
		return slog.String(key, v)
	case bool:
		return slog.Bool(key, v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return slog.Int64(key, n)
		}
		if f, err := v.Float64(); err == nil {
			return slog.Float64(key, f)
		}
		return slog.String(key, v.String())
	case map[string]any:
		// A group, so that the redactor sees the keys in it.
		members := make([]slog.Attr, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			members = append(members, attrOf(k, v[k]))
		}
		return slog.Attr{Key: key, Value: slog.GroupValue(members...)}
	}
	return slog.String(key, textOf(v))
}

func textOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(b)
}

// parseText reads slog's text form: key=value with quotes where needed.
func parseText(text string) (Line, bool) {
	line := Line{}
	hasMessage := false
	for rest := text; rest != ""; {
		key, after, ok := word(rest, '=')
		if !ok || key == "" || after == "" {
			return Line{}, false
		}
		var value string
		if value, rest, ok = word(after[1:], ' '); !ok {
			return Line{}, false
		}
		rest = strings.TrimPrefix(rest, " ")
		switch at, err := time.Parse(time.RFC3339Nano, value); {
		case key == "msg":
			line.Message, hasMessage = value, true
		case key == "level":
			line.Level = levelOf(value)
		case key == "time" && err == nil:
			line.Time = at
		default:
			line.Attrs = append(line.Attrs, slog.String(key, value))
		}
	}
	return line, hasMessage
}

// word reads a plain or quoted word up to end, which rest begins with unless the
// text is over.
func word(s string, end byte) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		i := strings.IndexByte(s, end)
		if i < 0 {
			i = len(s)
		}
		return s[:i], s[i:], !strings.ContainsAny(s[:i], ` "`)
	}
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", false
	}
	value, err = strconv.Unquote(quoted)
	rest = s[len(quoted):]
	if err != nil || rest != "" && rest[0] != end {
		return "", "", false
	}
	// An escape can stand for a byte that is no text.
	return strings.ToValidUTF8(value, "\uFFFD"), rest, true
}

func levelOf(word string) slog.Level {
	switch strings.ToLower(word) {
	case "trace", "debug":
		return slog.LevelDebug
	case "warn", "warning":
		return slog.LevelWarn
	case "error", "fatal", "panic":
		return slog.LevelError
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(word)); err == nil {
		return level
	}
	return slog.LevelInfo
}

// plainLevel guesses from the usual prefixes.
func plainLevel(text string) slog.Level {
	for prefix, level := range map[string]slog.Level{
		"[TRACE]": slog.LevelDebug, "[DEBUG]": slog.LevelDebug, "[WARN]": slog.LevelWarn, "[ERROR]": slog.LevelError,
		"panic:": slog.LevelError, "fatal error:": slog.LevelError, "runtime: ": slog.LevelError,
	} {
		if strings.HasPrefix(text, prefix) {
			return level
		}
	}
	return slog.LevelInfo
}
