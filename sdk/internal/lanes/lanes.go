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

// FullError is an [ErrFull] that says when there may be room.
type FullError struct{ RetryAfter time.Duration }

func (e *FullError) Error() string { return ErrFull.Error() }

// Unwrap returns ErrFull.
func (e *FullError) Unwrap() error { return ErrFull }

// fullPause is when to come again where nothing tells how long the others take.
const fullPause = 5 * time.Second

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
	backlogs  [classes]backlog
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
	// until is when the last of its callers has gone; zero: never.
	until time.Time
	// begun is when it started; zero: it waits.
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
// If no worker will have had time for the job before ctx ends, it fails with a
// [FullError] as soon as that is clear.
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
		return &FullError{RetryAfter: fullPause}
	}
	return nil
}

// Join waits for the job named key if it is running, and says whether it is.
func (l *Lanes) Join(ctx context.Context, key Key) (value any, joined bool, err error) {
	l.mu.Lock()
	j := l.jobs[key]
	if j == nil || j.begun.IsZero() || l.waiters >= l.total {
		l.mu.Unlock()
		return nil, false, nil
	}
	l.join(ctx, j)
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
		if !j.begun.IsZero() {
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
