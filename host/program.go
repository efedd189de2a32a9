package host

import (
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
)

// Program is a plugin's executable file.
type Program struct {
	// Digest is the SHA-256 of the file, in hexadecimal.
	Digest string `json:"digest,omitempty"`
	// Version is the one that a program in Go says of itself in its file, which is not
	// executed for that; empty: it says none.
	Version string `json:"version,omitempty"`
}

// watchProgram looks in intervals what lies at the plugin's path, until the plugin is to
// stop. A file system that hangs holds up nothing but this.
func (s *supervisor) watchProgram() {
	ticker := time.NewTicker(s.opts.ProbeInterval)
	defer ticker.Stop()
	for {
		select {
		case <-s.life.Done():
			return
		case <-ticker.C:
		}
		s.mu.Lock()
		path := s.spec.Path
		s.mu.Unlock()
		program, err := s.programs.images.Look(path)
		if err != nil {
			program = launch.Program{} // whatever is wrong with it is told when it is to start
		}
		s.mu.Lock()
		s.atPath = Program(program)
		s.mu.Unlock()
	}
}

// available is what lies at the plugin's path, if it is another program than the one that
// runs. Called with mu held.
func (s *supervisor) available() Program {
	if s.runs.current == nil || s.runs.current.Digest() == "" || s.runs.current.Digest() == s.atPath.Digest {
		return Program{}
	}
	return s.atPath
}
