package sdk

import (
	"context"
	"sync"
	"time"
)

// When and how often people are told that a session will end for good.
const (
	endNotice   = 14 * 24 * time.Hour
	endInterval = 24 * time.Hour
)

// ending tells people in time that the session cannot be renewed for ever. Safe
// for concurrent use.
type ending struct {
	ender Ender // nil if sessions have no end
	now   func() time.Time
	// notice is told what to say; empty: nothing.
	notice func(sentence string)

	mu     sync.Mutex
	looked time.Time
}

func (e *ending) look(ctx context.Context) {
	if e.ender == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	if since := now.Sub(e.looked); since >= 0 && since < endInterval {
		return
	}
	e.looked = now
	at, remedy, ok := e.ender.SessionEnd()
	if !ok || at.Sub(now) > endNotice {
		e.notice("")
		return
	}
	Logger(ctx).Warn("the session will end for good", "expected", at.UTC().Format(time.DateOnly), "remedy", remedy)
	e.notice("The vendor's session is expected to end on " + at.UTC().Format("2 January 2006") + ". " + remedy)
}
