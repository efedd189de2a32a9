package launch

import (
	"context"
	"io"

	"golang.org/x/time/rate"
)

// What a process may write to its pipes, in the long run and at once. One that
// writes more is held up by its own pipe, and costs the host no more than this.
const (
	outputPerSecond = 4 << 20
	outputAtOnce    = 16 << 20
)

// throttled reads no faster than a limit.
type throttled struct {
	io.Reader
	limit *rate.Limiter
}

func throttle(r io.Reader) io.Reader {
	return throttled{Reader: r, limit: rate.NewLimiter(outputPerSecond, outputAtOnce)}
}

func (t throttled) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p[:min(len(p), outputAtOnce)])
	// Fails only for more than the limit allows at once.
	_ = t.limit.WaitN(context.Background(), n)
	return n, err
}
