package cloudsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Playing is how far a running script is.
type Playing struct {
	ID   int    `json:"id"`
	Name string `json:"name,omitempty"`
	// Step that is next or going on, from 1; one more than Steps: it is over.
	Step  int `json:"step"`
	Steps int `json:"steps"`
	// Fault of that step.
	Fault Fault `json:"fault,omitempty"`
	// Met is how many calls all its steps have met so far.
	Met int `json:"met"`
}

// player runs scripts. Time is looked at when a call comes: what was due before
// has happened by then. Safe for concurrent use; its lock is taken before those
// of the cloud and its cars.
type player struct {
	cloud *Cloud

	mu   sync.Mutex
	last int
	runs []*run
}

// run of a script.
type run struct {
	id     int
	script Script
	step   int
	// since is when the step begins.
	since time.Time
	// passed and met are the calls that the step let through and met; total those
	// that any step met.
	passed, met, total int
	// begun: the step's state has begun; end undoes it.
	begun bool
	end   func(at time.Time)
	// lasting undoes the states that have no end of their own.
	lasting []func(at time.Time)
}

// Play starts a script beside those that run already, and returns its number.
// Of several scripts the oldest that has a fault for a call meets it.
func (c *Cloud) Play(s Script) (int, error) {
	if err := s.Check(); err != nil {
		return 0, err
	}
	for i, step := range s.Steps {
		switch {
		case c.opts.Answers != nil && faults[step.Fault].begin != nil:
			return 0, fmt.Errorf("script: step %d: %s is nothing that recorded answers can show", i+1, step.Fault)
		case c.opts.Answers == nil && step.Car != "" && c.find(step.Car) == nil:
			return 0, fmt.Errorf("script: step %d: there is no car %q", i+1, step.Car)
		}
	}
	s.Steps = slices.Clone(s.Steps)
	p := &c.player
	p.mu.Lock()
	defer p.mu.Unlock()
	now := c.now()
	p.last++
	r := &run{id: p.last, script: s, since: now.Add(s.Steps[0].Wait)}
	p.runs = append(p.runs, r)
	p.catchUp(r, now)
	return r.id, nil
}

// Stop ends a script and the state that it has begun. It says whether there was
// one of this number.
func (c *Cloud) Stop(id int) bool {
	p := &c.player
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, r := range p.runs {
		if r.id == id {
			r.stop(c.now())
			p.runs = slices.Delete(p.runs, i, i+1)
			return true
		}
	}
	return false
}

// Playing lists the scripts that were started, those that are over too.
func (c *Cloud) Playing() []Playing {
	p := &c.player
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]Playing, 0, len(p.runs))
	for _, r := range p.runs {
		p.catchUp(r, c.now())
		state := Playing{ID: r.id, Name: r.script.Name, Step: r.step + 1, Steps: len(r.script.Steps), Met: r.total}
		if !r.over() {
			state.Fault = r.current().Fault
		}
		list = append(list, state)
	}
	return list
}

func (r *run) over() bool    { return r.step == len(r.script.Steps) }
func (r *run) current() Step { return r.script.Steps[r.step] }

// settle lets everything happen that is due.
func (p *player) settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.cloud.now()
	for _, r := range p.runs {
		p.catchUp(r, now)
	}
}

// meet returns the step that has a fault for a call; false if there is none.
func (p *player) meet(class Class, req *http.Request) (Step, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.cloud.now()
	for _, r := range p.runs {
		p.catchUp(r, now)
	}
	for _, r := range p.runs {
		if r.over() || now.Before(r.since) || r.begun || !p.about(r.current(), class, req) {
			continue
		}
		step := r.current()
		if r.passed < step.After {
			r.passed++
			continue
		}
		r.met++
		r.total++
		if faults[step.Fault].begin != nil {
			p.begin(r, now)
			p.catchUp(r, now)
			continue // the cloud itself answers, as it is now
		}
		if n := step.times(); n > 0 && r.met >= n {
			r.next(now)
			p.catchUp(r, now)
		}
		return step, true
	}
	return Step{}, false
}

// times is how many calls a step meets; zero: any number.
func (s Step) times() int {
	if s.Times == 0 && s.For == 0 && !s.Always {
		return 1
	}
	return s.Times
}

// about says whether a step is about a call. The car of a state is who it is
// about, not which call begins it.
func (p *player) about(s Step, class Class, r *http.Request) bool {
	k := faults[s.Fault]
	on, paths := []Class(s.On), []string{s.Path}
	if len(on) == 0 && s.Path == "" {
		on, paths = k.on, k.paths
	}
	ends := func(path string) bool { return strings.HasSuffix(r.URL.Path, path) }
	if len(on) > 0 && !slices.Contains(on, class) || len(paths) > 0 && !slices.ContainsFunc(paths, ends) {
		return false
	}
	if s.Car == "" || k.begin != nil {
		return true
	}
	if car := p.cloud.find(s.Car); car != nil {
		return car.ID == carOf(r)
	}
	return s.Car == carOf(r) // a recorded one
}

// catchUp lets a script's steps begin and end until now. Called with mu held.
func (p *player) catchUp(r *run, now time.Time) {
	for !r.over() && !now.Before(r.since) {
		step := r.current()
		state := faults[step.Fault].begin != nil
		if state && !r.begun {
			if step.waitsForCall() {
				return
			}
			p.begin(r, r.since)
		}
		switch end := r.since.Add(step.For); {
		case step.For == 0 && state:
			r.next(r.since) // it stays so, and holds nobody up
		case step.For > 0 && !now.Before(end):
			if r.end != nil {
				r.end(end)
			}
			r.next(end)
		default:
			return
		}
	}
}

// waitsForCall: the step's state begins with a call.
func (s Step) waitsForCall() bool { return len(s.On) > 0 || s.Path != "" || s.After > 0 }

// begin begins the state of the present step. Called with mu held.
func (p *player) begin(r *run, at time.Time) {
	step := r.current()
	end := faults[step.Fault].begin(p.cloud, step, at)
	r.begun, r.since = true, at
	switch {
	case step.For > 0:
		r.end = end
	case end != nil:
		r.lasting = append(r.lasting, end)
	}
}

// next goes on to the next step. Called with mu held.
func (r *run) next(at time.Time) {
	r.step++
	r.passed, r.met, r.begun, r.end = 0, 0, false, nil
	if !r.over() {
		r.since = at.Add(r.current().Wait)
	}
}

// stop undoes what the script has begun, the last first. Called with mu held.
func (r *run) stop(at time.Time) {
	if r.end != nil {
		r.end(at)
	}
	for _, end := range slices.Backward(r.lasting) {
		end(at)
	}
}
