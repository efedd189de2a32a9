package lanes

import (
	"context"
	"time"
)

func (l *Lanes) submit(ctx context.Context, key Key, run func(context.Context, Info) (any, error)) (j *job, joined bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.full(key); err != nil {
		return nil, false, err
	}
	if j := l.jobs[key]; j != nil {
		l.join(ctx, j)
		return j, true, nil
	}
	if late := l.late(ctx, key.Class); late > 0 {
		return nil, false, &FullError{RetryAfter: late}
	}
	lk := laneKey{key.Vehicle, key.Class}
	ln := l.lanes[lk]
	if ln == nil {
		ln = &lane{key: lk}
		l.lanes[lk] = ln
	}
	j = &job{key: key, run: run, queued: l.now(), waiters: 1, done: make(chan struct{})}
	j.until, _ = ctx.Deadline()
	j.ctx, j.cancel = context.WithCancel(context.WithValue(context.WithoutCancel(ctx), wantedKey{}, func() bool { return l.wanted(j) }))
	l.jobs[key] = j
	l.waiters++
	l.waiting[key.Class]++
	l.changed()
	ln.queue = append(ln.queue, j)
	if ln.running == nil && len(ln.queue) == 1 {
		l.ready[key.Class] = append(l.ready[key.Class], ln)
	}
	l.dispatch()
	return j, false, nil
}

func (l *Lanes) join(ctx context.Context, j *job) {
	if until, ok := ctx.Deadline(); !ok {
		j.until = time.Time{}
	} else if !j.until.IsZero() && until.After(j.until) {
		j.until = until
	}
	j.waiters++
	l.waiters++
	l.coalesced++
	l.changed()
}

func (l *Lanes) wait(ctx context.Context, j *job) (any, error) {
	select {
	case <-j.done:
	case <-ctx.Done():
		l.leave(j)
		return nil, ctx.Err()
	}
	l.mu.Lock()
	l.waiters--
	l.mu.Unlock()
	return j.value, j.err
}

// leave takes a caller away from a job. The last one takes a job with it that only
// waits.
func (l *Lanes) leave(j *job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiters--
	j.waiters--
	l.changed()
	if waits := j.begun.IsZero() && l.jobs[j.key] == j; waits && j.waiters == 0 {
		l.drop(j)
		l.signalIdle()
	}
}

// drop takes a job away that waits. Called with mu held.
func (l *Lanes) drop(j *job) {
	j.cancel()
	delete(l.jobs, j.key)
	ln := l.lanes[laneKey{j.key.Vehicle, j.key.Class}]
	for i, q := range ln.queue {
		if q == j {
			ln.queue = append(ln.queue[:i], ln.queue[i+1:]...)
			l.waiting[j.key.Class]--
			break
		}
	}
	if len(ln.queue) == 0 && ln.running == nil {
		l.dropReady(ln)
		delete(l.lanes, ln.key)
	}
}

func (l *Lanes) dropReady(ln *lane) {
	ring := l.ready[ln.key.class]
	for i, r := range ring {
		if r == ln {
			l.ready[ln.key.class] = append(ring[:i], ring[i+1:]...)
			return
		}
	}
}
