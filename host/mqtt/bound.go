package mqtt

import (
	"math"
	"time"
)

// bound is how long a message may be. A broker has a limit of its own that it does not
// tell, and hangs up on whoever goes beyond it, each time anew: the longest message
// that was under way each time is then left out for a while, so that the others get
// through.
type bound struct {
	// limit holds until then; zero: none was found.
	limit int
	until time.Time
	// suspect was the longest message that was lost with its connection, so many times.
	suspect, times int
}

const (
	// maxPayload is the longest payload of a value; a longer one is left out.
	maxPayload = 64 << 10
	// unsuspicious is a length that every broker takes.
	unsuspicious = 1 << 10
	// enough losses make a suspect a limit.
	enough = 3
	// boundFor is how long a limit that was found holds.
	boundFor = time.Hour
)

// lost notes that a connection was lost with a message of that length under way, and
// says whether that is now beyond the limit.
func (b *bound) lost(length int, now time.Time) bool {
	if length <= unsuspicious || length < b.suspect {
		return false
	}
	if length > b.suspect {
		b.suspect, b.times = length, 0
	}
	// Where there is a limit, the next one is lower for certain.
	if b.times++; b.times < enough && b.longest(now) == math.MaxInt {
		return false
	}
	b.limit, b.until = length-1, now.Add(boundFor)
	b.suspect, b.times = 0, 0
	return true
}

// took notes that the broker took a message of that length.
func (b *bound) took(length int) {
	if length >= b.suspect {
		b.suspect, b.times = 0, 0
	}
}

// longest is the length up to which messages may be sent.
func (b *bound) longest(now time.Time) int {
	if b.limit == 0 || now.After(b.until) {
		return math.MaxInt
	}
	return b.limit
}
