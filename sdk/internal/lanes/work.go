package lanes

import (
	"runtime/debug"
	"time"
)

// dispatch starts what may start. Called with mu held.
func (l *Lanes) dispatch() {
	for {
		class, ok := l.next()
		if !ok {
			break
		}
		ln := l.ready[class][0]
		l.ready[class] = l.ready[class][1:]
		j := ln.queue[0]
		ln.queue = ln.queue[1:]
		ln.running = j
		j.begun = l.now()
		l.waiting[class]--
		l.running[class]++
		go l.work(ln, j)
	}
	now := time.Now()
	for class := range l.backlogs {
		l.backlogs[class].observe(len(l.ready[class]) > 0, now)
	}
}

// room says whether one more job of a class may run. Called with mu held.
func (l *Lanes) room(class Class) bool {
	return l.running[Read]+l.running[Wake] < l.workers || class == Read && l.running[Read] < min(l.reserved, l.workers)
}

// next takes the classes in turns, so that neither starves the other.
func (l *Lanes) next() (Class, bool) {
	for range classes {
		class := l.turn
		l.turn = (l.turn + 1) % classes
		if len(l.ready[class]) > 0 && l.room(class) {
			return class, true
		}
	}
	return 0, false
}

// work runs one job. The goroutine ends with the job, also if the job ends the
// goroutine.
func (l *Lanes) work(ln *lane, j *job) {
	defer l.finish(ln, j)
	j.err = &PanicError{Value: "the job ended its goroutine"}
	j.value, j.err = protect(j, Info{Waited: l.now().Sub(j.queued)})
}

func (l *Lanes) finish(ln *lane, j *job) {
	j.cancel()
	l.mu.Lock()
	if l.jobs[j.key] == j {
		delete(l.jobs, j.key)
	}
	class := ln.key.class
	l.running[class]--
	l.backlogs[class].end(l.running[class], time.Now())
	ln.running = nil
	if len(ln.queue) > 0 {
		l.ready[class] = append(l.ready[class], ln)
	} else {
		delete(l.lanes, ln.key)
	}
	l.dispatch()
	l.shed(class)
	l.signalIdle()
	l.changed()
	l.mu.Unlock()
	close(j.done)
}

// protect turns a panic of the job into an error.
func protect(j *job, info Info) (value any, err error) {
	defer func() {
		if p := recover(); p != nil {
			value, err = nil, &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	return j.run(j.ctx, info)
}

func (l *Lanes) signalIdle() {
	if !l.closed || l.waiting[Read]+l.waiting[Wake] > 0 || l.running[Read]+l.running[Wake] > 0 {
		return
	}
	select {
	case <-l.idle:
	default:
		close(l.idle)
	}
}
