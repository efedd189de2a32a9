package sdk

import "github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/lanes"

// Waiting is how many jobs wait for a worker.
func (e *Engine) Waiting() int {
	s := e.lanes.Stats()
	return s.Waiting[lanes.Read] + s.Waiting[lanes.Wake]
}
