// Package lanes runs blocking jobs in a bounded number of goroutines: first in,
// first out for each vehicle and class, round robin between vehicles, equal jobs
// shared, and room for reads while cars are being woken.
//
// A vehicle has one lane for each class. Within a lane one job runs at a time;
// a read does not wait behind its own sleeping car, because it asks the cloud
// and not the car.
package lanes

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// Class says what a job may hold up.
type Class int

// The classes.
const (
	// Read asks the vendor's cloud: short.
	Read Class = iota
	// Wake asks the car: up to minutes.
	Wake

	classes = 2
)

// Errors of Do.
var (
	ErrFull   = errors.New("too many jobs are waiting")
	ErrClosed = errors.New("no new jobs are taken")
)

// PanicError is what the waiters of a job that panicked get.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Options of New. Zero values take the defaults.
type Options struct {
	// Workers is how many jobs run at the same time. Default 32.
	Workers int
	// Reserved is how many jobs of class Read run, but no more than there are workers,
	// whatever cars are being woken: when those have taken all workers, so many more read.
	// Default 4.
	Reserved int
	// PerLane is how many different jobs may wait in a lane. Default 8.
	PerLane int
	// Total is how many callers may wait in all. Default 4096.
	Total int
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Changed is called when Stats may say something new. It must not call back.
	// Default: nothing.
	Changed func()
}

// Key names a job. Jobs with equal keys are the same job.
type Key struct {
	Vehicle string
	Class   Class
	Name    string
}

// Info tells a running job how it came to run.
type Info struct {
	// Waited is the time between the first request and the start.
	Waited time.Duration
}

// Stats is what is going on now.
type Stats struct {
	// Callers wait for an answer.
	Callers int
	// Waiting and Running jobs by class.
	Waiting, Running [classes]int
	Workers          int
	// Coalesced is how many callers have joined a job so far.
	Coalesced int64
}

// Lanes is the scheduler. Safe for concurrent use.
type Lanes struct {
	reserved, perLane, total int
	now                      func() time.Time
	changed                  func()

	mu        sync.Mutex
	workers   int
	lanes     map[laneKey]*lane
	jobs      map[Key]*job
	ready     [classes][]*lane // lanes with a waiting job and none running
	running   [classes]int
	turn      Class
	waiters   int
	waiting   [classes]int
	coalesced int64
	closed    bool
	idle      chan struct{} // closed when closed and nothing is left
}

type laneKey struct {
	vehicle string
	class   Class
}

type lane struct {
	key     laneKey
	queue   []*job
	running *job
}

type job struct {
	key     Key
	run     func(context.Context, Info) (any, error)
	ctx     context.Context
	cancel  context.CancelFunc
	queued  time.Time
	waiters int
	started bool
	// begun is when it started.
	begun time.Time

	done  chan struct{} // closed when value and err are set
	value any
	err   error
}

// New returns a scheduler without goroutines; they come with the jobs.
func New(o Options) *Lanes {
	if o.Workers <= 0 {
		o.Workers = 32
	}
	if o.Reserved <= 0 {
		o.Reserved = 4
	}
	if o.PerLane <= 0 {
		o.PerLane = 8
	}
	if o.Total <= 0 {
		o.Total = 4096
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	return &Lanes{
		workers: o.Workers, reserved: o.Reserved, perLane: o.PerLane, total: o.Total, now: o.Now,
		changed: o.Changed, lanes: map[laneKey]*lane{}, jobs: map[Key]*job{}, idle: make(chan struct{}),
	}
}

// SetWorkers changes how many jobs run at the same time. Those that run go on.
func (l *Lanes) SetWorkers(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.workers = max(1, n)
	l.dispatch()
}

// Do waits for the job named key: for the one that is already waiting or
// running, else for a new one that calls run. run gets a context with the values
// of the first caller's, but not its end: a job that runs goes on when all callers
// have left, see [Wanted], and one that waits does not begin. Do returns the job's
// result, or ctx's error as soon as ctx ends, and whether the job was another caller's.
func (l *Lanes) Do(ctx context.Context, key Key, run func(context.Context, Info) (any, error)) (value any, joined bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	j, joined, err := l.submit(ctx, key, run)
	if err != nil {
		return nil, false, err
	}
	value, err = l.wait(ctx, j)
	return value, joined, err
}

// Would says what Do would do now: share a job, or fail.
func (l *Lanes) Would(key Key) (share bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.jobs[key] != nil, l.full(key)
}

// full is why no more callers are taken for a job. Called with mu held.
func (l *Lanes) full(key Key) error {
	switch ln := l.lanes[laneKey{key.Vehicle, key.Class}]; {
	case l.closed:
		return ErrClosed
	case l.waiters >= l.total, l.jobs[key] == nil && ln != nil && len(ln.queue) >= l.perLane:
		return ErrFull
	}
	return nil
}

// Join waits for the job named key if it is running, and says whether it is.
func (l *Lanes) Join(ctx context.Context, key Key) (value any, joined bool, err error) {
	l.mu.Lock()
	j := l.jobs[key]
	if j == nil || !j.started || l.waiters >= l.total {
		l.mu.Unlock()
		return nil, false, nil
	}
	l.join(j)
	l.mu.Unlock()
	value, err = l.wait(ctx, j)
	return value, true, err
}

type wantedKey struct{}

// Wanted says whether somebody waits for the job that ctx belongs to; of no job, true.
func Wanted(ctx context.Context) bool {
	wanted, ofAJob := ctx.Value(wantedKey{}).(func() bool)
	return !ofAJob || wanted()
}

func (l *Lanes) wanted(j *job) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return j.waiters > 0
}

// Stats returns what is going on now.
func (l *Lanes) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Stats{Callers: l.waiters, Waiting: l.waiting, Running: l.running, Workers: l.workers, Coalesced: l.coalesced}
}

// Longer says how many jobs have been running for longer than bound.
func (l *Lanes) Longer(bound time.Duration) (jobs int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for _, ln := range l.lanes {
		if ln.running != nil && now.Sub(ln.running.begun) > bound {
			jobs++
		}
	}
	return jobs
}

// Refuse lets no new job in. Those that were taken go on.
func (l *Lanes) Refuse() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		l.signalIdle()
	}
}

// Close refuses new jobs and waits until those that were taken have ended, or
// until ctx ends.
func (l *Lanes) Close(ctx context.Context) error {
	l.Refuse()
	select {
	case <-l.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// CancelAll cancels the context of every job that runs; their callers get what the jobs
// make of it. The callers of jobs that wait get ErrClosed. An equal request that comes
// later is a new job.
func (l *Lanes) CancelAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, j := range l.jobs {
		if j.started {
			j.cancel()
			continue
		}
		l.drop(j)
		j.err = ErrClosed
		close(j.done)
	}
	clear(l.jobs)
	l.signalIdle()
}

func (l *Lanes) submit(ctx context.Context, key Key, run func(context.Context, Info) (any, error)) (j *job, joined bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.full(key); err != nil {
		return nil, false, err
	}
	if j := l.jobs[key]; j != nil {
		l.join(j)
		return j, true, nil
	}
	lk := laneKey{key.Vehicle, key.Class}
	ln := l.lanes[lk]
	if ln == nil {
		ln = &lane{key: lk}
		l.lanes[lk] = ln
	}
	j = &job{key: key, run: run, queued: l.now(), waiters: 1, done: make(chan struct{})}
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

func (l *Lanes) join(j *job) {
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
	if waits := !j.started && l.jobs[j.key] == j; waits && j.waiters == 0 {
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

// dispatch starts what may start. Called with mu held.
func (l *Lanes) dispatch() {
	for {
		class, ok := l.next()
		if !ok {
			return
		}
		ln := l.ready[class][0]
		l.ready[class] = l.ready[class][1:]
		j := ln.queue[0]
		ln.queue = ln.queue[1:]
		ln.running = j
		j.started, j.begun = true, l.now()
		l.waiting[class]--
		l.running[class]++
		go l.work(ln, j)
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
	l.running[ln.key.class]--
	ln.running = nil
	if len(ln.queue) > 0 {
		l.ready[ln.key.class] = append(l.ready[ln.key.class], ln)
	} else {
		delete(l.lanes, ln.key)
	}
	l.dispatch()
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
