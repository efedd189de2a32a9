package mqtt

import (
	"slices"
	"sync"
)

// lines are the commands of each car that are under way, in the order in which they
// came. Safe for concurrent use.
type lines struct {
	mu   sync.Mutex
	cars map[string][]*place
}

// place is one in a car's line.
type place struct {
	car string
	// head is closed when nobody is ahead any more.
	head chan struct{}
}

func newLines() *lines { return &lines{cars: map[string][]*place{}} }

// join gives the last place of a car's line, and how many are ahead.
func (l *lines) join(car string) (p *place, ahead int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p = &place{car: car, head: make(chan struct{})}
	ahead = len(l.cars[car])
	if l.cars[car] = append(l.cars[car], p); ahead == 0 {
		close(p.head)
	}
	return p, ahead
}

// leave gives a place up, whoever is ahead: one answer may serve several.
func (l *lines) leave(p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := l.cars[p.car]
	at := slices.Index(line, p)
	line = slices.Delete(line, at, at+1)
	if len(line) == 0 {
		delete(l.cars, p.car)
		return
	}
	l.cars[p.car] = line
	if at == 0 {
		close(line[0].head)
	}
}
