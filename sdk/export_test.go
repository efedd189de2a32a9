package sdk

import (
	"context"
	"errors"

	"github.com/hyundai-mqtt/hyundai-plugin/sdk/internal/lanes"
)

// Waiting is how many jobs wait for a worker.
func (e *Engine) Waiting() int {
	s := e.lanes.Stats()
	return s.Waiting[lanes.Read] + s.Waiting[lanes.Wake]
}

// Flush waits until what is known of the cars is on the disk.
func (e *Engine) Flush(ctx context.Context) (err error) {
	for _, a := range e.known() {
		err = errors.Join(err, a.memory.Flush(ctx))
	}
	return err
}
