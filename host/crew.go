package host

import (
	"sync"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
)

// crew counts a plugin's processes. What left their groups still belongs to the
// plugin's user, and is killed when the last of them is gone.
type crew struct {
	user *launch.User // nil if others are that user, too: they would be hit

	mu    sync.Mutex
	alive int
}

func newCrew(d directories) *crew {
	if !d.alone {
		return &crew{}
	}
	return &crew{user: d.user}
}

func (c *crew) join() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alive++
}

// leave is for a process that has ended. Nobody joins meanwhile.
func (c *crew) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.alive--; c.alive == 0 && c.user != nil {
		c.user.KillStrays()
	}
}
