package host

import (
	"sync/atomic"
	"time"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// Metrics is told of every answered call. It is called from many goroutines and
// must not block.
type Metrics interface {
	CallDone(Call)
}

// Call is a refresh that has been answered.
type Call struct {
	Plugin string
	Mode   shared.Mode
	// Reason of the failure; empty for success.
	Reason shared.Reason
	// Duration until the answer, with all attempts and waits.
	Duration time.Duration
	// Attempts that reached a plugin's process; more than one is a replay.
	Attempts int
}

type noMetrics struct{}

func (noMetrics) CallDone(Call) {}

// callCounters of a plugin.
type callCounters struct {
	inFlight, replayed atomic.Int64
}

// reasonOf is the label of an error; empty for success.
func reasonOf(err error) shared.Reason {
	if err == nil {
		return ""
	}
	return shared.AsAPIError(err).Reason
}
