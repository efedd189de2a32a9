package mqtt

import (
	"maps"
	"sync"
	"sync/atomic"
)

// counts of the bridge since its start. Safe for concurrent use.
type counts struct {
	connections atomic.Uint64

	mu       sync.Mutex
	commands map[Stage]int
}

// ended counts a command by how it has ended.
func (c *counts) ended(s Stage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.commands == nil {
		c.commands = map[Stage]int{}
	}
	c.commands[s]++
}

// get returns how many commands have ended in which way.
func (c *counts) get() map[Stage]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[Stage]int{StageDone: 0, StageRefused: 0, StageFailed: 0, StageExpired: 0}
	maps.Copy(all, c.commands)
	return all
}
