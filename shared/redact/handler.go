package redact

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// personalKeys are fields that are masked whatever stands in them.
var personalKeys = map[string]bool{
	"password": true, "pin": true, "token": true, "vin": true, "username": true, "email": true,
	"latitude": true, "longitude": true, "lat": true, "lon": true, "address": true,
	"authorization": true, "cookie": true,
}

// Handler returns a slog handler that redacts messages and fields before next
// sees them.
func (r *Redactor) Handler(next slog.Handler) slog.Handler { return handler{redactor: r, next: next} }

type handler struct {
	redactor *Redactor
	next     slog.Handler
}

func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h handler) Handle(ctx context.Context, rec slog.Record) error {
	clean := slog.NewRecord(rec.Time, rec.Level, h.redactor.String(rec.Message), rec.PC)
	rec.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.attr(a)
	}
	return handler{redactor: h.redactor, next: h.next.WithAttrs(clean)}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{redactor: h.redactor, next: h.next.WithGroup(name)}
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
