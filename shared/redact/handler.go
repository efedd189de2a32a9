package redact

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// personalKeys are fields that are masked whatever stands in them.
var personalKeys = map[string]bool{
	"password": true, "pin": true, "token": true, "vin": true, "username": true, "email": true,
	"latitude": true, "longitude": true, "lat": true, "lon": true, "address": true,
	"authorization": true, "cookie": true,
}

// Handler returns a slog handler that redacts messages and fields before next
// sees them. Fields that a logger was given cost nothing until it writes a line.
func (r *Redactor) Handler(next slog.Handler) slog.Handler {
	return handler{redactor: r, base: next, next: func() slog.Handler { return next }}
}

type handler struct {
	redactor *Redactor
	// base tells what is written, next writes it.
	base slog.Handler
	next func() slog.Handler
}

func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.base.Enabled(ctx, level)
}

func (h handler) Handle(ctx context.Context, rec slog.Record) error {
	clean := slog.NewRecord(rec.Time, rec.Level, h.redactor.String(rec.Message), rec.PC)
	rec.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.attr(a))
		return true
	})
	return h.next().Handle(ctx, clean)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := h.next
	h.next = sync.OnceValue(func() slog.Handler {
		clean := make([]slog.Attr, len(attrs))
		for i, a := range attrs {
			clean[i] = h.attr(a)
		}
		return next().WithAttrs(clean)
	})
	if slices.ContainsFunc(attrs, mayChange) {
		h.next()
	}
	return h
}

// mayChange says whether a field may be another one by the time that a line is written.
func mayChange(a slog.Attr) bool {
	switch a.Value.Kind() {
	case slog.KindAny, slog.KindGroup, slog.KindLogValuer:
		return true
	default:
		return false
	}
}

func (h handler) WithGroup(name string) slog.Handler {
	next := h.next
	h.next = sync.OnceValue(func() slog.Handler { return next().WithGroup(name) })
	return h
}

func (h handler) attr(a slog.Attr) slog.Attr {
	// Text forms name members of groups with dots: "at.latitude".
	if personalKeys[strings.ToLower(a.Key[strings.LastIndexByte(a.Key, '.')+1:])] {
		return slog.String(a.Key, Mask)
	}
	v := a.Value.Resolve()
	key := h.redactor.String(a.Key)
	switch v.Kind() {
	case slog.KindString:
		return slog.String(key, h.redactor.String(v.String()))
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64:
		// A PIN is a number where somebody has parsed it.
		if h.redactor.isNumber(v) {
			return slog.String(key, Mask)
		}
		return slog.Attr{Key: key, Value: v}
	case slog.KindGroup:
		members := v.Group()
		clean := make([]slog.Attr, len(members))
		for i, m := range members {
			clean[i] = h.attr(m)
		}
		return slog.Attr{Key: key, Value: slog.GroupValue(clean...)}
	case slog.KindAny:
		if list, ok := v.Any().([]string); ok {
			clean := make([]string, len(list))
			for i, s := range list {
				clean[i] = h.redactor.String(s)
			}
			return slog.Any(key, clean)
		}
		text := fmt.Sprint(v.Any())
		if raw, ok := v.Any().([]byte); ok {
			text = string(raw)
		}
		return slog.String(key, h.redactor.String(text))
	default:
		return slog.Attr{Key: key, Value: v}
	}
}
