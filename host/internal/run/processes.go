package run

import (
	"sync"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/workspace"
)

// Processes counts a plugin's processes that live. What left their groups still
// belongs to the plugin's user, and is killed when the last of them is gone. Safe
// for concurrent use.
type Processes struct {
	user *launch.User // nil if others are that user, too: they would be hit

	mu    sync.Mutex
	alive int
}

// NewProcesses of the plugin that has these directories.
func NewProcesses(d workspace.Dirs) *Processes {
	if !d.OwnUser {
		return &Processes{}
	}
	return &Processes{user: d.User}
}

func (p *Processes) join() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alive++
}

// leave is for a process that has ended. None joins meanwhile.
func (p *Processes) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.alive--; p.alive == 0 && p.user != nil {
		p.user.KillStrays()
	}
}
