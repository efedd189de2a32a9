package lanes

import (
	"context"
	"time"
)

// shedInterval is how often those that wait are looked through for some that wait in vain.
const shedInterval = 250 * time.Millisecond

// backlog measures how fast the jobs of a class end while others wait for a worker. It
// looks at the last few rounds of all workers, however long they take. Its clock is that
// of contexts, whose deadlines it is compared with.
type backlog struct {
	since time.Time // zero: no job waits for a worker
	ended int
	shed  time.Time // when those that wait were last looked through
}

// rounds of all workers that a backlog looks back on at most, and the least number of
// jobs that counts as one.
const rounds, leastRound = 4, 4

// observe notes whether jobs wait for a worker.
func (b *backlog) observe(wait bool, now time.Time) {
	if !wait {
		*b = backlog{}
	} else if b.since.IsZero() {
		*b = backlog{since: now, shed: now}
	}
}

// end counts a job that has ended while running others go on.
func (b *backlog) end(running int, now time.Time) {
	if b.since.IsZero() {
		return
	}
	if b.ended++; b.ended > rounds*max(running, leastRound) {
		b.ended /= 2
		b.since = now.Add(-now.Sub(b.since) / 2)
	}
}

// endsIn is how soon a job may end that place others are ahead of. Those that run are
// taken to end now, so that nobody is refused because a round is nearly over.
func (b *backlog) endsIn(place, running int, now time.Time) time.Duration {
	if b.since.IsZero() || b.ended+running == 0 {
		return 0
	}
	pace := now.Sub(b.since) / time.Duration(b.ended+running)
	return time.Duration(max(place+1, running)) * pace
}

// late says by how much a new job of a class cannot end in time, because others wait for
// a worker already. Called with mu held.
func (l *Lanes) late(ctx context.Context, class Class) time.Duration {
	until, ok := ctx.Deadline()
	if !ok || len(l.ready[class]) == 0 {
		return 0
	}
	now := time.Now()
	return l.backlogs[class].endsIn(len(l.ready[class]), l.running[class], now) - until.Sub(now)
}

// shed refuses those that wait for a worker in vain, as soon as that is known: each of
// them ends too late at the pace of the others. Called with mu held.
func (l *Lanes) shed(class Class) {
	b, now := &l.backlogs[class], time.Now()
	if b.since.IsZero() || now.Sub(b.shed) < shedInterval {
		return
	}
	b.shed = now

	kept, late := 0, []*job(nil)
	for _, ln := range l.ready[class] {
		j := ln.queue[0]
		over := b.endsIn(kept, l.running[class], now) - j.until.Sub(now)
		if j.until.IsZero() || over <= 0 {
			kept++
			continue
		}
		j.err = &FullError{RetryAfter: over}
		late = append(late, j)
	}
	for _, j := range late {
		l.drop(j)
		close(j.done)
	}
}
