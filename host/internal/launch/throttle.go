package launch

import (
	"bytes"
	"context"
	"io"

	"golang.org/x/time/rate"
)

// What a process may write to its pipes, in the long run and at once. One that
// writes more is held up by its own pipe, and costs the host no more than this.
const (
	outputPerSecond = 4 << 20
	outputAtOnce    = 16 << 20
	// A line costs the host as much as so many bytes, however short it is.
	lineCost = 256
	// maxRead keeps what one read costs below what is allowed at once.
	maxRead = 32 << 10
)

// throttled reads no faster than a limit.
type throttled struct {
	io.Reader
	limit *rate.Limiter
}

// Throttle returns a reader of a plugin's output that is no faster than the host
// can bear.
func Throttle(r io.Reader) io.Reader {
	return throttled{Reader: r, limit: rate.NewLimiter(outputPerSecond, outputAtOnce)}
}

func (t throttled) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p[:min(len(p), maxRead)])
	// Fails only for more than the limit allows at once.
	_ = t.limit.WaitN(context.Background(), n+lineCost*bytes.Count(p[:n], []byte("\n")))
	return n, err
}
