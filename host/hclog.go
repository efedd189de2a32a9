package host

import (
	"context"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// FromHCLog makes a logger for a hub that logs with hclog: for [Options], for the bridge,
// and for all else here that takes a logger. Levels and values are kept; members of groups
// have the names of these before theirs.
func FromHCLog(l hclog.Logger) *slog.Logger { return slog.New(hclogHandler{logger: l}) }

// hclogHandler is a [slog.Handler] that writes to hclog.
type hclogHandler struct {
	logger hclog.Logger
	// prefix of names, with a dot; empty: none.
	prefix string
}

// Enabled implements [slog.Handler].
func (h hclogHandler) Enabled(_ context.Context, level slog.Level) bool {
	switch hclogLevel(level) {
	case hclog.Trace:
		return h.logger.IsTrace()
	case hclog.Debug:
		return h.logger.IsDebug()
	case hclog.Info:
		return h.logger.IsInfo()
	case hclog.Warn:
		return h.logger.IsWarn()
	}
	return h.logger.IsError()
}

// Handle implements [slog.Handler].
func (h hclogHandler) Handle(_ context.Context, r slog.Record) error {
	var pairs []any
	r.Attrs(func(a slog.Attr) bool {
		pairs = h.pairs(pairs, h.prefix, a)
		return true
	})
	h.logger.Log(hclogLevel(r.Level), r.Message, pairs...)
	return nil
}

// WithAttrs implements [slog.Handler].
func (h hclogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var pairs []any
	for _, a := range attrs {
		pairs = h.pairs(pairs, h.prefix, a)
	}
	return hclogHandler{h.logger.With(pairs...), h.prefix}
}

// WithGroup implements [slog.Handler].
func (h hclogHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return hclogHandler{h.logger, h.prefix + name + "."}
}

// pairs appends an attribute's name and value, or those of its members.
func (h hclogHandler) pairs(to []any, prefix string, a slog.Attr) []any {
	value := a.Value.Resolve()
	switch {
	case a.Equal(slog.Attr{}):
		return to
	case value.Kind() != slog.KindGroup:
		return append(to, prefix+a.Key, value.Any())
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, member := range value.Group() {
		to = h.pairs(to, prefix, member)
	}
	return to
}

// hclogLevel is the level at or below one of slog's.
func hclogLevel(level slog.Level) hclog.Level {
	switch {
	case level < slog.LevelDebug:
		return hclog.Trace
	case level < slog.LevelInfo:
		return hclog.Debug
	case level < slog.LevelWarn:
		return hclog.Info
	case level < slog.LevelError:
		return hclog.Warn
	}
	return hclog.Error
}
